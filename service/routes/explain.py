"""POST /explain and /what-if: why a phone gets its answer, and what would change it."""

from functools import partial

from fastapi import APIRouter, Response

from service import explanation
from service.aside import AsideAnswer
from service.dependencies import CurrentAside, LoadedPredictor
from service.errors import REFUSALS
from service.routes.one_phone import JsonRoute, OnePhone
from service.what_if import WhatIf, look_around

router = APIRouter(tags=["explanation"], route_class=JsonRoute)


@router.post("/explain", summary="Why this range", response_model=explanation.Explanation, responses=REFUSALS)
async def explain(phone: OnePhone, predictor: LoadedPredictor, aside: CurrentAside) -> Response:
    """Say what each specification adds to the expected price range of a typical phone, or takes from it.

    Shapley values against made-up phones with the distribution of those trained on.
    """
    return AsideAnswer(aside, partial(explanation.explain, predictor, phone))


@router.post("/what-if", summary="What would change it", response_model=WhatIf, responses=REFUSALS)
async def what_if(phone: OnePhone, predictor: LoadedPredictor, aside: CurrentAside) -> Response:
    """Say how the answer follows each specification, and the smallest changes to each other range."""
    return AsideAnswer(aside, partial(look_around, predictor, phone))
