"""Prometheus, its alerts and the dashboard of Grafana ask for nothing that the code does not show."""

import json

import pytest
import yaml
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from answerloop.domain import Outcome
from answerloop.settings import Settings
from answerloop.web.security import Guard
from bot.wiring import ANSWERING
from tests.unit.project.compose import DOCKER, load, programs, services, settings_of
from tests.unit.project.metric_names import LABELS_OF_PROMETHEUS, asked, grouped_by, shown

PROMETHEUS = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
ALERTS = yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text())
DASHBOARD = json.loads((DOCKER / "grafana" / "dashboards" / "answerloop.json").read_text())
NAMED = [
    target
    for job in PROMETHEUS["scrape_configs"]
    for config in job.get("static_configs", [])
    for target in config["targets"]
]

RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]),
]


@pytest.mark.parametrize(("where", "query"), QUERIES, ids=lambda value: str(value)[:50])
def test_every_metric_and_label_that_is_asked_for_is_shown(database, tmp_path, where, query):
    found = shown(database, tmp_path)
    used = asked(query)
    assert used, "no metric of ours"
    labels = set()
    for name, narrowed in used:
        assert name in found, f"{where}: nobody shows {name}"
        assert narrowed <= found[name] | LABELS_OF_PROMETHEUS, f"{where}: {name} has no label {narrowed}"
        labels |= found[name]
    assert grouped_by(query) <= labels | LABELS_OF_PROMETHEUS, where


def test_the_outcomes_and_processes_of_the_queries_are_those_of_the_code():
    said = " ".join(query for _, query in QUERIES)
    assert f'outcome="{Outcome.FAILED.value}"' in said
    assert f'process=~"{"|".join(sorted(ANSWERING))}"' in said


def test_every_process_is_scraped_at_its_port():
    found = [
        (name, config["port"])
        for job in PROMETHEUS["scrape_configs"]
        for config in job.get("dns_sd_configs", [])
        for name in config["names"]
    ]
    named = [(name, int(port)) for name, port in (target.split(":") for target in NAMED)]
    scraped = dict(found + named)
    assert len(scraped) == len(found + named)
    assert set(scraped) == set(programs())
    own = int(load()["x-environment"]["ANSWERLOOP_METRICS_PORT"])
    ports = {"bot": Settings.model_fields["port"].default, "review": Settings.model_fields["review_port"].default}
    for name, port in scraped.items():
        assert port == ports.get(name, own), name
        assert {"inside"} <= set(services()[name]["networks"]) & set(services()["prometheus"]["networks"])


@pytest.mark.parametrize("name", ["bot", "review"])
def test_bot_and_dashboard_answer_to_the_host_that_prometheus_sends(name):
    """It sends its target: the name where the target is one, an address where it was looked up."""
    settings = Settings(_env_file=None, allowed_hosts=settings_of(services()[name])["ANSWERLOOP_ALLOWED_HOSTS"])
    guarded = Guard(PlainTextResponse("figures 1"), allowed_hosts=settings.allowed_hosts, machine_paths=())
    [target] = [each for each in NAMED if each.startswith(f"{name}:")]
    client = TestClient(guarded)
    assert client.get("/metrics", headers={"Host": target}).text == "figures 1"
    assert client.get("/metrics", headers={"Host": "172.18.0.7:8000"}).status_code == 400


def test_the_alerts_say_what_is_wrong():
    assert {name for rule in RULES for name in rule["annotations"]} == {"summary"}
    assert {rule["labels"]["severity"] for rule in RULES} == {"page", "look"}
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_grafana_finds_its_source_and_its_dashboard():
    source = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]} == {source["uid"]}
    provider = yaml.safe_load((DOCKER / "grafana/provisioning/dashboards/answerloop.yml").read_text())["providers"][0]
    grafana = services()["grafana"]
    assert f"./.docker/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    home = settings_of(grafana)["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/answerloop.json"


def test_the_panels_do_not_overlap():
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
