"""The service's own client: a `Phone` in, typed answers out, blocking or for asyncio.

from service.client import Phone, PhonePriceClient

with PhonePriceClient("http://127.0.0.1:8000") as client:
    print(client.predict(Phone(...)).label)
"""

from contract.errors import InvalidTableError, PhonePriceError
from contract.phone import Phone, PriceRange
from contract.violation import Violation
from service.client.answers import (
    Change,
    Contribution,
    Curve,
    Explanation,
    FeatureInfo,
    Health,
    InputWarning,
    ModelInfo,
    PredictedRange,
    Prediction,
    RefusedVersion,
    Regularity,
    Replacement,
    WayToRange,
    WhatIf,
)
from service.client.asynchronous import AsyncPhonePriceClient
from service.client.blocking import PhonePriceClient
from service.client.errors import (
    AnswerError,
    DeadlineError,
    InvalidPhoneError,
    RefusalError,
    ServiceError,
    UnavailableError,
)
from service.client.phones import AnyPhone

__all__ = [
    "AnswerError",
    "AnyPhone",
    "AsyncPhonePriceClient",
    "Change",
    "Contribution",
    "Curve",
    "DeadlineError",
    "Explanation",
    "FeatureInfo",
    "Health",
    "InputWarning",
    "InvalidPhoneError",
    "InvalidTableError",
    "ModelInfo",
    "Phone",
    "PhonePriceClient",
    "PhonePriceError",
    "PredictedRange",
    "Prediction",
    "PriceRange",
    "RefusalError",
    "RefusedVersion",
    "Regularity",
    "Replacement",
    "ServiceError",
    "UnavailableError",
    "Violation",
    "WayToRange",
    "WhatIf",
]
