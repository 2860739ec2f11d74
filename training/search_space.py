"""What tuning may change in a recipe, and between which bounds: a TOML file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

from optuna.trial import Trial
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from contract.errors import RecipeError
from contract.plain_file import read_plain
from contract.saved_text import decode_saved
from training.recipe import Recipe

SHIPPED = Path(__file__).with_name("spaces")

Choices: TypeAlias = Mapping[str, Any]
"""Some of a recipe's choices by dotted name, as in `optimizer.learning_rate`."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Part):
    """From `low` to `high`, both included; whole numbers if both are."""

    low: int | float
    high: int | float
    step: PositiveInt | None = None
    log: bool = Field(False, description="Whether equal ratios are equally likely, rather than differences")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("low must be below high, and above 0 where log is true")
        if self.log and self.step:
            raise ValueError("step must be left out where log is true")
        return self

    def holds(self, value: object) -> bool:
        """Whether this is a number between its bounds."""
        return isinstance(value, int | float) and self.low <= value <= self.high

    def suggest(self, name: str, trial: Trial) -> int | float:
        """Let the trial draw a number."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, step=self.step or 1, log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)


class SearchSpace(_Part):
    """What is tried, by dotted name."""

    choices: dict[str, Annotated[list[str | bool | int | float], Field(min_length=1)]] = {}
    ranges: dict[str, Range] = {}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a TOML file. Raises `RecipeError`."""
        try:
            return cls.model_validate(tomllib.loads(decode_saved(read_plain(path))))
        except FileNotFoundError:
            raise RecipeError(f"no search space {path}: name one's own with --space") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RecipeError(f"search space {path}: {where}: {first['msg']}") from None
        except (OSError, ValueError) as error:
            raise RecipeError(f"search space {path} cannot be read: {error}") from None

    def suggest(self, trial: Trial) -> Choices:
        """Let the trial draw a value for every name."""
        drawn = {name: trial.suggest_categorical(name, values) for name, values in self.choices.items()}
        return drawn | {name: bounds.suggest(name, trial) for name, bounds in self.ranges.items()}

    def holds(self, choices: Choices) -> bool:
        """Whether it has all of these."""
        return all(choices[name] in values for name, values in self.choices.items()) and all(
            bounds.holds(choices[name]) for name, bounds in self.ranges.items()
        )

    def of(self, recipe: Recipe) -> Choices:
        """Return what the recipe itself has under these names."""
        return {name: _get(recipe.model_dump(mode="json"), name) for name in [*self.choices, *self.ranges]}


def with_choices(recipe: Recipe, choices: Choices) -> Recipe:
    """Return the recipe with other choices. Raises `RecipeError` if they do not go together."""
    changed = recipe.model_dump(mode="json")
    for name, value in choices.items():
        *tables, key = name.split(".")
        table = changed
        for step in tables:
            table = table[step]
        table[key] = value
    return Recipe.of(changed, origin=recipe.name)


def _get(recipe: Mapping[str, Any], name: str) -> Any:
    value: Any = recipe
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise RecipeError(f"search space: the recipe has no choice {name}")
        value = value[key]
    return value
