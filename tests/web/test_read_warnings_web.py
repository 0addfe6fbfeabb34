"""What reading an event's page warned of comes back to its sender."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from asgi import send
from bench import START
from empty_ledger import empty_ledger
from watched import Watched

from pipeline.ledger import tokens
from pipeline.web.app import create_app

PAGE = '<title>Sleep</title><meta property="article:published_time" content="soon"><p>Sleep at night.</p>'


def test_the_answer_to_an_event_lists_what_was_left_out_of_its_page(tmp_path: Path) -> None:
    ledger = empty_ledger(tmp_path)
    with ledger.write() as transaction:
        tokens.add(transaction, "cms", name="cms", scope="publish", now=START)
    app = create_app(Watched(ledger, "partner").context, alive=list)
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:test",
        "type": "org.citewire.article.published",
        "datacontenttype": "text/html",
        "data": PAGE,
    }
    headers = {"authorization": "Bearer cms", "content-type": "application/cloudevents+json"}
    answer = asyncio.run(send(app, "POST", "/v1/events", body=json.dumps(event).encode(), headers=headers))
    assert answer.status == 202, answer.body
    (warning,) = answer.json["warnings"]
    assert (warning["code"], warning["field"], warning["file"]) == ("invalid-field", "published", "event 1")
    ledger.close()
