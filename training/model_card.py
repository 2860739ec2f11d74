"""MODEL_CARD.md: what a model is for, what it was made of and how good it is, for people."""

from collections.abc import Iterable, Sequence

from scipy.stats import binomtest

from contract.bundle import DataProvenance, FeatureRange, Manifest, Metrics
from training.recipe import Recipe

FOUR_GIGABYTES = 4096
"""MB; phones that have no more are of the years before 2019 or so."""

PICTURES = {
    "confusion.png": "How many phones of each range were put in which. All that is off the diagonal "
    "is wrong.",
    "scores.png": "What the network makes of each phone, against what cuts it into ranges; a ring is "
    "a mistake. "
    "Mistakes belong next to a line: those far from one would be phones that the model does not "
    "understand.",
    "reliability.png": "A point on the dashed line is a confidence that keeps its word; one below it "
    "is too "
    "sure of itself. Where the interval crosses the line there are too few phones to tell.",
    "influence.png": "How much worse the answers get when a specification is shuffled among the "
    "phones. What stands "
    "at nothing could be left out.",
    "learning.png": "Loss and accuracy as the network learnt. On phones that it learns from they "
    "always look good.",
    "learning_rate.png": "How large the steps of the optimizer were.",
}
"""Every picture of the report, and what to look for in it."""


def write_card(manifest: Manifest) -> str:
    """Return the card in Markdown; every figure in it is the manifest's."""
    sections = {
        f"Model card: {manifest.name}, recipe {manifest.recipe['name']}": _purpose(manifest),
        "What it must not be used for": _limits(manifest.features),
        "Data": _data(manifest),
        "How good it is": _figures(manifest),
        "Pictures": _pictures(),
        "To make it again": _repeat(manifest),
    }
    (title, first), *rest = sections.items()
    return "\n\n".join([f"# {title}", first, *(f"## {name}\n\n{text}" for name, text in rest)]) + "\n"


def _purpose(manifest: Manifest) -> str:
    return (
        f"Says in which of {len(manifest.classes)} price ranges ({', '.join(manifest.classes)}) a "
        "phone with 20 "
        "given specifications sells, with probabilities and with a set of ranges that holds the true "
        "one as often "
        f"as promised. It is a network of {manifest.architecture.parameter_count:,} parameters "
        f"({manifest.architecture}) behind a fitted StandardScaler, made on "
        f"{manifest.created:%d %B %Y} with the "
        f"recipe `{manifest.recipe['name']}`: {manifest.recipe['description']}"
    )


def _limits(features: Sequence[FeatureRange]) -> str:
    ram = next(feature for feature in features if feature.name == "ram")
    age = (
        "they are years old, and what was a very high price range then is a plain phone now. "
        if ram.high <= FOUR_GIGABYTES
        else ""
    )
    return _bullets(
        [
            f"Phones unlike those it learnt from, which have {ram.low:g} to {ram.high:g} {ram.unit} "
            f"of RAM: {age}"
            "Outside the trained ranges, below, the service answers with a warning, and the answer "
            "is a guess.",
            "A price. The ranges have no currency, no market and no date; they order phones and no more.",
            "A phone's brand, looks, screen technology or software: it knows none of them.",
            "People: what someone earns or can pay. Nor anything that a law asks to be justified.",
            "A decision on its own. Where the prediction set holds two ranges, a person should look.",
        ]
    )


def _data(manifest: Manifest) -> str:
    data, held_out = manifest.data, manifest.metrics.rows
    how = ", ".join(f"{name} {value}" for name, value in data.split.items())
    validated = " (a part of them to stop in time)" if manifest.recipe.get("early_stopping") else ""
    ranges = [
        (feature.name, f"{feature.low:g}", f"{feature.quantiles['0.5']:g}", f"{feature.high:g}", feature.unit)
        for feature in manifest.features
    ]
    return "\n\n".join(
        [
            f"`{data.name}`, {data.rows:,} phones, SHA-256 `{data.sha256}`. {data.rows - held_out:,} "
            "were trained "
            f"on{validated} and {held_out:,} held out ({how}). {_origin(data)}",
            _table(("trained on", "smallest", "median", "largest", "unit"), ranges),
            _regularities(manifest),
        ]
    )


