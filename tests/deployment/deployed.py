"""The services of docker-compose.yml as processes on this machine: their very commands, environments and secrets.

No container engine is needed. What a container would have of its own (addresses, mounted folders, secrets) is
translated; everything is on the loopback interface and under one temporary folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from command_result import Result
from waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLES = ROOT / "config" / "examples"
OVERRIDE = EXAMPLES / "docker-compose.override.yml"
SITE = EXAMPLES / "site.toml"

ENGINES = ("redis", "postgres")  # services of other people's images
TOOLS = ("flower",)  # services that only look
SECRETS = "/run/secrets"
SITE_TARGET = "/etc/citewire/site.toml"

Definition = dict[str, Any]


def composed(*files: Path) -> Definition:
    """The files as compose reads them, one over the other: tables key by key, lists of secrets one after the other."""
    merged: Definition = {}
    for file in files:
        merged = _over(merged, yaml.safe_load(file.read_text()))
    return merged


def services(*files: Path) -> dict[str, Definition]:
    found: dict[str, Definition] = composed(*(files or (COMPOSE,)))["services"]
    return found


def ours(*files: Path) -> dict[str, Definition]:
    """The services that run Citewire."""
    return {name: service for name, service in services(*files).items() if name not in (*ENGINES, *TOOLS)}


def _over(below: Definition, above: Definition) -> Definition:
    merged = dict(below)
    for key, value in above.items():
        base = merged.get(key)
        if isinstance(base, dict) and isinstance(value, dict):
            merged[key] = _over(base, value)
        elif isinstance(base, list) and isinstance(value, list):
            merged[key] = [*base, *value]
        else:
            merged[key] = value
    return merged


@dataclass
class Site:
    """An operator's site: its secrets by name, and the stand-ins for external services."""

    folder: Path
    secrets: Mapping[str, str]
    outside: Mapping[str, str]  # an address in site.toml → the one here
    environment: Mapping[str, str]  # settings of the operator's own
    web_port: int
    redis_port: int
    services: dict[str, Definition] = field(default_factory=lambda: services(COMPOSE, OVERRIDE))

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def volume(self, name: str) -> Path:
        return self.folder / "volumes" / name

    def lay_out(self, service: str) -> Path:
        """What compose would mount into the service's container, and nothing else."""
        own = self.folder / service
        for secrets in (own / "secrets", self._named_by_settings):
            secrets.mkdir(parents=True, exist_ok=True)
            for name in self.services[service].get("secrets", []):
                (secrets / name).write_text(self.secrets[name] + "\n")
        for mount in self.services[service].get("volumes", []):
            if mount["type"] == "volume":
                self.volume(mount["source"]).mkdir(parents=True, exist_ok=True)
        if any(mount["target"] == SITE_TARGET for mount in self.services[service].get("volumes", [])):
            (own / "site.toml").write_text(self.translated(service, self._site()))
        return own

    @property
    def _named_by_settings(self) -> Path:
        """Where the settings find secrets: at one path, for the ledger has one set of settings in force for all."""
        return self.folder / "secrets"

    def _site(self) -> str:
        text = SITE.read_text()
        for there, here in self.outside.items():
            assert there in text, there
            text = text.replace(there, here)
        return text.replace(SECRETS, str(self._named_by_settings))

    def translated(self, service: str, text: str) -> str:
        """A container's paths and addresses as those of this machine."""
        own = self.folder / service
        for mount in self.services[service].get("volumes", []):
            if mount["type"] == "volume":
                text = text.replace(mount["target"], str(self.volume(mount["source"])))
        text = text.replace(SECRETS, str(own / "secrets")).replace(SITE_TARGET, str(own / "site.toml"))
        text = text.replace("//redis:6379", f"//127.0.0.1:{self.redis_port}")
        text = text.replace("0.0.0.0", "127.0.0.1").replace("8080", str(self.web_port))
        assert "/srv/" not in text, f"{service} uses a folder that is no volume of its own: {text}"
        return text

    def command(self, service: str, words: Sequence[str] | None = None) -> list[str]:
        """The service's command (or a health check's, or another `words`) as a program on this machine."""
        if words is None:
            words = ["citewire", *self.services[service]["command"]]  # the Dockerfile's ENTRYPOINT
        head, *rest = [self.translated(service, word) for word in words]
        return [*_PROGRAMS.get(head, [head]), *rest]

    def variables(self, service: str) -> dict[str, str]:
        """The container's environment: the compose file's and the operator's, nothing of this machine but its PATH."""
        own = self.folder / service
        given = self.services[service].get("environment", {})
        return {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "TMPDIR": str(own),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: self.translated(service, value) for name, value in given.items()},
            **self.environment,
        }

    def run(self, service: str, *words: str, timeout: float = 120.0) -> Result:
        """`docker compose run --rm SERVICE words`; without words, the service's own command."""
        self.lay_out(service)
        command = self.command(service, ["citewire", *words] if words else None)
        done = subprocess.run(
            command, env=self.variables(service), cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def healthy(self, service: str) -> bool:
        """Its health check, as the engine would run it in the container."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        command = self.command(service, words)
        done = subprocess.run(
            command, env=self.variables(service), cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False
        )
        return done.returncode == 0


_PROGRAMS = {"citewire": [sys.executable, "-m", "workers.cli"], "python": [sys.executable]}


@dataclass
class Process:
    """A service that runs."""

    service: str
    popen: subprocess.Popen[bytes]
    log: Path

    def stop(self, grace: float) -> int:
        """As `docker compose stop` does: SIGTERM, and its exit status."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout=grace)

    def left(self) -> list[int]:
        """Processes of its session that still live."""
        return [process.pid for process in _session(self.popen.pid)]

    def tail(self) -> str:
        return f"{self.service}: {self.log.read_text(errors='replace')[-3000:]}"


@contextmanager
def started(site: Site, service: str, command: Sequence[str] | None = None) -> Iterator[Process]:
    """Run the service as a process in its own session, all of which ends with the block."""
    own = site.lay_out(service)
    log = own / "log"
    with log.open("ab") as file:
        popen = subprocess.Popen(
            command or site.command(service),
            env=site.variables(service),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    process = Process(service, popen, log)
    try:
        yield process
    finally:
        for one in _session(popen.pid):
            one.kill()
        popen.wait(timeout=PATIENCE)


def _session(leader: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return found


def seconds(duration: str) -> float:
    """compose's "45s"."""
    assert duration.endswith("s"), duration
    return float(duration[:-1])
