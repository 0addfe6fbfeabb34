"""A network of hosts on one machine: network namespaces with addresses of their own, joined by a bridge (Linux, root).

A host that is cut off behaves like one whose power is gone: nothing of it answers, and nothing refuses.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NEWNET = 0x40000000  # of setns(2)
_SWITCH = "switch"
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Host:
    """One host of the network. `name` is also its host name."""

    name: str
    address: str
    namespace: str
    switch: str  # the namespace that has the bridge

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Have this thread open its sockets, and start its processes, on this host."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(Path("/run/netns") / self.namespace)
            yield
        finally:
            _checked(_libc.setns(before, _NEWNET))
            os.close(before)

    def command(self, *words: str) -> list[str]:
        """Return the command that runs these words on this host, under its name."""
        script = 'hostname "$0"; exec "$@"'
        return ["ip", "netns", "exec", self.namespace, "unshare", "--uts", "sh", "-c", script, self.name, *words]

    def cut(self) -> None:
        """Take the cable out."""
        _ip("-n", self.switch, "link", "set", self.name, "down")

    def mend(self) -> None:
        _ip("-n", self.switch, "link", "set", self.name, "up")


def lacking() -> list[str]:
    """Return the programs that a network needs and this machine lacks."""
    return [name for name in ("ip", "unshare", "hostname") if shutil.which(name) is None]


def why_not() -> str | None:
    """Return why there can be no such network here, or None if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if names := lacking():
        return f"without {', '.join(names)} (Debian's packages iproute2, util-linux and hostname)"
    try:
        with network("probe") as hosts:
            subprocess.run(hosts["probe"].command("true"), check=True, capture_output=True, text=True)
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"the machine makes no network namespaces: {error}"


@contextlib.contextmanager
def network(*names: str) -> Iterator[dict[str, Host]]:
    """Make a host for each of the names."""
    unique = f"citewire-{os.getpid()}-{os.urandom(2).hex()}"
    switch, made = f"{unique}-{_SWITCH}", []
    try:
        _ip("netns", "add", switch)
        made.append(switch)
        _ip("-n", switch, "link", "add", "bridge0", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge0", "up")
        hosts = {}
        for number, name in enumerate(names, start=1):
            host = Host(name, f"10.77.0.{number}", f"{unique}-{name}", switch)
            _ip("netns", "add", host.namespace)
            made.append(host.namespace)
            _connect(host)
            hosts[name] = host
        yield hosts
    finally:
        for namespace in made:
            subprocess.run(["ip", "netns", "del", namespace], check=False)


def _connect(host: Host) -> None:
    own = ("-n", host.namespace)
    cable = ("type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    _ip("-n", host.switch, "link", "add", host.name, *cable)
    _ip("-n", host.switch, "link", "set", host.name, "master", "bridge0")
    _ip("-n", host.switch, "link", "set", host.name, "up")
    _ip(*own, "address", "add", f"{host.address}/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        _ip(*own, "link", "set", device, "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def _enter(namespace: Path) -> None:
    handle = os.open(namespace, os.O_RDONLY)
    try:
        _checked(_libc.setns(handle, _NEWNET))
    finally:
        os.close(handle)


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
