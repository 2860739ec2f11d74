"""The recipe: every choice of a training run, in a TOML file."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from contract.architecture import Architecture
from contract.errors import RecipeError
from contract.plain_file import read_plain
from contract.saved_text import decode_saved

SHIPPED = Path(__file__).with_name("recipes")
DEFAULT = "best"

# strict, as a lax whole number would take true as 1
Seed: TypeAlias = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Count: TypeAlias = Annotated[int, Field(strict=True, gt=0, le=100_000)]
LearningRate: TypeAlias = Annotated[float, Field(gt=0, le=10)]
Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Decay: TypeAlias = Annotated[float, Field(gt=0, le=1)]


class _Choices(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Optimizer(_Choices):
    """How a gradient becomes a step."""

    name: Literal["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"]
    learning_rate: LearningRate
    momentum: Share | None = Field(None, description="Of the optimizer momentum, and of no other")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Of the layers' weights; biases, thresholds and the linear path are not decayed"
    )

    @model_validator(mode="after")
    def _momentum_has_its_own(self) -> Self:
        if (self.name == "momentum") != (self.momentum is not None):
            raise ValueError("momentum is what the optimizer 'momentum' needs (0.9, say) and no other has")
        return self


class Constant(_Choices):
    """The learning rate stays."""

    name: Literal["constant"] = "constant"


class Step(_Choices):
    """Every `every` epochs the learning rate is multiplied by `factor`."""

    name: Literal["step"]
    every: Count
    factor: Decay


class MultiStep(_Choices):
    """After each of the epochs `at` the learning rate is multiplied by `factor`."""

    name: Literal["multistep"]
    at: Annotated[tuple[Count, ...], Field(min_length=1)]
    factor: Decay


class Exponential(_Choices):
    """After each epoch the learning rate is multiplied by `factor`."""

    name: Literal["exponential"]
    factor: Decay


class OneCycle(_Choices):
    """The learning rate rises to its value over the first `rise` of the epochs, then falls to nearly none."""

    name: Literal["one_cycle"]
    rise: Share = 0.3


class Cosine(_Choices):
    """The learning rate falls to none along half a cosine."""

    name: Literal["cosine"]


Schedule: TypeAlias = Annotated[
    Constant | Step | MultiStep | Exponential | OneCycle | Cosine, Field(discriminator="name")
]


class LinearPath(_Choices):
    """The adaptive ridge on the linear path: it presses small weights to nothing and leaves large ones."""

    ridge: Annotated[float, Field(ge=0)] = Field(description="Price of a weight, in units of log-likelihood")
    reweight_every: Count = Field(description="Epochs")


class EarlyStopping(_Choices):
    """Stop when the loss on a validation part has not fallen for `patience` epochs; keep the best weights."""

    validation: Share = Field(description="Share of the training part, which is then not learnt from")
    patience: Count


class Calibration(_Choices):
    """What is fitted to phones that were not learnt: each fold as a network of the others predicts it."""

    folds: Annotated[int, Field(strict=True, ge=2, le=20)] = 5
    temperature: bool = Field(False, description="Whether to divide the logits by a fitted temperature")
    coverage: Share = Field(0.99, description="Share of prediction sets meant to hold the true price range")


class Split(_Choices):
    """Which part of the data is held out to measure on."""

    held_out: Annotated[Share, Field(description="Share of the rows")]
    random_state: Seed
    stratified: bool = Field(description="Whether each part has the classes in the data's proportions")


class Recipe(_Choices):
    """A training run, whole."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    description: str
    seed: Seed = Field(description="Of the first weights and of the order of batches")
    epochs: Count
    batch_size: Count | Literal["all"]
    device: Literal["cpu", "cuda", "auto"] = Field("cpu", description="auto: cuda where there is one")
    standardise: bool = Field(True, description="Whether the scaler standardises, or leaves raw features")
    initialisation: Literal[
        "suited", "uniform", "normal", "kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal"
    ] = Field("suited", description="Of the layers' weights; suited: to the activation")
    network: Architecture
    optimizer: Optimizer
    schedule: Schedule = Constant()
    linear_path: LinearPath | None = None
    early_stopping: EarlyStopping | None = None
    calibration: Calibration = Calibration()
    split: Split

    @model_validator(mode="after")
    def _choices_agree(self) -> Self:
        if self.network.linear_path != (self.linear_path is not None):
            raise ValueError(
                "network.linear_path = true and a table [linear_path] go together; "
                "add the one that is missing, or leave out the other"
            )
        if isinstance(self.schedule, MultiStep) and max(self.schedule.at) >= self.epochs:
            raise ValueError(
                f"schedule.at: after epoch {max(self.schedule.at)} of {self.epochs} nothing is learnt; "
                "name earlier epochs, or set more epochs"
            )
        if isinstance(self.schedule, OneCycle) and self.early_stopping:
            raise ValueError(
                "schedule one_cycle needs all its epochs; leave early_stopping out, or choose cosine"
            )
        if self.batch_size == 1 and self.network.batch_normalisation:
            raise ValueError(
                "network.batch_normalisation needs more than one phone in a batch; "
                "choose a batch_size above 1"
            )
        return self

    @classmethod
    def load(cls, name: str) -> Self:
        """Return a shipped recipe by name, or one's own by the path of its TOML file."""
        path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
        try:
            choices = tomllib.loads(decode_saved(read_plain(path)))
        except FileNotFoundError:
            raise RecipeError(f"no recipe {name}; {_alternatives(name)}") from None
        except (OSError, ValueError) as error:
            raise RecipeError(f"recipe {path} cannot be read: {error}") from None
        return cls.of({"name": path.stem, **choices}, origin=str(path))

    @classmethod
    def of(cls, choices: Mapping[str, Any], origin: str) -> Self:
        """Return the recipe of these choices. Raises `RecipeError` that names each wrong one."""
        try:
            return cls.model_validate(choices)
        except ValidationError as error:
            raise RecipeError(f"recipe {origin}: {_problems(error)}") from None

    def to_toml(self) -> bytes:
        """Return the TOML file that `load` makes this recipe of; its name is the file's."""
        choices = self.model_dump(mode="json", exclude_none=True, exclude={"name"})
        return tomli_w.dumps(choices).encode()


