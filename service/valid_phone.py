"""A decoder that takes valid phones at full speed and refuses whatever is not plainly one.

It is derived from what `Phone` declares, so that there is one list of fields. It accepts a part of what
`Phone` accepts, with the same values; what it refuses goes to `Phone`, which decides and words the error.
"""

from collections.abc import Callable, Iterable
from struct import Struct
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.phone import FEATURES, SPECIFICATIONS, Specification


def _bounded(spec: Specification) -> Any:
    return Annotated[float, msgspec.Meta(ge=spec.low, le=spec.high, multiple_of=1 if spec.whole else None)]


_FIELDS = [(spec.name, _bounded(spec)) for spec in SPECIFICATIONS.values()]

ValidPhone: Any = msgspec.defstruct("ValidPhone", _FIELDS, forbid_unknown_fields=True, gc=False)
"""The 20 specifications, in the order of `FEATURES`."""

ValidRow: Any = msgspec.defstruct("ValidRow", _FIELDS, gc=False)
"""The same, where a table may have other columns beside them."""

ValidPart: Any = msgspec.defstruct(
    "ValidPart", [(name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in _FIELDS], gc=False
)
"""The same, of which any may be missing."""

ValidValues: Any = tuple[tuple(map(_bounded, SPECIFICATIONS.values()))]  # type: ignore[misc]
"""The 20 values alone, in the order of `FEATURES`."""

NotPlainlyValid = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What decoding raises; it says nothing that `Phone` would not say better."""


pack = Struct(f"{len(SPECIFICATIONS)}d").pack
"""20 values -> the bytes of their float64."""


def values(phone: Any) -> tuple[float, ...]:
    """Return the 20 values of a valid phone, in the order of `FEATURES`."""
    return msgspec.structs.astuple(phone)


def missing_fields(decode: Callable[[], Any]) -> tuple[str, ...]:
    """Return the names of the fields that a `ValidPart` lacks; none if `decode` raises `NotPlainlyValid`."""
    try:
        part = decode()
    except NotPlainlyValid:
        return ()
    return tuple(name for name in FEATURES if getattr(part, name) is msgspec.UNSET)


def to_rows(packed: Iterable[bytes]) -> NDArray[np.float64]:
    """Return N packed phones as an (N, 20) matrix, four times as fast as numpy makes one of tuples."""
    return np.frombuffer(bytearray().join(packed), dtype=np.float64).reshape(-1, len(SPECIFICATIONS))
