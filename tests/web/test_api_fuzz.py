"""Requests generated from the OpenAPI description get the answers that it declares (schemathesis)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks
from served import Served, served

from pipeline.ledger import bulk, deliveries, operations
from pipeline.ledger.bulk import Bulk, Chosen
from pipeline.views.failures import failures
from workers.openapi import DESCRIPTION

ARTICLE_ID = "baclofen-for-spasticity"
ARTICLE = f"""---
id: {ARTICLE_ID}
title: Baclofen for spasticity
references: [1, 2]
---
Baclofen relaxes muscles. [1]
"""
OPERATION = "op_fuzzed"
EXAMPLES = 10  # of each operation and mode: `make test` runs them every time
PATHS = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
OPERATIONS = [(method, path) for path, item in PATHS.items() for method in item]


def can_be_violated(method: str, path: str) -> bool:
    """Any text is a valid path segment or header, so only bodies and query parameters can be sent wrongly."""
    operation = PATHS[path][method]
    return "requestBody" in operation or any(one["in"] == "query" for one in operation.get("parameters", ()))


MODES = [
    (method, path, mode)
    for method, path in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or can_be_violated(method, path)
]

# Two checks are left out because they would be false here:
# positive_data_acceptance: a request that fits the schema may name an article that does not exist, or reuse an event's
#   id with other content, which no schema can say; the answer is then 404 or 409.
# negative_data_rejection: unknown query parameters and members of the envelope (CloudEvents' extension attributes) are
#   ignored, so that clients of a later version still work.
CHECKS: list[Any] = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.use_after_free,
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("site")) as one:
        one.publish(ARTICLE, name="baclofen")
        one.receiver.mood = "refuses"
        one.work()
        site_now = one.context.clock()
        done = operations.Operation(OPERATION, "publish", "cms", site_now)
        with one.context.ledger.write() as transaction:
            operations.record(transaction, done, [operations.Part(ARTICLE_ID, None, 1, "published")])
            waiting = Bulk(operation="op_prepared", action="replay", by="of root", seen=site_now, count=1)
            bulk.prepare(transaction, waiting, [Chosen(ARTICLE_ID, 1)])
        yield one


@pytest.fixture(scope="module")
def api(site: Served) -> Any:
    return schemathesis.openapi.from_asgi("/v1/openapi.json", site.app)


def real_parameters(site: Served, path: str) -> dict[str, Any]:
    """Values of path parameters that exist."""
    names = {"/feeds/": "latest.json", "/sitemaps/": "1.xml", "/articles/": f"{ARTICLE_ID}.json-ld"}
    with site.context.ledger.read() as transaction:
        delivery = deliveries.of_article(transaction, ARTICLE_ID)[0].id
        failing = failures(transaction, now=site.context.clock()).failures
    values = {
        "article_id": ARTICLE_ID,
        "channel": "reader",
        "delivery_id": delivery,
        "event_id": site.event,
        "extension": "json",
        "feed": "latest",
        "format": "json-ld",
        "key": failing[0].key if failing else "replayed",
        "name": next((name for start, name in names.items() if path.startswith(start)), ""),
        "operation_id": "op_prepared" if path.startswith("/v1/bulk/") else OPERATION,
        "pmid": "1",
        "revision": 1,
    }
    return {name: value for name, value in values.items() if f"{{{name}}}" in path}


@pytest.mark.parametrize(("method", "path", "mode"), MODES)
def test_every_operation_answers_as_it_is_described(
    api: Any, site: Served, method: str, path: str, mode: GenerationMode
) -> None:
    requests = api[path][method].as_strategy(generation_mode=mode)
    headers = {"Authorization": "Bearer root"} if "security" in PATHS[path][method] else {}

    @given(case=requests, real=st.booleans())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def answered(case: Case, real: bool) -> None:
        if real:
            case.path_parameters = real_parameters(site, path)
        case.call_and_validate(headers=headers, checks=CHECKS)

    answered()
