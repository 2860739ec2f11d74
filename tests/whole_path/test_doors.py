"""The rules for a phone hold wherever it comes in, whatever it comes as."""

import asyncio
import codecs
import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
import jsonschema_rs
import pytest

from contract.flag import FALSE_TEXTS, TRUE_TEXTS
from contract.phone import EXAMPLE, FEATURES, FLAGS
from service.app import create_app
from service.client import PhonePriceClient
from service.settings import Settings
from tests.in_process import in_process
from tests.running_service import ARTIFACTS
from tests.whole_path.doors import ANY_KIND, DOORS, ONE_PHONE, House, Outcome, those

FLAGGED = {**EXAMPLE, **{name: number % 2 for number, name in enumerate(sorted(FLAGS))}}
BOOLEANS = {name: bool(value) if name in FLAGS else value for name, value in FLAGGED.items()}
NUMBERS = [name for name in FEATURES if name not in FLAGS]
CSV_DOORS = [name for name in DOORS if "csv" in name.lower() or name in ("train", "evaluate")]


@pytest.fixture(scope="module")
def house(service: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The app in this process, and a server for those that need one."""
    app = create_app(Settings(artifacts=ARTIFACTS, access_log=False, watchdog_seconds=0))
    with asyncio.Runner() as runner, PhonePriceClient(str(service.base_url)) as client:
        stack = AsyncExitStack()
        inside = runner.run(stack.enter_async_context(in_process(app)))

        def post(path: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
            return runner.run(inside.post(path, content=content, headers=headers))

        openapi = runner.run(inside.get("/openapi.json")).json()
        yield House(post, openapi, tmp_path_factory.mktemp("tables"), client)
        runner.run(stack.aclose())


def asked(house: House, name: str, phone: Mapping[str, Any]) -> Outcome:
    door = DOORS[name]
    return door.send(house, door.write(phone))


@pytest.mark.parametrize("door", those(lambda door: door.has_booleans))
def test_true_and_false_are_taken_for_flags(house: House, door: str) -> None:
    found = asked(house, door, BOOLEANS)
    assert found.taken, found.told
    assert found == asked(house, door, FLAGGED)


@pytest.mark.parametrize("door", those(lambda door: door.has_booleans))
def test_true_and_false_are_refused_for_what_is_no_flag(house: House, door: str) -> None:
    for number, name in enumerate(NUMBERS):
        taken, told = asked(house, door, {**EXAMPLE, name: number % 2 == 0})
        assert not taken, name
        assert f"{name} must be a" in told


@pytest.mark.parametrize("door", those(lambda door: door.has_booleans and door.described))
def test_the_published_schema_takes_what_its_door_takes(house: House, door: str) -> None:
    openapi = house.openapi
    content = openapi["paths"][DOORS[door].described]["post"]["requestBody"]["content"]["application/json"]
    schema = jsonschema_rs.validator_for({**content["schema"], "components": openapi["components"]})
    for phone in (FLAGGED, BOOLEANS, {**EXAMPLE, "battery_power": 842.0}):
        assert schema.is_valid(json.loads(DOORS[door].write(phone)))
    if "by name" in door or door in ONE_PHONE:
        for name in NUMBERS:
            assert not schema.is_valid(json.loads(DOORS[door].write({**EXAMPLE, name: True}))), name


@pytest.mark.parametrize("door", CSV_DOORS)
def test_csv_has_three_ways_to_say_true_or_false(house: House, door: str) -> None:
    for says_true, says_false in zip(TRUE_TEXTS, FALSE_TEXTS, strict=True):
        texts = {name: says_true if value else says_false for name, value in FLAGGED.items() if name in FLAGS}
        assert asked(house, door, {**FLAGGED, **texts}) == asked(house, door, FLAGGED)
        assert asked(house, door, {**FLAGGED, "wifi": f" {says_true}\t"}).taken
    for other in ("tRUE", "t", "yes", "Y", "on", "ja", "wahr", "2", "true.", "1true", "truetrue"):
        taken, told = asked(house, door, {**EXAMPLE, "wifi": other})
        assert not taken, other
        assert "wifi must be 0 or 1, or false or true: Has Wi-Fi" in told


@pytest.mark.parametrize("door", those(lambda door: door.is_text))
def test_a_byte_order_mark_is_taken(house: House, door: str) -> None:
    content = DOORS[door].write(EXAMPLE)
    found = DOORS[door].send(house, codecs.BOM_UTF8 + content)
    assert found.taken, found.told
    assert found == DOORS[door].send(house, content)


@pytest.mark.parametrize("door", those(lambda door: door.is_text))
@pytest.mark.parametrize("name", ["UTF-16", "UTF-32"])
def test_another_encoding_is_refused_by_its_name(house: House, door: str, name: str) -> None:
    text = DOORS[door].write(EXAMPLE).decode()
    for encoding in (name, f"{name}-LE", f"{name}-BE"):
        taken, told = DOORS[door].send(house, text.encode(encoding))
        assert not taken, encoding
        assert f"{name} text" in told
        assert "UTF-8" in told


@pytest.mark.parametrize("door", those(lambda door: door.path))
def test_what_the_head_is_refused_for_is_told_with_what_is_taken(house: House, door: str) -> None:
    """Where any Content-Type is taken, there is none to be told."""
    path, content = DOORS[door].path, DOORS[door].write(EXAMPLE)
    headers = DOORS[door].headers(content)
    packed = house.post(path, content, headers | {"Content-Encoding": "br"})
    assert packed.status_code == 415
    assert "identity" in packed.headers["accept-encoding"]
    other = house.post(path, content, headers | {"Content-Type": "text/x-other"})
    assert other.status_code == 200 if path in ANY_KIND else other.status_code == 415
    assert path in ANY_KIND or "application/json" in other.headers["accept"]


@pytest.mark.parametrize("door", DOORS)
def test_a_whole_number_may_be_written_with_a_point(house: House, door: str) -> None:
    found = asked(house, door, {**EXAMPLE, "battery_power": 842.0})
    assert found.taken, found.told
    assert found == asked(house, door, {**EXAMPLE, "battery_power": 842})
    taken, told = asked(house, door, {**EXAMPLE, "battery_power": 842.5})
    assert not taken
    assert "battery_power must be a whole number from 100 to 50000 (mAh)" in told