def shipped_names() -> list[str]:
    """The names that `Recipe.load` knows."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def _alternatives(name: str) -> str:
    close = get_close_matches(name, shipped_names(), n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}shipped are {', '.join(shipped_names())}; one's own is named by a path that ends in .toml"


def _problems(error: ValidationError) -> str:
    """Each choice as the TOML file names it, with what is wrong: `schedule.every: Field required`."""
    wrong: dict[str, list[str]] = {}
    for item in error.errors():
        wrong.setdefault(_choice(item), []).append(_expectation(item))
    return "; ".join(
        ": ".join(filter(None, [choice, " or ".join(expected)])) for choice, expected in wrong.items()
    )


def _choice(item: ErrorDetails) -> str:
    # where there are several kinds of a choice pydantic names the kind, too, which the file does not
    kinds = {kind for kind in item["loc"] if str(kind).startswith(("constrained-", "literal["))}
    table, *within = [name for name in item["loc"] if name not in kinds] or [""]
    if table == "schedule":
        within = ["name"] if item["type"].startswith("union_tag") else within[1:]
    return ".".join(map(str, [table, *within]))


def _expectation(item: ErrorDetails) -> str:
    if item["type"] == "union_tag_invalid":
        return f"Input should be one of {item['ctx']['expected_tags']}"
    if item["type"] == "union_tag_not_found":
        return "Field required"
    if item["type"] == "string_pattern_mismatch":
        return (
            f"{item['input']!r} (the file's name, unless the recipe has one) may have only lowercase "
            "letters, digits and hyphens, 64 at most; rename the file"
        )
    return item["msg"].removeprefix("Value error, ")
