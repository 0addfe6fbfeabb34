"""The rendition store in a cloud: obstore goes through a gateway of ours (`pipeline/http/gateway.py`).

The operator has chosen the store, so its address may be private. But obstore would follow a redirect to anywhere, and
take the answer for an object, and it would use a proxy that the environment names for something else. The gateway leads
to the store's own endpoint and to where its credentials come from, and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from obstore.store import ObjectStore, from_url

from pipeline.http.egress import ANYWHERE
from pipeline.http.gateway import Gateway, target_of

_DOMAINS = {  # of each cloud, with what makes tokens for it
    "s3": ("amazonaws.com", "amazonaws.com.cn"),
    "gs": ("googleapis.com",),
    "az": ("core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn", "login.microsoftonline.com"),
}
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_KEYS = {
    "s3": ("AWS_ACCESS_KEY_ID",),
    "gs": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH", "GOOGLE_SERVICE_ACCOUNT_KEY"),
    "az": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"),
}
_RETRIES: Any = {"max_retries": 2}  # the ledger schedules the rest; obstore's own, ten within three minutes, hide it
# Where instances, containers and pods get their credentials. Asked only where the environment has no keys.
_METADATA = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "metadata.google.internal", "metadata")


class Hosts:
    """What a store may reach: its endpoint, its cloud, and the metadata service if its keys come from there."""

    def __init__(self, kind: str, environment: Mapping[str, str]) -> None:
        given = [environment[name] for name in _ENDPOINTS[kind] if environment.get(name)]
        self.endpoint = given[0] if given else None
        self._own = target_of(self.endpoint) if self.endpoint else None
        self._domains = _DOMAINS[kind]
        self._metadata = () if any(environment.get(name) for name in _KEYS[kind]) else _METADATA
        full = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        self._container = target_of(full) if full and self._metadata else None

    def __contains__(self, target: object) -> bool:
        host, port = target if isinstance(target, tuple) else ("", 0)
        if self._own is not None and port == self._own[1] and _is_within(host, self._own[0]):
            return True
        if port == 443 and any(_is_within(host, domain) for domain in self._domains):
            return True
        return target == self._container or (port == 80 and host in self._metadata)


def opened(url: str, environment: Mapping[str, str] = os.environ) -> ObjectStore:
    """Return the store at an obstore URL, without connecting. obstore takes its settings from the environment."""
    kind = _kind_of(url)
    if kind is None:
        return from_url(url)
    hosts = Hosts(kind, environment)
    by_name = environment.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
    options: Any = {
        "proxy_url": Gateway(ANYWHERE, hosts).url,
        "allow_http": by_name or (hosts.endpoint or "").startswith("http:"),
    }
    return from_url(url, client_options=options, retry_config=_RETRIES)


def _kind_of(url: str) -> str | None:
    scheme = urlsplit(url).scheme
    kinds = {"s3": "s3", "s3a": "s3", "gs": "gs"} | dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), "az")
    return kinds.get(scheme)


def _is_within(host: str, domain: str) -> bool:
    """Return whether a host is the domain or below it, as a bucket's own host is."""
    return host == domain or host.endswith(f".{domain}")
