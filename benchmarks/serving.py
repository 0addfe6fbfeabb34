"""Serving a feed: requests per second for 200, 304 and gzip, compared with nginx serving the same file.

python -m benchmarks.serving [--seconds S] [--clients N] [--entries N]

`citewire web` runs as a separate process on a data folder with one built feed, and nginx serves the same folder with
the project's configuration. Keep-alive clients query both in turn. Then many slow readers at a time fetch the whole
document from `citewire web`, whose peak memory must stay flat.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.figures import table
from benchmarks.processes import peak_megabytes, plain_environment
from benchmarks.samples import ROOT, numbered
from config import load
from pipeline.intake import read_article
from pipeline.model.event import Origin, Publish
from pipeline.stages.accept import Intake, accept
from pipeline.stages.context import NoDoorbell
from pipeline.stages.feeds import Feeds
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from workers.wiring import build_context

PATH = "/feeds/latest.atom"
GROWTH = 32.0  # megabytes allowed for slow readers, regardless of their number
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
    access_log off; keepalive_requests 1000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/citewire.conf;
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description="Serving a feed, beside nginx.")
    parser.add_argument("--seconds", type=float, default=4.0, help="of requests per figure")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--readers", type=int, default=200, help="concurrent slow readers")
    parser.add_argument("--entries", type=int, default=50)
    arguments = parser.parse_args()
    if shutil.which("nginx") is None:
        sys.exit("nginx is not installed: apt-get install nginx-light")
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        environment = _built(folder, arguments.entries)
        with web_server(folder, environment) as (web, process), _nginx(folder) as nginx:
            print(_rates({"nginx": nginx, "citewire web": web}, arguments.seconds, arguments.clients))
            print(_memory(web, process, arguments.readers))


def _built(folder: Path, entries: int) -> dict[str, str]:
    """Create a data folder with a feed, and return the environment that refers to it."""
    settings = folder / "site.toml"
    settings.write_text(
        '[site]\ntitle = "Notes"\nurl = "https://notes.example.org"\npublisher = "Example Health"\n'
        f'disclaimer = "Ask."\n[[feeds]]\nid = "latest"\ntitle = "Latest"\nsize = {entries}\n'
    )
    own = plain_environment()
    environment = own | {"CITEWIRE_CONFIG": str(settings), "CITEWIRE_DATA": str(folder / "data")}
    (folder / "data").mkdir(mode=0o755)
    context = build_context(load(environment), NoDoorbell())
    context = dataclasses.replace(context, policy=dataclasses.replace(context.policy, evidence_wait=0.0))
    intake = Intake(context.ledger, NoDoorbell(), context.clock, context.new_id, 0.0)
    with contextlib.redirect_stdout(sys.stderr):
        for number in range(entries):
            article = read_article(numbered(number).encode(), name="article.md")
            accept(intake, Publish(Origin(source="urn:benchmark", id=str(number)), article))
        drain(context, Render())
        drain(context, Feeds())
    context.ledger.close()
    return environment


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def web_server(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    port = _free_port()
    command = [sys.executable, "-m", "workers.cli", "web", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "web.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _answers(port)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def _nginx(folder: Path) -> Iterator[str]:
    port = _free_port()
    own = (ROOT / "deploy/nginx.conf").read_text()
    own = own.replace("listen 80;", f"listen 127.0.0.1:{port};")
    own = own.replace("/var/lib/citewire/renditions/public", str(folder / "data/renditions/public"))
    (folder / "citewire.conf").write_text(own)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(user + _NGINX.format(folder=folder))
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    try:
        _answers(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


# --- requests a second --------------------------------------------------------------------------------------------


def _rates(servers: Mapping[str, str], seconds: float, clients: int) -> str:
    found = {name: _kinds(address, seconds, clients) for name, address in servers.items()}
    kinds = list(next(iter(found.values())))
    rows = [(kind, *(f"{found[name][kind]:,.0f}" for name in found), f"{_share(found, kind):.2f}") for kind in kinds]
    return table(("requests a second", *found, "ours over nginx"), rows)


def _share(found: Mapping[str, Mapping[str, float]], kind: str) -> float:
    floor, ours = (figures[kind] for figures in found.values())
    return ours / floor


def _kinds(address: str, seconds: float, clients: int) -> dict[str, float]:
    tag = _ask(http.client.HTTPConnection(urlsplit(address).netloc), {"Accept-Encoding": "gzip"}, 200)
    return {
        "200, plain": _rate(address, {"Accept-Encoding": "identity"}, 200, seconds, clients),
        "200, gzip": _rate(address, {"Accept-Encoding": "gzip"}, 200, seconds, clients),
        "304": _rate(address, {"Accept-Encoding": "gzip", "If-None-Match": tag}, 304, seconds, clients),
    }


def _rate(address: str, headers: Mapping[str, str], status: int, seconds: float, clients: int) -> float:
    """Return the requests per second of a number of clients, each with its own connection."""
    counts = [0] * clients
    until = time.perf_counter() + seconds

    def client(own: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
        while time.perf_counter() < until:
            _ask(connection, headers, status)
            counts[own] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def _ask(connection: http.client.HTTPConnection, headers: Mapping[str, str], status: int) -> str:
    connection.request("GET", PATH, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == status, (answer.status, body[:200])
    assert (not body) == (status == 304)
    return str(answer.getheader("ETag"))


# --- memory -------------------------------------------------------------------------------------------------------


def _memory(address: str, process: psutil.Process, readers: int) -> str:
    """Return peak resident memory before and after many slow readers have fetched the document."""
    before = peak_megabytes(process)
    slow = [_begun(address) for _ in range(readers)]
    time.sleep(1)
    sizes = {_finished(one) for one in slow}
    after = peak_megabytes(process)
    assert len(sizes) == 1, sizes
    assert after - before < GROWTH, f"{readers} slow readers cost {after - before:.0f} MB"
    return (
        f"\n{readers} slow readers of {sizes.pop() / 1000:,.0f} kB at once: peak memory of the web process "
        f"{before:.0f} MB before, {after:.0f} MB after (limit {GROWTH:.0f} MB more)"
    )


def _begun(address: str) -> socket.socket:
    """Return a connection that has sent its request and not read anything yet."""
    parts = urlsplit(address)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(30)
    reader.connect((parts.hostname, parts.port))
    request = f"GET {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    reader.sendall(request.encode())
    return reader


def _finished(reader: socket.socket) -> int:
    size = 0
    with reader:
        while piece := reader.recv(65_536):
            size += len(piece)
    return size


if __name__ == "__main__":
    main()
