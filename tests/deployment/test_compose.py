"""docker-compose.yml: that compose accepts it, and what every service must have."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import deployed
import jsonschema
import pytest
import typer
import yaml
from deployed import COMPOSE, ENGINES, OVERRIDE, ROOT, SECRETS, SITE, Definition, composed, ours, services
from judges.presence import program
from waiting import PATIENCE

from config import load
from pipeline.http import EgressGuard, Http
from pipeline.secret import SecretRef
from pipeline.stages.context import Policy
from workers.celery import app as celery
from workers.cli.app import app
from workers.wiring import plan_of

SCHEMA = Path(__file__).parent / "schemas" / "compose-spec.json"
SETS = {"as it stands": (COMPOSE,), "with the example override": (COMPOSE, OVERRIDE)}
EVERY = services()
ONE_SHOT = {"migrate", "cli"}  # they end by themselves
IMAGES = re.compile(r"[a-z0-9/]+:[0-9.]+@sha256:[0-9a-f]{64}")

each_set = pytest.mark.parametrize("files", SETS.values(), ids=SETS.keys())
each_service = pytest.mark.parametrize("name", EVERY)
each_of_ours = pytest.mark.parametrize("name", ours())


@each_set
def test_docker_compose_1_accepts_it(files: tuple[Path, ...], tmp_path: Path) -> None:
    merged = resolved(files, tmp_path)
    assert set(merged["services"]) == set(EVERY)
    assert merged["services"]["web"]["command"] == ["web", "--host", "0.0.0.0", "--port", "8080"]


@each_set
def test_it_keeps_to_the_schema_of_docker_compose_2(files: tuple[Path, ...]) -> None:
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator(schema)
    for file in files:
        found = [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text()))]
        assert found == []


def test_the_merged_files_are_what_docker_compose_makes_of_them(tmp_path: Path) -> None:
    """The other tests rest on our own merging."""
    merged = resolved((COMPOSE, OVERRIDE), tmp_path)["services"]
    for name, service in services(COMPOSE, OVERRIDE).items():
        assert {one["source"] for one in merged[name].get("secrets", [])} == set(service.get("secrets", []))
        assert merged[name].get("environment", {}) == service.get("environment", {})


@each_service
def test_it_runs_as_somebody_else_than_root_without_privileges(name: str) -> None:
    service = EVERY[name]
    user = str(service["user"]).partition(":")[0]
    assert user not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"cap_add", "privileged", "pid", "ipc", "network_mode", "devices"} & set(service)


@each_service
def test_its_root_file_system_is_read_only(name: str) -> None:
    assert EVERY[name]["read_only"] is True


@each_service
def test_it_is_limited_and_its_log_too(name: str) -> None:
    service = EVERY[name]
    assert service["mem_limit"]
    assert service["pids_limit"] >= 64
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@each_service
def test_it_tells_its_health_and_is_started_again(name: str) -> None:
    service = EVERY[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@each_service
def test_it_mounts_only_volumes_that_are_declared_and_writes_to_no_folder_of_the_host(name: str) -> None:
    for mount in EVERY[name].get("volumes", []):
        if mount["type"] == "bind":
            assert mount["read_only"] is True
        else:
            assert mount["source"] in composed(COMPOSE)["volumes"]


@each_service
def test_every_service_that_it_waits_for_tells_when_it_may_start(name: str) -> None:
    for other, how in EVERY[name].get("depends_on", {}).items():
        if how["condition"] == "service_completed_successfully":
            assert other in ONE_SHOT
        else:
            assert (how["condition"], "healthcheck" in EVERY[other]) == ("service_healthy", True)


def test_a_proxy_on_the_host_may_say_who_its_clients_are_and_nobody_else() -> None:
    """It comes from the gateway of a network: 172.17.0.1 and on, unless the file or Docker's own settings say so."""
    assert all("ipam" not in (network or {}) for network in composed(COMPOSE)["networks"].values())
    assert all(port.startswith("127.0.0.1:") for port in EVERY["web"]["ports"])
    trusted = load({"CITEWIRE_CONFIG": str(SITE)}).web.trusted_proxies
    for gateway in ("172.17.0.1", "172.18.0.1", "172.31.0.1"):
        assert any(ip_address(gateway) in network for network in trusted)
    assert not any(ip_address("192.0.2.1") in network for network in trusted)


@pytest.mark.parametrize("name", ENGINES)
def test_an_image_of_others_is_named_with_its_version_and_its_digest(name: str) -> None:
    assert IMAGES.fullmatch(EVERY[name]["image"])


@each_of_ours
def test_its_command_is_one_that_the_program_knows(name: str) -> None:
    """As the program itself reads it: what follows the command's name must be its options and arguments."""
    words = EVERY[name].get("command")
    if words is None:
        assert name == "cli"  # the operator gives it
        return
    command = typer.main.get_command(app)
    head, *rest = words
    context = command.make_context("citewire", [*words], resilient_parsing=True)
    found = command.get_command(context, head)  # type: ignore[attr-defined]
    assert found is not None, head
    found.make_context(head, rest)


@each_set
def test_only_variables_are_set_that_the_settings_read(files: tuple[Path, ...]) -> None:
    """And every variable that has a place in a container has one that some volume or secret brings."""
    read = Recording({})
    load(read)
    for name, service in ours(*files).items():
        assert set(service["environment"]) <= read.asked, name
        for value in service["environment"].values():
            if value.startswith(SECRETS):
                assert value.removeprefix(f"{SECRETS}/") in service["secrets"], (name, value)
            elif value.startswith("/"):
                assert value in {mount["target"] for mount in service["volumes"]}, (name, value)


