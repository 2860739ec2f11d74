"""The README's examples are run, and their answers are the service's."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from contract.bundle import read_current
from service.settings import Settings
from tests.running_service import ARTIFACTS, PROJECT

README = (PROJECT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ (.*?)\n(\{[^\n]*\})\n```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)


def at(service: httpx.Client, text: str) -> str:
    return text.replace("http://127.0.0.1:8000", str(service.base_url).rstrip("/"))


def close(answer: object, shown: object) -> bool:
    """Equal, where numbers may differ in the last digits from one processor to the next."""
    if isinstance(answer, dict) and isinstance(shown, dict):
        return answer.keys() == shown.keys() and all(close(answer[key], shown[key]) for key in answer)
    if isinstance(answer, list) and isinstance(shown, list):
        return len(answer) == len(shown) and all(map(close, answer, shown))
    if isinstance(answer, float):
        return answer == pytest.approx(shown, abs=1e-5)
    return answer == shown


def test_there_are_examples() -> None:
    assert len(CONSOLE) == 3
    assert len(PYTHON) == 1


@pytest.mark.parametrize(("command", "shown"), CONSOLE)
def test_a_curl_example_gets_the_answer_shown(service: httpx.Client, command: str, shown: str) -> None:
    done = subprocess.run(["bash", "-c", at(service, command)], capture_output=True, text=True, check=True)
    assert close(json.loads(done.stdout), json.loads(shown))


@pytest.mark.parametrize(("code", "shown"), PYTHON)
def test_a_python_example_prints_what_is_shown(service: httpx.Client, code: str, shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", at(service, code)], capture_output=True, text=True, check=True
    )
    assert done.stdout == shown


def test_every_setting_is_told_with_its_default_and_meaning() -> None:
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default) not in {"", "None"} else ""
        assert f"| `PHONE_PRICE_{name.upper()}` | {default} | {field.description} |" in README


def test_the_accuracy_told_is_the_committed_models() -> None:
    assert f"{100 * read_current(ARTIFACTS).manifest.metrics.accuracy:.1f} %" in README


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    for link in links:
        assert (PROJECT / link).exists(), link
