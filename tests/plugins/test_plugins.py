"""Plug-ins are found whether they are modules or packages, and two that claim the same thing are refused by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.plugins import Plugins, any_installed
from workers.wiring import check_plugins

_PLUGIN = """
from types import SimpleNamespace
PLUGIN = SimpleNamespace(name={name!r}, extension={extension!r}, media_types={media_types!r})
"""

Add = Callable[..., None]


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    folder = tmp_path / "found_here"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    def write(path: str, name: str, extension: str = "", media_types: tuple[str, ...] = ()) -> None:
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(_PLUGIN.format(name=name, extension=extension or name, media_types=media_types))

    yield write
    for module in [name for name in sys.modules if name.split(".")[0] == "found_here"]:
        del sys.modules[module]


def found(*unique: str) -> list[str]:
    return list(Plugins("found_here", "PLUGIN", "citewire.tests.none", unique))


def test_modules_and_packages_are_found_in_the_order_of_their_names(add: Add) -> None:
    add("zebra.py", "ant")
    add("box/__init__.py", "bee")
    (Path(sys.path[0]) / "found_here" / "shared").mkdir()
    (Path(sys.path[0]) / "found_here" / "shared" / "__init__.py").write_text("")
    assert found() == ["ant", "bee"]


def test_two_plugins_of_one_name_are_refused_by_name(add: Add) -> None:
    add("one.py", "same", "a")
    add("two/__init__.py", "same", "b")
    with pytest.raises(ConfigError, match=r"found_here\.two.*'same'") as refused:
        found()
    assert refused.value.code == "duplicate-plugin"


def test_two_plugins_of_one_extension_are_refused_by_name(add: Add) -> None:
    add("one.py", "one", "txt")
    add("two.py", "two", "txt")
    assert found() == ["one", "two"]
    with pytest.raises(ConfigError, match=r"'two'.*'txt' in extension.*'one'") as refused:
        found("extension")
    assert refused.value.code == "duplicate-plugin"


def test_two_plugins_that_share_one_media_type_of_several_are_refused_by_name(add: Add) -> None:
    add("one.py", "one", media_types=("text/a", "text/b"))
    add("two.py", "two", media_types=("text/c", "text/b"))
    with pytest.raises(ConfigError, match="'text/b' in media_types"):
        found("media_types")


def test_one_that_is_asked_for_by_the_name_of_its_module_is_imported_alone(add: Add) -> None:
    add("json_feed.py", "json-feed")
    add("rss/__init__.py", "rss")
    add("odd.py", "other")
    plugins = Plugins("found_here", "PLUGIN", "citewire.tests.none")
    assert plugins["json-feed"].name == "json-feed"
    assert [name for name in sys.modules if name.startswith("found_here.")] == ["found_here.json_feed"]
    assert plugins["other"].name == "other", "which no module bears, so all were looked at"
    assert list(plugins) == ["json-feed", "other", "rss"]
    assert plugins["json-feed"] is plugins.all["json-feed"]


@pytest.mark.parametrize("name", ["", "odd", "../odd", "os.path", "json feed", "parts"])
def test_a_name_that_no_plugin_has_is_no_plugin(add: Add, name: str) -> None:
    add("odd.py", "other")
    add("parts/__init__.py", "nothing")
    (Path(sys.path[0]) / "found_here" / "parts" / "__init__.py").write_text("")
    assert name not in Plugins("found_here", "PLUGIN", "citewire.tests.none")


def test_ours_alone_share_no_name() -> None:
    check_plugins()


def test_a_package_that_adds_one_of_any_kind_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any_installed()
    package = tmp_path / "more-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[citewire.channels]\npigeon = more:CHANNEL\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert any_installed()