@each_set
def test_no_secret_stands_in_the_file(files: tuple[Path, ...]) -> None:
    """Whatever could hold one says where it is instead."""
    for name, service in services(*files).items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN|DATABASE_URL", variable):
                assert variable.endswith("_FILE"), (name, variable)
                assert value.startswith(f"{SECRETS}/"), (name, variable)
            assert not re.search(r"//[^/]*@", value), (name, variable)
    for secret, where in composed(*files)["secrets"].items():
        assert where == {"file": f"./secrets/{secret}"}


@each_set
def test_every_secret_is_declared_and_used(files: tuple[Path, ...]) -> None:
    used = {secret for service in services(*files).values() for secret in service.get("secrets", [])}
    assert used == set(composed(*files)["secrets"])


def test_nothing_but_the_web_server_can_be_reached_from_outside_and_that_only_from_this_machine() -> None:
    published = {name: service["ports"] for name, service in EVERY.items() if "ports" in service}
    assert published == {
        "web": ["127.0.0.1:${CITEWIRE_PORT:-8080}:8080"],
        "flower": ["127.0.0.1:${FLOWER_PORT:-5555}:5555"],
    }
    assert composed(COMPOSE)["networks"]["inside"]["internal"] is True
    for name in ENGINES:
        assert EVERY[name]["networks"] == ["inside"]


def test_a_worker_is_given_the_time_to_end_what_it_has_begun() -> None:
    longest = max(Policy().deliver_lease, Policy().drain_seconds, celery.conf.worker_soft_shutdown_timeout)
    for name in ("worker-pipeline", "worker-deliver"):
        assert deployed.seconds(EVERY[name]["stop_grace_period"]) >= longest


def test_the_image_is_built_once_for_all_services() -> None:
    """Two builds of one name at once get in each other's way."""
    assert [name for name, service in ours().items() if "build" in service] == ["migrate"]
    assert {service["image"] for service in ours().values()} == {"citewire:${CITEWIRE_VERSION:-local}"}


def test_flower_is_started_only_if_it_is_asked_for_and_has_nothing_of_the_sites_own() -> None:
    flower = EVERY["flower"]
    assert flower["profiles"] == ["watch"]
    assert not {"secrets", "volumes"} & set(flower)
    assert "flower" not in {other for service in EVERY.values() for other in service.get("depends_on", {})}


def test_flower_is_locked_at_the_versions_that_the_tests_run() -> None:
    folder = ROOT / "deploy" / "flower"
    ours_too = set(pinned((ROOT / "requirements-dev.lock").read_text()))
    locked = set(pinned((folder / "requirements.lock").read_text()))
    assert {"celery", "flower", "redis"} <= {one.partition("==")[0] for one in locked}
    assert locked <= ours_too
    dockerfile = (folder / "Dockerfile").read_text()
    assert "--require-hashes --no-deps" in dockerfile
    assert f"USER {EVERY['flower']['user']}" in dockerfile


def pinned(lock: str) -> list[str]:
    return re.findall(r"^[a-z0-9._-]+==[^ ;\\]+", re.sub(r"\[[^\]]*\]==", "==", lock), re.MULTILINE)


# --- the example site ---------------------------------------------------------------------------------------------


def test_the_example_site_stands_and_each_of_its_channels_too() -> None:
    settings = load({"CITEWIRE_CONFIG": str(SITE)})
    http = Http(EgressGuard(settings.egress_allow), contact_url=settings.site.url)
    assert [plan_of(channel, http).id for channel in settings.channels] == ["archive", "partner-a"]
    assert [feed.id for feed in settings.feeds] == ["latest", "spasticity"]


def test_whoever_sends_has_the_secrets_of_the_example_channels() -> None:
    """worker-pipeline sends withdrawals, and `cli` checks."""
    channels = load({"CITEWIRE_CONFIG": str(SITE)}).channels
    named = {SecretRef.parse(value).name for one in channels for key, value in one.own.items() if key == "secret"}
    assert named == {f"{SECRETS}/partner_a"}
    for name in ("worker-pipeline", "worker-deliver", "cli"):
        secrets = services(COMPOSE, OVERRIDE)[name]["secrets"]
        assert {f"{SECRETS}/{secret}" for secret in secrets} >= named, name


def test_the_example_directory_is_on_a_volume_that_workers_share() -> None:
    (archive,) = (one for one in load({"CITEWIRE_CONFIG": str(SITE)}).channels if one.type == "directory")
    for name in ("worker-pipeline", "worker-deliver"):
        targets = [mount["target"] for mount in EVERY[name]["volumes"] if mount["type"] == "volume"]
        assert any(archive.own["path"].startswith(f"{target}/") for target in targets)


def resolved(files: tuple[Path, ...], folder: Path) -> Definition:
    """What `docker-compose config` makes of the files in a folder as an operator has it."""
    binary = program("docker-compose", hint="install Debian's package `docker-compose`")
    for file in (*files, SITE):
        shutil.copy(file, folder)
    shutil.copytree(ROOT / "deploy" / "flower", folder / "deploy" / "flower")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        [binary, "config"], cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    merged: Any = yaml.safe_load(done.stdout)
    assert isinstance(merged, dict)
    return merged


class Recording(dict[str, str]):
    """An environment that records which variables were read."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def test_the_examples_are_those_that_the_compose_file_names() -> None:
    text = COMPOSE.read_text()
    for file in deployed.EXAMPLES.iterdir():
        assert file.name in text, f"{file.name} is of no use"
