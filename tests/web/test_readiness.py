"""/readyz says whether events can be accepted, and why not."""

from __future__ import annotations

from pathlib import Path

from asgi import get
from served import served

from pipeline.web.app import create_app
from pipeline.web.ops.disk import MIN_FREE, shortage


def test_a_disk_that_is_nearly_full_is_named_with_what_is_left(tmp_path: Path) -> None:
    with served(tmp_path) as site:
        app = create_app(site.context, alive=list, disk=lambda: shortage([tmp_path], free=lambda _: 4_096))
        answer = get(app, "/readyz")
        well = create_app(site.context, alive=list, disk=lambda: shortage([tmp_path], free=lambda _: MIN_FREE))
        assert get(well, "/readyz").status == 200
    assert (answer.status, answer.json["ready"]) == (503, False)
    assert answer.json["causes"] == [f"disk-full: {tmp_path} has 4,096 bytes left, fewer than 67,108,864"]


def test_a_folder_that_is_not_made_yet_is_judged_by_the_disk_that_it_will_be_on(tmp_path: Path) -> None:
    asked: list[Path] = []

    def free(folder: Path) -> int:
        asked.append(folder)
        return MIN_FREE

    assert shortage([tmp_path / "renditions"], free) is None
    assert asked == [tmp_path / "renditions"]
    assert shortage([tmp_path / "not" / "there"]) in (None, shortage([tmp_path]))


def test_deliveries_are_listed_page_by_page(tmp_path: Path) -> None:
    with served(tmp_path) as site:
        for name in ("one", "two", "three"):
            site.publish(f"---\nid: {name}\ntitle: {name}\n---\nText.\n", name=name)
        site.work()
        found, after, pages = [], "", 0
        while after is not None:
            address = f"/v1/deliveries?channel=reader&limit=2{f'&after={after}' if after else ''}"
            page = get(site.app, address, authorization="Bearer cms").json
            found += [one["article"] for one in page["deliveries"]]
            after, pages = page["next"], pages + 1
        assert (found, pages) == (["one", "three", "two"], 2)
        unknown = get(site.app, "/v1/deliveries?after=dlv_none", authorization="Bearer cms")
        assert (unknown.status, unknown.code) == (404, "unknown-delivery")
