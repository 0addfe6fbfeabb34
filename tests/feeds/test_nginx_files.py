"""The store's files served by a real nginx, with the project's configuration: header for header what we send."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from asgi import get
from fastapi import FastAPI
from feed_bench import FeedBench
from judges.presence import program
from ports import answering, free_port
from waiting import PATIENCE, until

from pipeline.web.app import create_app

ROOT = Path(__file__).resolve().parents[2]
Stored = tuple[FeedBench, Path]

MAIN = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/citewire.conf;
}}
"""


@contextmanager
def _nginx(public: Path, changed: Callable[[str], str] = str) -> Iterator[tuple[str, Path]]:
    nginx, port, behind = program("nginx", hint="apt-get install nginx-light"), free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="citewire-nginx-") as name:
        folder = Path(name)
        own = changed((ROOT / "deploy/nginx.conf").read_text())
        for placeholder, value in {
            "listen 80;": f"listen 127.0.0.1:{port};",
            "root /var/lib/citewire/renditions/public;": f"root {public};",
            "server 127.0.0.1:8080;": f"server 127.0.0.1:{behind};",
            "/var/log/nginx/access.log": f"{folder}/access.log",
            "/var/log/nginx/error.log": f"{folder}/error.log",
        }.items():
            assert own.count(placeholder) == 1
            own = own.replace(placeholder, value)
        (folder / "citewire.conf").write_text(own)
        main = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        main.write_text(user + MAIN.format(folder=folder))
        with (folder / "out.log").open("w") as log:
            process = subprocess.Popen([str(nginx), "-c", str(main), "-p", str(folder)], stdout=log, stderr=log)
        try:
            answering(port, process, lambda: _said(folder))
            yield f"http://127.0.0.1:{port}", folder
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _said(folder: Path) -> str:
    logs = [one.read_text() for one in (folder / "out.log", folder / "error.log") if one.is_file()]
    return "nginx: " + "\n".join(logs)


@pytest.fixture(scope="session")
def running(stored: Stored) -> Iterator[tuple[str, Path]]:
    with _nginx(stored[1] / "public") as running:
        yield running


@pytest.fixture(scope="session")
def nginx(running: tuple[str, Path]) -> str:
    return running[0]


@pytest.fixture(scope="session")
def ours(stored: Stored) -> FastAPI:
    return create_app(stored[0].context, alive=list)


OWN = {"server", "date", "connection", "keep-alive"}  # of a web server, not of what it serves

PATHS = [
    "/feeds/latest.rss", "/feeds/latest.atom", "/feeds/latest.json", "/feeds/latest/archive/1.rss",
    "/feeds/latest/archive/2.atom", "/feeds/latest/archive/2.json", "/sitemap.xml", "/sitemaps/1.xml",
]  # fmt: skip


def _both(nginx: str, ours: FastAPI, path: str, **headers: str) -> tuple[tuple[int, dict[str, str], bytes], ...]:
    named = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    with requests.get(nginx + path, headers=named, stream=True, timeout=PATIENCE) as theirs:
        raw = theirs.raw.read(decode_content=False)
        their_headers = {name.lower(): value for name, value in theirs.headers.items() if name.lower() not in OWN}
        answer = get(ours, path, **{name.lower().replace("-", "_"): value for name, value in named.items()})
        return (answer.status, dict(answer.headers), answer.body), (theirs.status_code, their_headers, raw)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_headers_and_bytes_are_the_same(nginx: str, ours: FastAPI, path: str, coding: str) -> None:
    our_answer, their_answer = _both(nginx, ours, path, Accept_Encoding=coding)
    assert our_answer == their_answer
    assert our_answer[0] == 200


@pytest.mark.parametrize("path", ["/feeds/latest.atom", "/sitemap.xml"])
def test_who_has_it_from_one_is_sent_nothing_by_the_other(nginx: str, ours: FastAPI, path: str) -> None:
    for coding in ("identity", "gzip"):
        (_, first, _), _ = _both(nginx, ours, path, Accept_Encoding=coding)
        for condition in ({"If_None_Match": first["etag"]}, {"If_Modified_Since": first["last-modified"]}):
            our_answer, their_answer = _both(nginx, ours, path, Accept_Encoding=coding, **condition)
            assert our_answer == their_answer
            assert (our_answer[0], our_answer[2]) == (304, b"")


def test_parts_are_the_same(nginx: str, ours: FastAPI) -> None:
    (_, first, _), _ = _both(nginx, ours, "/feeds/latest.atom")
    for asked in ("bytes=0-99", "bytes=100-", "bytes=-5"):
        our_answer, their_answer = _both(nginx, ours, "/feeds/latest.atom", Range=asked, If_Range=first["etag"])
        assert our_answer == their_answer
        assert our_answer[0] == 206


def test_what_is_no_file_is_the_web_processs_to_answer(nginx: str) -> None:
    """There is none behind it here: what comes is nginx's word that it asked."""
    for path in ("/feeds/none.rss", "/feeds/latest/archive/3.atom", "/articles/a", "/sitemap-news.xml", "/v1/events"):
        assert requests.get(nginx + path, timeout=PATIENCE).status_code == 502
    assert requests.get(f"{nginx}/feeds/latest.atom.gz", timeout=PATIENCE).status_code == 502
    assert requests.options(f"{nginx}/feeds/latest.atom", timeout=PATIENCE).status_code == 502


def test_without_its_first_location_it_passes_on_what_readers_are_counted_by(stored: Stored) -> None:
    """As the guide says; archive pages stay nginx's own."""

    def without(settings: str) -> str:
        before, _, rest = settings.partition("    # Subscription documents.\n")
        first, archive, after = rest.partition("    # Archive pages")
        assert first.count("location ") == 1 and archive
        return before + archive + after

    with _nginx(stored[1] / "public", without) as (address, _):
        assert requests.get(f"{address}/feeds/latest.atom", timeout=PATIENCE).status_code == 502
        assert requests.get(f"{address}/feeds/latest/archive/1.atom", timeout=PATIENCE).status_code == 200


def test_a_token_in_the_address_is_not_written_down(running: tuple[str, Path]) -> None:
    address, folder = running
    secret = {"token": "cw_s3cret"}
    for path in ("/partners/c/feed.rss", "/%70artners/c/changes", "//partners/c/changes", "/v1/hooks/ghost"):
        referer = {"Referer": f"{address}{path}?token=cw_s3cret"}
        assert requests.get(address + path, params=secret, headers=referer, timeout=PATIENCE).status_code == 502
    log = folder / "access.log"  # written after the answer
    until(lambda: log.read_text().count("\n") == 4, what=log.read_text)
    logged = log.read_text()
    assert [line.split('"')[1] for line in logged.splitlines()] == [
        "GET /partners/c/feed.rss HTTP/1.1", "GET /partners/c/changes HTTP/1.1", "GET /partners/c/changes HTTP/1.1",
        "GET /v1/hooks/ghost HTTP/1.1",
    ]  # fmt: skip
    assert "s3cret" not in logged + (folder / "error.log").read_text()
