"""Real servers that speak the object stores' protocols, to put into and to look at."""

from __future__ import annotations

import base64
import functools
import itertools
import logging
import os
import secrets
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import pytest
from judges import presence
from moto.server import ThreadedMotoServer
from obstore.store import AzureStore, LocalStore, ObjectStore, S3Store
from ports import answering, free_port

_NUMBERS = itertools.count(1)
PREFIX = "partners/a"
# The account that every Azurite has, and no Azure: its key is in Azurite's own documentation.
_ACCOUNT = "devstoreaccount1"


@dataclass(frozen=True)
class Bucket:
    """An empty bucket of one's own: the channel's settings for it, and a way in that is not the channel's."""

    settings: Mapping[str, object]
    store: ObjectStore  # under the prefix

    def get(self, name: str) -> bytes | None:
        try:
            return bytes(obstore.get(self.store, name).bytes())
        except FileNotFoundError:
            return None

    def headers(self, name: str) -> Mapping[str, str]:
        return dict(obstore.get(self.store, name).attributes)

    def names(self) -> list[str]:
        return sorted(str(one["path"]) for page in obstore.list(self.store) for one in page)


Make = Callable[[Path, pytest.MonkeyPatch], Bucket]


@functools.cache
def _moto() -> str:
    """One server for all tests: it starts slowly, and ends with us."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def s3(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket, endpoint = f"bucket-{uuid.uuid4().hex}", _moto()
    monkeypatch.setenv("STORE_KEY_ID", "key-id")
    monkeypatch.setenv("STORE_SECRET", "hush-hush")
    created(f"{endpoint}/{bucket}")
    settings = {
        "url": f"s3://{bucket}/{PREFIX}",
        "endpoint": endpoint,
        "access_key_id": "env:STORE_KEY_ID",
        "secret_access_key": "env:STORE_SECRET",
    }
    return Bucket(settings, s3_store(bucket, PREFIX, endpoint))


def s3_store(bucket: str, prefix: str, endpoint: str) -> S3Store:
    """A way into a bucket that is not the channel's."""
    return S3Store(
        bucket,
        prefix=prefix,
        endpoint=endpoint,
        access_key_id="key-id",
        secret_access_key="hush-hush",
        region="us-east-1",
        client_options={"allow_http": True},
    )


def created(address: str) -> None:
    endpoint, _, bucket = address.rpartition("/")
    with _boto(endpoint) as one:
        one.create_bucket(Bucket=bucket)


def delete_bucket(endpoint: str, bucket: str) -> None:
    """Delete the bucket with all that is in it."""
    with _boto(endpoint) as one:
        for there in one.list_objects_v2(Bucket=bucket).get("Contents", []):
            one.delete_object(Bucket=bucket, Key=there["Key"])
        one.delete_bucket(Bucket=bucket)


@contextmanager
def _boto(endpoint: str) -> Iterator[Any]:
    from boto3 import client

    one = client("s3", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    try:
        yield one
    finally:
        one.close()


def folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    path = folder / "store"
    return Bucket({"url": f"file://{path}"}, LocalStore(path, mkdir=True))


@contextmanager
def azurite(folder: Path) -> Iterator[Make]:
    """Containers in a blob server of its own."""
    program = presence.file(presence.NODE_MODULES / ".bin" / "azurite-blob", hint="npm ci")
    port = free_port()
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    process = subprocess.Popen(
        [
            *(str(program), "--blobPort", str(port)),
            *("--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"),
        ],
        cwd=folder,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{_ACCOUNT}:{key}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        answering(port, process, lambda: "azurite")
        yield functools.partial(_container, f"http://127.0.0.1:{port}/{_ACCOUNT}", key)
    finally:
        process.terminate()
        process.wait()


def _container(endpoint: str, key: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    name = f"container-{next(_NUMBERS)}"
    monkeypatch.setenv("STORE_SECRET", key)
    _container_created(endpoint, key, name)
    settings = {
        "url": f"az://{name}/{PREFIX}",
        "endpoint": endpoint,
        "account": _ACCOUNT,
        "account_key": "env:STORE_SECRET",
    }
    store = AzureStore(
        name,
        prefix=PREFIX,
        account_name=_ACCOUNT,
        account_key=key,
        endpoint=endpoint,
        client_options={"allow_http": True},
    )
    return Bucket(settings, store)


def _container_created(endpoint: str, key: str, name: str) -> None:
    """Put Container, with a Shared Key signature: obstore makes no containers."""
    import datetime as dt
    import hmac
    from email.utils import format_datetime

    import requests

    date = format_datetime(dt.datetime.now(dt.UTC), usegmt=True)
    canonical = f"x-ms-date:{date}\nx-ms-version:2021-08-06\n/{_ACCOUNT}/{_ACCOUNT}/{name}\nrestype:container"
    text = "PUT" + "\n" * 12 + canonical
    signature = base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), "sha256")).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "authorization": f"SharedKey {_ACCOUNT}:{signature}",
        "content-length": "0",
    }
    answer = requests.put(f"{endpoint}/{name}?restype=container", headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
