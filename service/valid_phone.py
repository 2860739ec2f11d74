"""A decoder that takes valid phones at full speed and refuses whatever is not plainly one.

It is derived from what `Phone` declares, so that there is one list of fields. It accepts a part of what
`Phone` accepts, with the same values; what it refuses goes to `Phone`, which decides and words the error.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from contract.phone import SPECIFICATIONS, Specification


def _bounded(spec: Specification) -> Any:
    return Annotated[float, msgspec.Meta(ge=spec.low, le=spec.high, multiple_of=1 if spec.whole else None)]


ValidPhone: Any = msgspec.defstruct(
    "ValidPhone",
    [(spec.name, _bounded(spec)) for spec in SPECIFICATIONS.values()],
    forbid_unknown_fields=True,
    gc=False,
)
"""The 20 specifications, in the order of `FEATURES`."""

NotPlainlyValid = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What decoding raises; it says nothing that `Phone` would not say better."""


def specifications(phone: Any) -> Sequence[float]:
    """Return the 20 values of a `ValidPhone`, in the order of `FEATURES`."""
    return msgspec.structs.astuple(phone)
