"""The alert rules and the dashboard fit the metrics that there are, and each alert is documented."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import ROOT, guide
from judges.presence import program

RULES = ROOT / "deploy" / "prometheus" / "citewire.rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "citewire.json"
TEXT = guide()
METRICS = set(re.findall(r"^\| `(citewire_\w+)` \|", TEXT, re.MULTILINE))

# What a server measures, a few minutes later, and which of the alerts fire then.
FIRING = [
    ('up{job="citewire"}', "0", "CitewireDown"),
    ('citewire_oldest_due_seconds{stage="render"}', "400", "CitewireWorkIsLate"),
    ('citewire_deliveries{channel="a",state="abandoned"}', "3", "CitewireDeliveriesGivenUp"),
    ('citewire_sends_last_ten_minutes{type="webhook",outcome="refused"}', "20", "CitewireNothingGetsThrough"),
    ("citewire_processes_held", "1", "CitewireProcessHolds"),
    ('citewire_clock_ahead_seconds{process="deliver"}', "-3", "CitewireClockIsWrong"),
    ("citewire_settings_variants", "2", "CitewireSettingsDiffer"),
    ("citewire_deliveries_stranded", "1", "CitewireDeliveriesStranded"),
    ('citewire_withheld{cause="hold"}', "1", "CitewireArticlesHeld"),
]


@pytest.fixture(scope="module")
def promtool() -> str:
    return program("promtool", hint="Debian's package prometheus brings it")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_every_alert_is_in_the_operators_guide_and_names_a_command() -> None:
    documented = re.findall(r"^\| `(Citewire\w+)` \|", TEXT, re.MULTILINE)
    assert documented == [rule["alert"] for rule in rules()]
    sections = re.findall(r"^### (Citewire\w+)\n\n\S", TEXT, re.MULTILINE)
    assert sections == documented, "each has a section with what to do"
    assert all(rule["annotations"]["command"].startswith("citewire ") for rule in rules())


def test_rules_and_dashboard_ask_for_metrics_that_there_are() -> None:
    asked = set(re.findall(r"citewire_\w+", RULES.read_text() + DASHBOARD.read_text()))
    assert {name.removesuffix("_bucket") for name in asked} <= METRICS
    assert len(json.loads(DASHBOARD.read_text())["panels"]) == 8


def test_prometheus_takes_the_rules(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_is_silent_when_all_is_well(promtool: str, tmp_path: Path) -> None:
    well = {series: "0" for series, _, _ in FIRING} | {'up{job="citewire"}': "1", "citewire_settings_variants": "1"}
    buckets = {
        'citewire_publish_to_delivered_seconds_bucket{type="webhook",le="300"}': ("10", "1"),
        'citewire_publish_to_delivered_seconds_bucket{type="webhook",le="3600"}': ("10", "10"),
        'citewire_publish_to_delivered_seconds_bucket{type="webhook",le="+Inf"}': ("10", "10"),
    }
    calm = well | {series: good for series, (good, _) in buckets.items()}
    cases = [(series, {**calm, series: bad}, {alert}) for series, bad, alert in FIRING]
    slow = well | {series: bad for series, (_, bad) in buckets.items()}
    cases += [("slow", slow, {"CitewireSlowToDeliver"}), ("calm", calm, set())]
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": f"{value}x90"} for series, value in values.items()],
            "promql_expr_test": [
                {
                    "expr": f'count by (alertname) (ALERTS{{alertstate="firing",alertname="{rule["alert"]}"}})',
                    "eval_time": "80m",
                    "exp_samples": [{"labels": f'{{alertname="{rule["alert"]}"}}', "value": 1}]
                    if rule["alert"] in firing
                    else [],
                }
                for rule in rules()
            ],
        }
        for _, values, firing in cases
    ]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
