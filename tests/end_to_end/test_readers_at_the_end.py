"""Who fetched a feed is in the ledger once the web server has been stopped as an operator stops it."""

from __future__ import annotations

from pathlib import Path

from running import article, system

from standins.eutils import EutilsStandin

FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; )"


def test_what_was_counted_is_written_at_the_end(tmp_path: Path) -> None:
    with EutilsStandin() as pubmed, system(tmp_path, pubmed=pubmed.url) as site:
        site.publish(article(tmp_path, "one"))
        first = site.get("/feeds/latest.rss", **{"User-Agent": FEEDLY})
        assert first.status_code == 200
        again = site.get("/feeds/latest.rss", **{"User-Agent": FEEDLY, "If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        site.stop()
        (found,) = site.run("feeds", "latest", "--json").json["fetched_by"]
        assert (found["reader"], found["format"], found["said"], found["requests"]) == ("Feedly", "rss", 16, 2)