def _regularities(manifest: Manifest) -> str:
    told = [f"`{each.feature}` is at most `{each.not_above}`" for each in manifest.regularities]
    always = f"Of each phone trained on {', '.join(told)}. " if told else ""
    return (
        f"{always}The service warns where that does not hold, where a specification leaves its range, "
        "and where a phone lies farther from the mean of those trained on than 99.9 % of them do. The "
        "bundle has what it needs for that, and 64 made-up phones with the same distribution, against "
        "which answers are explained."
    )


def _origin(data: DataProvenance) -> str:
    if data.name == "sample.csv":
        return (
            "The project's `sample.csv` is made up: a model of it is for trying things, and knows no phone."
        )
    return (
        "If it is the table published as Mobile Price Classification: that states no licence, so "
        "none of its "
        "rows is shipped, and it does not tell who collected the prices, where and when."
    )


def _figures(manifest: Manifest) -> str:
    metrics, calibration = manifest.metrics, manifest.calibration
    rows = [
        ("Accuracy", _share(metrics.accuracy, metrics.rows), "right range"),
        ("Off by more than one range", str(metrics.off_by_more_than_one), "phones"),
        ("Log-loss", f"{metrics.log_loss:.4f}", "nats; guessing gives 1.386"),
        ("Brier score", f"{metrics.brier_score:.4f}", "0 to 2, lower is better"),
        ("Expected calibration error", f"{metrics.ece:.4f}", "distance of confidence from accuracy, 15 bins"),
        ("Macro F1", f"{metrics.macro_f1:.4f}", "mean over the ranges"),
        (
            "Prediction sets that hold the true range",
            _share(metrics.coverage, metrics.rows),
            f"{calibration.coverage:.0%} were meant to",
        ),
        ("Ranges in a prediction set", f"{metrics.mean_set_size:.3f}", "on average"),
    ]
    temperature = (
        "The probabilities are the network's own."
        if calibration.temperature == 1
        else f"The logits are divided by a temperature of {calibration.temperature:.3f}."
    )
    return "\n\n".join(
        [
            f"On the {metrics.rows:,} phones held out; in brackets 95 % intervals after Wilson. "
            "Whoever compares "
            "recipes on these same phones and keeps the best should expect a little less of it elsewhere.",
            _table(("figure", "value", "what it is"), rows),
            _confusion(metrics, manifest.classes),
            f"{temperature} A price range is in the prediction set from a probability of "
            f"{calibration.threshold:.4f}, fitted to {calibration.rows:,} phones, each predicted by a "
            "network that "
            "had not learnt it.",
        ]
    )


def _share(share: float, rows: int) -> str:
    interval = binomtest(round(share * rows), rows).proportion_ci(method="wilson")
    return f"{share:.4f} ({interval.low:.3f} to {interval.high:.3f})"


def _confusion(metrics: Metrics, classes: Sequence[str]) -> str:
    rows = [
        [label, *map(str, counts)] for label, counts in zip(classes, metrics.confusion_matrix, strict=True)
    ]
    return _table(["true \\ predicted", *classes], rows)


def _pictures() -> str:
    return "\n\n".join(f"![{name}]({name})\n\n{text}" for name, text in PICTURES.items())


def _repeat(manifest: Manifest) -> str:
    recipe = Recipe.model_validate(manifest.recipe)
    libraries = ", ".join(f"{name} {version}" for name, version in manifest.libraries.items())
    return (
        "With the same table, recipe and machine the tensors come out the same to the last byte. The "
        "recipe, "
        f"as `{recipe.name}.toml`:\n\n```toml\n{recipe.to_toml().decode()}```\n\n"
        f"```sh\npython -m training train --recipe {recipe.name}.toml --data {manifest.data.name}\n```\n\n"
        f"Made with {libraries}."
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(points: Iterable[str]) -> str:
    return "\n".join(f"- {point}" for point in points)
