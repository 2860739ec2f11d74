"""What the service is measured against does what it says, over real HTTP."""

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from benchmarks.agreement import check_agreement
from benchmarks.catalogue import PEERS, chosen
from benchmarks.cores import for_server
from benchmarks.errors import BenchmarkError
from benchmarks.peer import PROGRAMS
from benchmarks.phones import PHONES, expected
from benchmarks.server import Server, running
from contract.phone import EXAMPLE

FOREIGN = [PEERS[name] for name in ("bentoml", "litserve", "mlserver")]


@pytest.fixture(scope="module")
def noop() -> Iterator[Server]:
    with running(PEERS["noop"], for_server()) as server:
        yield server


def test_the_echo_sends_the_body_back() -> None:
    with running(PEERS["echo"], for_server()) as server:
        assert httpx.post(server.url, content=b'{"any": "thing"}').content == b'{"any": "thing"}'


def test_the_noop_answers_in_the_services_shape(noop: Server, service: httpx.Client) -> None:
    answer = httpx.post(noop.url, json=EXAMPLE)
    assert answer.status_code == 200
    assert list(answer.json()) == list(service.post("/predict", json=EXAMPLE).json())


def test_the_noop_checks_the_body_as_the_service_does(noop: Server) -> None:
    assert httpx.post(noop.url, json=EXAMPLE | {"ram": -1}).status_code == 422


def test_the_tutorial_answers_as_the_bundle_does() -> None:
    with running(PEERS["tutorial"], for_server()) as server:
        check_agreement(server, expected())
        with pytest.raises(BenchmarkError, match="tutorial answers wrong to a phone of 512 MB"):
            check_agreement(server, expected()[::-1])


def test_a_peer_that_answers_wrong_is_refused(noop: Server) -> None:
    pretender = replace(noop.peer, probabilities=lambda answer: answer["probabilities"])
    with pytest.raises(BenchmarkError, match="FastAPI no-op answers wrong"):
        check_agreement(replace(noop, peer=pretender), expected())


def test_a_price_range_that_is_not_the_likeliest_is_refused(noop: Server) -> None:
    right = iter(expected().tolist())
    pretender = replace(noop.peer, probabilities=lambda _: next(right))
    with pytest.raises(BenchmarkError, match="FastAPI no-op answers wrong"):
        check_agreement(replace(noop, peer=pretender), expected())


def test_a_peer_that_refuses_is_refused(noop: Server) -> None:
    pretender = replace(noop.peer, probabilities=list, body=lambda _: {})
    with pytest.raises(BenchmarkError, match="FastAPI no-op answers 422"):
        check_agreement(replace(noop, peer=pretender), expected())


def test_a_peer_that_cannot_start_is_told_with_the_end_of_its_log() -> None:
    broken = replace(PEERS["noop"], arguments=lambda _: ["-c", "raise SystemExit('no model here')"])
    with (
        pytest.raises(BenchmarkError, match=r"FastAPI no-op ended with status 1:\nno model here"),
        running(broken, for_server()),
    ):
        pass


def test_a_stopped_server_leaves_no_process_and_no_port() -> None:
    with running(PEERS["echo"], for_server()) as server:
        pass
    assert not server.process.is_running()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_the_phones_sell_in_every_range_and_one_is_outside_what_was_trained(service: httpx.Client) -> None:
    answers = [service.post("/predict", json=phone).json() for phone in PHONES]
    assert {answer["price_range"] for answer in answers} == {0, 1, 2, 3}
    assert [bool(answer["warnings"]) for answer in answers] == [False] * (len(PHONES) - 1) + [True]


@pytest.mark.parametrize("peer", FOREIGN, ids=lambda peer: peer.name)
def test_every_version_of_a_foreign_peer_is_exact(peer: object) -> None:
    assert peer in FOREIGN
    lines = (PROGRAMS / f"{peer.requirements}").read_text().splitlines()[1:]
    assert lines
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in lines)


def test_an_unknown_peer_is_named_with_those_there_are() -> None:
    with pytest.raises(BenchmarkError, match="no such peer: torchserve; there are ours, echo"):
        chosen("noop,torchserve")


def test_ours_is_always_measured_and_first() -> None:
    assert [peer.name for peer in chosen("tutorial, echo")] == ["ours", "echo", "tutorial"]
