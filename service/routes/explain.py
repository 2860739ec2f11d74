"""POST /explain and /what-if: why a phone gets its answer, and what would change it."""

from fastapi import APIRouter

from service import explanation
from service.dependencies import Aside, LoadedPredictor
from service.errors import REFUSALS
from service.routes.one_phone import PLAIN_JSON, OnePhone
from service.what_if import WhatIf, look_around

router = APIRouter(tags=["explanation"], dependencies=PLAIN_JSON)


@router.post("/explain", responses=REFUSALS)
async def explain(phone: OnePhone, predictor: LoadedPredictor, aside: Aside) -> explanation.Explanation:
    """Say what each specification adds to the expected price range of a typical phone, or takes from it.

    Shapley values against made-up phones with the distribution of those trained on.
    """
    return await aside(explanation.explain, predictor, phone)


@router.post("/what-if", responses=REFUSALS)
async def what_if(phone: OnePhone, predictor: LoadedPredictor, aside: Aside) -> WhatIf:
    """Say how the answer follows each specification, and the smallest changes to each other range."""
    return await aside(look_around, predictor, phone)
