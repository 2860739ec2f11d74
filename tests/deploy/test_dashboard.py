"""Every query of the Grafana dashboard gets data from a Prometheus that scrapes a service of two workers."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.phone import EXAMPLE
from tests.absent import say_absent
from tests.running_service import ARTIFACTS, PROJECT, free_port, running_service

DASHBOARD = json.loads((PROJECT / "deploy" / "grafana-dashboard.json").read_text())
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}

NARROW = {"PHONE_PRICE_MAX_TABLES": "1", "PHONE_PRICE_RELOAD_SECONDS": "0.2"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    program = shutil.which("prometheus") or ""
    if not program:
        say_absent("Prometheus is not there: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    artifacts = Path(shutil.copytree(ARTIFACTS, folder / "artifacts"))
    with running_service(artifacts, "--workers", "2", **NARROW) as running:
        config = (PROJECT / "deploy" / "prometheus.yml").read_text()
        port = running.client.base_url.port
        shortened = config.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("10s", "1s")
        assert shortened != config
        (folder / "prometheus.yml").write_text(shortened)
        address = f"127.0.0.1:{free_port()}"
        options = [f"--web.listen-address={address}", f"--storage.tsdb.path={folder / 'data'}"]
        command = [program, f"--config.file={folder / 'prometheus.yml'}", "--log.level=error", *options]
        process = subprocess.Popen(command, cwd=folder)
        try:
            with httpx.Client(base_url=f"http://{address}", timeout=10) as client:
                wait_until(lambda: is_scraped(client))
                use_every_part(running.client, artifacts)
                time.sleep(2.5)  # a rate needs two scrapes
                use_every_part(running.client, artifacts)
                time.sleep(2.5)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until(true: Any) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def is_scraped(client: httpx.Client) -> bool:
    try:
        return bool(asked(client, "phone_price_model_info"))
    except httpx.TransportError:
        return False


def asked(client: httpx.Client, query: str) -> list[Any]:
    answer = client.get("/api/v1/query", params={"query": query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["result"])


def use_every_part(client: httpx.Client, artifacts: Path) -> None:
    """Ask what is answered, refused, too late and too much, of phones unlike those trained on."""
    for _ in range(20):
        assert client.post("/predict", json={**EXAMPLE, "ram": 60_000}).status_code == 200
        assert client.post("/predict", json={}).status_code == 422
    phones = {"phones": [EXAMPLE] * 10_000}
    late = client.post("/predict/batch", json=phones, headers={"X-Request-Timeout": "1"})
    assert late.status_code == 504
    with ThreadPoolExecutor(8) as pool:
        url = f"{client.base_url}/predict/batch"
        statuses = {each.status_code for each in pool.map(lambda _: httpx.post(url, json=phones), range(8))}
    assert 503 in statuses


def as_asked_by_grafana(query: str) -> str:
    return re.sub(r"\$__rate_interval", "1m", query).replace("$instance", ".*")


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_the_dashboard_returns_data(prometheus: httpx.Client, name: str) -> None:
    query = as_asked_by_grafana(QUERIES[name])
    assert "$" not in query
    found = asked(prometheus, query)
    assert found, query
    assert all(each["value"][1] != "NaN" for each in found), found


def test_a_metric_that_is_not_there_returns_none(prometheus: httpx.Client) -> None:
    """The control: a misspelt query is noticed."""
    (query, *_) = QUERIES.values()
    assert not asked(prometheus, as_asked_by_grafana(query).replace("phone_price", "phone_prize"))


def test_the_dashboard_shows_every_metric_of_the_service(prometheus: httpx.Client) -> None:
    names = prometheus.get("/api/v1/label/__name__/values").json()["data"]
    ours = {
        re.sub(r"_(bucket|sum|count|total|created)$", "", name) for name in names if "phone_price" in name
    }
    shown = " ".join(QUERIES.values())
    assert {name for name in ours if name not in shown} == set()
