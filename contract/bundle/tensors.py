"""A bundle's tensors: safetensors, which run nothing, checked before anyone computes with them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from contract.errors import NonFiniteError, ShapeError


def read_tensors(
    name: str, content: bytes, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]]:
    """Read exactly the tensors of `shapes` from the file `name`.

    Raises `ShapeError` for others, or of other shapes or types, and `NonFiniteError`.
    """
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ShapeError(f"{name} holds no tensors: {error}") from None
    found = {each: tensor.shape for each, tensor in tensors.items()}
    for each in sorted({*shapes, *found}):
        if shapes.get(each) != found.get(each):
            raise ShapeError(
                f"{name}: {each} has shape {found.get(each)}; the bundle's format gives {shapes.get(each)}"
            )
    for each, tensor in tensors.items():
        if tensor.dtype != np.float32:
            raise ShapeError(f"{name}: {each} is {tensor.dtype}, not float32")
        if not np.isfinite(tensor).all():
            raise NonFiniteError(f"{name}: {each} holds NaN or infinity")
    return tensors
