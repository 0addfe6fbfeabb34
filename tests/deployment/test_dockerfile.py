"""The Dockerfile, checked and, as far as possible without an engine, carried out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from deployed import ROOT, ours
from test_compose import Recording
from waiting import PATIENCE

from config import load

PACKAGES = ("pipeline", "workers", "config")
PINNED = re.compile(r"python:(3\.\d+)-slim@sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Instruction:
    stage: int  # from 0
    word: str
    rest: str


def instructions() -> list[Instruction]:
    """Without comments, each on one line (Dockerfile reference, "Format" and "Escape")."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found: list[Instruction] = []
    stage = -1
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Instruction(stage, word, rest.strip()))
    return found


ALL = instructions()
LAST = [one for one in ALL if one.stage == ALL[-1].stage]


def of(word: str, among: list[Instruction] = ALL) -> list[str]:
    return [one.rest for one in among if one.word == word]


def copied() -> list[str]:
    """What comes from the repository."""
    return [source for rest in of("COPY") if not rest.startswith("--from=") for source in rest.split()[:-1]]


def environment() -> dict[str, str]:
    """What the finished image sets."""
    return dict(pair.split("=", 1) for rest in of("ENV", LAST) for pair in rest.split())


def test_only_instructions_that_fetch_nothing_unseen_are_used() -> None:
    assert {one.word for one in ALL} <= {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "USER", "ENTRYPOINT", "CMD"}
    for command in of("RUN"):
        assert not re.search(r"\b(curl|wget|apt-get|apt|git|chmod 777|sudo)\b|https?:", command), command


def test_every_stage_starts_from_a_python_of_a_known_version_that_the_program_runs_on() -> None:
    expected = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    least = tuple(map(int, expected.removeprefix(">=").split(".")))
    for base in (rest.split()[0] for rest in of("FROM")):
        pinned = PINNED.fullmatch(base)
        assert pinned is not None, base
        assert tuple(map(int, pinned[1].split("."))) >= least
    assert len({rest.split()[0] for rest in of("FROM")}) == 1, "what one Python compiled another may not read"
    assert of("FROM")[0].split()[0] in (ROOT / "deploy" / "flower" / "Dockerfile").read_text().split()


def test_the_dependencies_are_installed_by_their_hashes_and_the_program_without_any() -> None:
    (locked,) = [command for command in of("RUN") if "$LOCK" in command]
    assert 'pip install --require-hashes --no-deps -r "$LOCK"' in locked
    assert of("ARG") == ["LOCK=requirements.lock"]
    (program,) = [command for command in of("RUN") if "--no-build-isolation" in command]
    assert "pip install --no-deps --no-build-isolation ." in program
    assert sum(command.count("pip install") for command in of("RUN")) == 2


def test_the_lock_holds_the_build_backend() -> None:
    """Python 3.12 and newer bring no setuptools, and the program is built without isolation."""
    assert re.search(r"^setuptools==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


def test_the_finished_image_runs_as_the_user_that_compose_names() -> None:
    (user,) = of("USER", LAST)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert {service["user"] for service in ours().values()} == {user}
    after = [one.word for one in LAST][[one.word for one in LAST].index("USER") + 1 :]
    assert after == ["ENTRYPOINT", "CMD"]


def test_nothing_in_the_finished_image_can_install_anything() -> None:
    build = [command for command in of("RUN") if "pip install" in command][-1]
    assert build.endswith("pip uninstall --yes --quiet setuptools pip")
    assert of("RUN", LAST)[0].startswith("python -m pip uninstall --yes")


def test_the_program_needs_nothing_that_the_image_lacks() -> None:
    code = "import sys; sys.modules.update(dict.fromkeys(('setuptools', 'pkg_resources', 'pip')))\n"
    code += "import workers.web, workers.worker, workers.tasks, workers.embedded\n"
    code += "from workers.wiring import check_plugins; check_plugins()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=PATIENCE)


def test_its_entrypoint_is_the_program_itself_without_a_shell_between() -> None:
    assert json.loads(of("ENTRYPOINT", LAST)[0]) == ["citewire"]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert set(scripts) == {"citewire"}
    assert environment()["PATH"].startswith("/opt/citewire/bin:")


def test_its_log_is_not_held_back_and_its_code_not_written_to() -> None:
    assert environment()["PYTHONUNBUFFERED"] == environment()["PYTHONDONTWRITEBYTECODE"] == "1"


def test_it_sets_nothing_that_could_be_a_secret_and_only_what_the_settings_read() -> None:
    read = Recording({})
    load(read)
    names = {name for name in environment() if name.startswith("CITEWIRE_")}
    assert names == {"CITEWIRE_DATA", "CITEWIRE_STORE_URL"}
    assert names <= read.asked


def test_the_volumes_of_compose_are_folders_that_the_user_owns() -> None:
    """A new volume takes over the owner of the folder that it is mounted on."""
    (command,) = [command for command in of("RUN", LAST) if "install -d" in command]
    made = re.search(r"install -d -o 10001 -g 10001 -m 0750 (.*)", command)
    assert made
    for service in ours().values():
        targets = {mount["target"] for mount in service["volumes"] if mount["type"] == "volume"}
        assert targets == set(made[1].split()) == {environment()["CITEWIRE_DATA"], environment()["CITEWIRE_STORE_URL"]}


def test_nothing_reaches_the_builder_but_what_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    first, *patterns = [line for line in lines if line and not line.startswith("#")]
    assert first == "*"
    let_in = {line.removeprefix("!") for line in patterns if line.startswith("!")}
    assert let_in == {source.removeprefix("./") for source in copied()}
    assert let_in >= set(PACKAGES)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the names in the wheel that the build stage makes from the files copied there."""
    folder = tmp_path_factory.mktemp("image")
    without = shutil.ignore_patterns("__pycache__", "*.pyc", "examples")
    for name in copied():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=without)
        else:
            shutil.copy(source, folder)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."],
        cwd=folder,
        check=True,
        timeout=120,
    )
    (built,) = folder.glob("citewire-*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_the_image_holds_every_file_that_the_program_reads(wheel: set[str]) -> None:
    """Templates, style sheets, migrations and defaults are easily left out of a package."""
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "examples" not in path.parts
    }
    assert sorted(files - wheel) == []


def test_the_image_holds_nothing_else(wheel: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel if ".dist-info/" not in name} == set(PACKAGES)


def test_every_file_that_is_copied_is_there() -> None:
    assert [name for name in copied() if not Path(ROOT / name).exists()] == []
