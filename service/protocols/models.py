"""The list of models, as KServe has it in both of its protocols."""

from pydantic import BaseModel


class Models(BaseModel):
    """The names of the models that there are."""

    models: list[str]
