"""evaluate: how a bundle does on a table with price ranges."""

from typing import Annotated

import typer

from training.commands.metrics_table import print_metrics
from training.commands.terminal import (
    ARTIFACTS,
    ArtifactsOption,
    DataOption,
    JsonOption,
    check_writable,
    console,
    failures_as_messages,
    write_figures,
)


def evaluate(
    data: DataOption = None,
    version: Annotated[str | None, typer.Option(help="Default: the one that CURRENT names.")] = None,
    artifacts: ArtifactsOption = ARTIFACTS,
    json: JsonOption = None,
) -> None:
    """Measure a bundle on a table, which may be the one it was trained on or phones that came later."""
    with failures_as_messages():
        check_writable(json)

        from contract.bundle import read_current, read_version
        from training.dataset import default_path, read_labelled
        from training.evaluation import evaluate
        from training.export import graph_probabilities
        from training.signing import key_of_environment

        key = key_of_environment()
        bundle = read_current(artifacts, key) if version is None else read_version(artifacts, version, key)
        dataset = read_labelled(data or default_path())
        console.print(f"{bundle.manifest.version} on {dataset.name}")
        probabilities = graph_probabilities(bundle.graph, dataset.phones.matrix)
        metrics = evaluate(probabilities, dataset.phones.classes, bundle.manifest.calibration.threshold)
        print_metrics(metrics)
        if learnt := bundle.learnt_phones.share_of(dataset.phones.matrix):
            console.print(f"It has learnt {learnt:.1%} of these phones: these figures flatter it.")
        write_figures(json, metrics)
