"""The recipe: every choice of a training run, in a TOML file."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from contract.architecture import Architecture
from contract.errors import RecipeError

SHIPPED = Path(__file__).with_name("recipes")
DEFAULT = "seed-optimized"


class _Choices(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Optimizer(_Choices):
    """How a gradient becomes a step."""

    name: Literal["adam"]
    learning_rate: Annotated[float, Field(gt=0, le=1)]


class Split(_Choices):
    """Which part of the data is held out to measure on."""

    held_out: Annotated[float, Field(gt=0, lt=1, description="Share of the rows")]
    random_state: Annotated[int, Field(ge=0, lt=2**32)]
    stratified: bool = Field(description="Whether each part has the classes in the data's proportions")


class Recipe(_Choices):
    """A training run, whole."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    description: str
    seed: Annotated[
        int, Field(ge=0, lt=2**32, description="Of the first weights and of the order of batches")
    ]
    epochs: PositiveInt
    batch_size: PositiveInt
    network: Architecture
    optimizer: Optimizer
    split: Split

    @classmethod
    def load(cls, name: str) -> Self:
        """Return a shipped recipe by name, or one's own by the path of its TOML file."""
        path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
        try:
            choices = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RecipeError(f"no recipe {name}; {_alternatives(name)}") from None
        except (OSError, ValueError) as error:
            raise RecipeError(f"recipe {path} cannot be read: {error}") from None
        try:
            return cls.model_validate({"name": path.stem, **choices})
        except ValidationError as error:
            raise RecipeError(f"recipe {path}: {_problems(error)}") from None


def shipped_names() -> list[str]:
    """The names that `Recipe.load` knows."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def _alternatives(name: str) -> str:
    close = get_close_matches(name, shipped_names(), n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}shipped are {', '.join(shipped_names())}; one's own is named by a path that ends in .toml"


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
