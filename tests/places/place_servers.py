"""Real ends for places of five types, shared by many runs, and a look at what lies there that is not Citewire's own."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import obstore
import pytest
from channels import object_stores, sftp_server

from pipeline.channels.webhook.signing import new_secret
from pipeline.renditions import formats
from standins.apple_news import AppleNews
from standins.endpoint import Endpoint, Reply
from standins.receiver import Conduct, Receiver

TYPES = ("directory", "object-store", "sftp", "apple-news", "webhook")
CHANNELS = ("a", "b", "c")
_FORMATS = {
    "apple-news": ("apple-news",),
    "webhook": ("ninjs", "json-ld", "markdown"),
}
_SPOTS = {"directory": 3, "object-store": 3, "sftp": 2, "apple-news": 2}
_ACCOUNTS = tuple(f"{number}3a75491-2c4d-3530-af91-819be8c3ace0" for number in range(4))


def formats_of(type: str) -> tuple[str, ...]:
    """The formats that runs use for a type of channel."""
    return _FORMATS.get(type, ("json-ld", "markdown", "plain-text"))


@dataclass(frozen=True)
class Spot:
    """Where a channel may be. `address`: of a webhook's partner, who is the same at another one."""

    type: str
    name: str
    address: str = ""

    @property
    def place(self) -> Spot:
        return replace(self, address="")


def spots() -> list[Spot]:
    """Every spot that a channel can have to itself. Partners come in addition: they belong to their channels."""
    return [Spot(type, str(number)) for type, count in _SPOTS.items() for number in range(count)]


