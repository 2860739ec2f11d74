"""python -m benchmarks.page: how soon the web page is there and answers, and what its explanations take.

The service has one core, Chromium or the client the others. Times in the page are its own clock's: a paint as
Chromium tells it, an answer when the frame that shows it is drawn. How long the event loop is held is told by
a timer in the service's own process, on one core, while it is asked without a pause.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Annotated

import httpx
import numpy as np
import typer
from playwright.sync_api import Page, sync_playwright
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from benchmarks.catalogue import ours
from benchmarks.cores import for_load, for_server
from benchmarks.machine import Machine
from benchmarks.report import MeasuredHere, Section, tell
from benchmarks.server import running
from benchmarks.spread import Spread
from benchmarks.target import Target, targets_section
from benchmarks.terminal import JsonOption, MarkdownOption
from contract.phone import EXAMPLE
from service.process import create_app
from service.settings import Settings
from training.made_up import PUBLISHED_RANGES, make_up_phones

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

EXPLANATIONS = ("/explain", "/what-if")

NOTE_FIRST_ANSWER = """
new MutationObserver(() => {
    const text = document.getElementById("range")?.textContent.trim();
    if (text && text !== "…" && !window.firstAnswer) requestAnimationFrame(() => {
        window.firstAnswer ??= performance.now();
    });
}).observe(document, { subtree: true, childList: true, characterData: true });
"""

CHANGE = """
(ram) => new Promise((resolve) => {
    const control = document.getElementById("ram");
    const begun = performance.now();
    const observer = new MutationObserver(() => {
        observer.disconnect();
        requestAnimationFrame(() => resolve(performance.now() - begun));
    });
    const watched = { subtree: true, childList: true, characterData: true };
    observer.observe(document.getElementById("probabilities"), watched);
    control.value = ram;
    control.dispatchEvent(new Event("input", { bubbles: true }));
})
"""


class Figures(MeasuredHere):
    """Milliseconds, each the median of what was measured, with the smallest and the largest."""

    first_paint: Spread
    first_answer: Spread
    answer_to_a_change: Spread
    calls: dict[str, Spread]
    loop_held: dict[str, float]
    targets: list[Target]


class InPage(BaseModel):
    """What a browser tells, in milliseconds."""

    first_paint: list[float]
    first_answer: list[float]
    changes: list[float]


@contextmanager
def served() -> Iterator[str]:
    """Run the service on one core; yield its address."""
    with running(ours(), for_server()) as server:
        yield f"http://127.0.0.1:{server.port}"


def in_page(address: str, openings: int, changes: int) -> InPage:
    """Open the page, each time as one who has never been there, and change its memory."""
    found = InPage(first_paint=[], first_answer=[], changes=[])
    os.sched_setaffinity(0, for_load())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(openings):
            page = browser.new_context().new_page()
            page.add_init_script(NOTE_FIRST_ANSWER)
            page.goto(address)
            found.first_answer.append(_when(page, "window.firstAnswer"))
            paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
            found.first_paint.append(_when(page, paint))
            if len(found.first_paint) == openings:
                page.wait_for_timeout(1_000)
                for change in range(changes):
                    found.changes.append(page.evaluate(CHANGE, 1_900 + 300 * (change % 2) + change))
                    page.wait_for_timeout(300)  # as a person does, until the explanations have come as well
            page.context.close()
        browser.close()
    return found


def _when(page: Page, moment: str) -> float:
    look = f"function look(told) {{ const at = {moment}; at ? told(at) : setTimeout(look, 5, told); }}"
    return float(page.evaluate(f"new Promise({look})"))


def calls(address: str, phones: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    """Ask about each phone in each way, one after the other; return the milliseconds by path."""
    found: dict[str, list[float]] = {path: [] for path in ("/predict", *EXPLANATIONS)}
    with httpx.Client(base_url=address) as client:
        for path in found:
            for phone in phones:
                begun = perf_counter()
                client.post(path, json=phone).raise_for_status()
                found[path].append((perf_counter() - begun) * 1000)
    return found


async def loop_held(path: str, seconds: float) -> float:
    """Return the longest time in milliseconds that the event loop kept a timer waiting."""
    app = create_app(Settings(access_log=False))
    late = 0.0
    async with app.router.lifespan_context(app) as state:

        async def started(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(started)
        async with httpx.AsyncClient(transport=transport, base_url="http://in-process") as client:
            await client.post(path, json=EXAMPLE)
            asking = asyncio.create_task(_ask_on(client, path))
            until = perf_counter() + seconds
            while (begun := perf_counter()) < until:
                await asyncio.sleep(0.001)
                late = max(late, perf_counter() - begun - 0.001)
            asking.cancel()
    return late * 1000


async def _ask_on(client: httpx.AsyncClient, path: str) -> None:
    while True:
        (await client.post(path, json=EXAMPLE)).raise_for_status()


def measure(openings: int, changes: int, requests: int, seconds: float) -> Figures:
    """Measure all of it."""
    machine, phones = Machine.this(), make_up_phones(requests, PUBLISHED_RANGES, seed=6).to_dict("records")
    with served() as address:
        by_path = calls(address, phones)  # type: ignore[arg-type]
        page = in_page(address, openings, changes)
    os.sched_setaffinity(0, for_server())
    held = {path: asyncio.run(loop_held(path, seconds)) for path in EXPLANATIONS}
    medians = {path: float(np.median(each)) for path, each in by_path.items()}
    return Figures(
        machine=machine,
        first_paint=Spread.of(page.first_paint),
        first_answer=Spread.of(page.first_answer),
        answer_to_a_change=Spread.of(page.changes),
        calls={path: Spread.of(each) for path, each in by_path.items()},
        loop_held=held,
        targets=[
            Target(what="first paint, ms", found=float(np.median(page.first_paint)), at_most=300),
            Target(what="first answer, ms", found=float(np.median(page.first_answer)), at_most=500),
            Target(what="slowest answer to a change, ms", found=max(page.changes), at_most=150),
            Target(what="/explain, ms", found=medians["/explain"], at_most=15),
            Target(what="/what-if, ms", found=medians["/what-if"], at_most=25),
            Target(what="event loop held, ms", found=max(held.values()), at_most=10),
        ],
    )


def sections(figures: Figures) -> list[Section]:
    """Return the tables."""
    in_the_page = {
        "first paint": figures.first_paint,
        "first answer": figures.first_answer,
        "answer to a change, its pause of 50 ms included": figures.answer_to_a_change,
    }
    return [
        Section(
            title="In Chromium, milliseconds",
            header=["", "median (smallest to largest)"],
            rows=[[what, spread.text(1)] for what, spread in in_the_page.items()],
        ),
        Section(
            title="One client, one core, milliseconds",
            header=["", "median (smallest to largest)", "event loop held at most"],
            rows=[
                [path, each.text(1), f"{figures.loop_held[path]:.1f}" if path in figures.loop_held else ""]
                for path, each in figures.calls.items()
            ],
        ),
        targets_section(figures.targets),
    ]


def main(
    openings: Annotated[int, typer.Option(min=1, help="How often the page is opened.")] = 10,
    changes: Annotated[int, typer.Option(min=1, help="How often its memory is changed.")] = 50,
    requests: Annotated[int, typer.Option(min=1, help="How many phones are asked about.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="How long the event loop is watched.")] = 10,
    json: JsonOption = None,
    markdown_file: MarkdownOption = None,
) -> None:
    """Measure the page and its explanations."""
    figures = measure(openings, changes, requests, seconds)
    tell(figures, sections(figures), json, markdown_file)


if __name__ == "__main__":
    typer.run(main)