@dataclass
class Servers:
    folder: Path
    buckets: tuple[object_stores.Bucket, ...]
    sftp: Mapping[str, object]
    accounts: tuple[AppleNews, ...]
    account_ends: tuple[Endpoint, ...]
    partners: Receiver
    run: str = ""

    def begin(self, clock: Callable[[], dt.datetime]) -> None:
        """Forget what former runs left, and give this one folders of its own."""
        self.run = f"run-{secrets.token_hex(6)}"
        for account in self.accounts:
            account.articles.clear()
            account.clock = lambda: clock().timestamp()
        self.partners.received.clear()

    def table(self, channel: str, spot: Spot, format: str) -> str:
        """Return the channel's settings."""
        values: dict[str, object] = {"id": channel, "type": spot.type, "format": format, **self._own(channel, spot)}
        lines = [
            f"{name} = {value if isinstance(value, int) else json.dumps(str(value))}" for name, value in values.items()
        ]
        return "\n".join(["[[channels]]", *lines, ""])

    def _own(self, channel: str, spot: Spot) -> Mapping[str, object]:
        match spot.type:
            case "directory":
                return {"path": self._path(spot)}
            case "sftp":
                return {**self.sftp, "path": self._path(spot)}
            case "object-store":
                bucket = self.buckets[int(spot.name)]
                return {**bucket.settings, "url": f"s3://{_name(bucket)}/{self.run}"}
            case "apple-news":
                one = int(spot.name)
                names = {"key_id": "env:PLACES_APPLE_KEY", "secret": "env:PLACES_APPLE_SECRET"}
                return {"url": self.account_ends[one].url, "channel_id": self.accounts[one].channel_id, **names}
        secret = f"env:PLACES_SECRET_{channel.upper()}"
        return {"url": f"{self.partners.url}{spot.name}/{spot.address}", "secret": secret}

    def _path(self, spot: Spot) -> Path:
        return self.folder / self.run / spot.type / spot.name

    def _objects(self, spot: Spot) -> object_stores.Bucket:
        """A way in that is not the channel's."""
        bucket = self.buckets[int(spot.name)]
        return replace(bucket, store=object_stores.s3_store(_name(bucket), self.run, str(bucket.settings["endpoint"])))

    # --- tampered with from outside

    def file(self, spot: Spot, name: str) -> bytes | None:
        if spot.type == "object-store":
            return self._objects(spot).get(name)
        path = self._path(spot) / name
        return path.read_bytes() if path.exists() else None

    def put(self, spot: Spot, name: str, body: bytes | None) -> None:
        """Replace a file, or remove it."""
        path = self._path(spot) / name
        match spot.type, body:
            case "object-store", None:
                obstore.delete(self._objects(spot).store, name)
            case "object-store", _:
                obstore.put(self._objects(spot).store, name, body)
            case _, None:
                path.unlink()
            case _:
                path.write_bytes(body)

    @contextmanager
    def out_of_reach(self, spot: Spot) -> Iterator[None]:
        """Have the place refuse or not answer for a while."""
        path = self._path(spot)
        match spot.type:
            case "directory" | "sftp":
                away = path.rename(path.with_name("away"))
                path.write_text("a file in place of the folder")
                yield
                path.unlink()
                away.rename(path)
            case "object-store":
                bucket, objects = self.buckets[int(spot.name)], self._objects(spot)
                there = {name: objects.get(name) for name in objects.names()}
                object_stores.delete_bucket(str(bucket.settings["endpoint"]), _name(bucket))
                yield
                object_stores.created(f"{bucket.settings['endpoint']}/{_name(bucket)}")
                for name, body in there.items():
                    self.put(spot, name, body)
            case "apple-news":
                self.account_ends[int(spot.name)].misbehave(Reply(503))
                yield
                self.account_ends[int(spot.name)].behave()
            case _:
                self.partners.conduct(Conduct(status=503))
                yield
                self.partners.behave()

    # --- looked at from outside

    def everything(self, spot: Spot) -> dict[str, bytes]:
        """Return what a reader finds there, by name: a file, or the id of an article."""
        match spot.type:
            case "directory" | "sftp":
                path = self._path(spot)
                files = [one for one in path.iterdir() if one.is_file()] if path.is_dir() else []
                return {one.name: one.read_bytes() for one in files if not one.name.startswith(".")}
            case "object-store":
                objects = self._objects(spot)
                return {name: objects.get(name) or b"" for name in objects.names() if "/" not in name}
            case "apple-news":
                shown = self.accounts[int(spot.name)].articles.values()
                return {f"{one.document['identifier']}.{one.id[:4]}": one.body for one in shown}
        return self._received(spot)

    def _received(self, spot: Spot) -> dict[str, bytes]:
        """What a partner shows who takes the newest revision of each article, and of one revision the last."""
        newest: dict[str, tuple[int, bytes]] = {}
        for one in self.partners.received:
            if one.method == "POST" and one.path.startswith(f"/{spot.name}/") and one.answered == 204:
                article, number = one.headers["citewire-article"], int(one.headers["citewire-revision"])
                body = b"" if one.headers["citewire-event"] == "withdrawn" else one.body
                if number >= newest.get(article, (0, b""))[0]:
                    newest[article] = number, body
        return {article: body for article, (_, body) in newest.items()}

    def readable(self, spot: Spot, *, says: bytes = b"Rest ") -> dict[str, bytes]:
        """Return what shows an article: every article of a run says that one should rest."""
        return {name: body for name, body in self.everything(spot).items() if says in body}

    def name(self, spot: Spot, article: str, format: str) -> str:
        """Return the name under which the article lies there in this format."""
        if spot.type == "webhook":
            return article
        return f"{article}.{formats()[format].extension}"


def _name(bucket: object_stores.Bucket) -> str:
    return str(bucket.settings["url"]).split("/")[2]


@contextmanager
def serving(folder: Path) -> Iterator[Servers]:
    keys = folder / "keys"
    keys.mkdir()
    accounts = tuple(AppleNews(channel_id=one) for one in _ACCOUNTS)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        environment.setenv("PLACES_APPLE_KEY", accounts[0].key_id)
        environment.setenv("PLACES_APPLE_SECRET", accounts[0].secret)
        for channel in CHANNELS:
            environment.setenv(f"PLACES_SECRET_{channel.upper()}", new_secret())
        server = stack.enter_context(sftp_server.running(keys))
        ends = tuple(stack.enter_context(one.serve()) for one in accounts)
        buckets = tuple(object_stores.s3(folder, environment) for _ in range(4))
        partners = stack.enter_context(Receiver())
        yield Servers(folder, buckets, server.settings, accounts, ends, partners)
