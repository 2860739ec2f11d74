"""What can become of a bundle on its way: cut short, altered by a bit, by accident or on purpose."""

import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from safetensors.numpy import load_file, save_file

from trials.altered_bundle import edit_manifest, vouch_for

MANIFEST, WEIGHTS, SCALER, GRAPH = "manifest.json", "weights.safetensors", "scaler.joblib", "model.onnx"
POPULATION, CARD = "population.safetensors", "report/MODEL_CARD.md"
LEARNT_PHONES = "learnt_phones.digests"


class Alteration(NamedTuple):
    """One thing done to a whole bundle, and the file that a refusal must name."""

    names: str
    apply: Callable[[Path], object]


def truncations(directory: Path, name: str, most: int | None = None) -> Iterator[Alteration]:
    """Cut a file at each of its bytes, or at so many of them."""
    size = (directory / name).stat().st_size
    for length in range(0, size, 1 if most is None else max(1, size // most)):
        yield Alteration(name, partial(_cut, name=name, length=length))


def _cut(directory: Path, name: str, length: int) -> None:
    path = directory / name
    path.write_bytes(path.read_bytes()[:length])


def bit_flips(directory: Path, count: int) -> Iterator[Alteration]:
    """Flip single bits anywhere in all files, always the same ones."""
    chosen = random.Random(1)  # noqa: S311 - to be repeated
    files = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    for name in chosen.choices(files, k=count):
        place = chosen.randrange(8 * (directory / name).stat().st_size)
        told = MANIFEST if name == "manifest.sha256" else name
        yield Alteration(told, partial(_flip, name=name, place=place))


def _flip(directory: Path, name: str, place: int) -> None:
    path = directory / name
    content = bytearray(path.read_bytes())
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


def mistakes() -> list[Alteration]:
    """Files swapped, missing, too many, too large, linked; names that lead elsewhere; what does not fit."""
    return [*_files(), *_manifests(), *_contents()]


def _files() -> Iterator[Alteration]:
    for name in (MANIFEST, WEIGHTS, SCALER, GRAPH, POPULATION, LEARNT_PHONES):
        yield Alteration(name, partial(_remove, name=name))
        yield Alteration(name, partial(_append, name=name))
        yield Alteration(name, partial(_link, name=name))
    for name in (SCALER, GRAPH):
        yield Alteration(WEIGHTS, partial(_swap, first=WEIGHTS, second=name))
    for name in ("extra.pkl", "report/extra.png", "CURRENT"):
        yield Alteration(name, partial(_write, name=name, content=b"?"))


def _manifests() -> Iterator[Alteration]:
    """Manifests with a digest that fits, as of one who meant it."""
    for name in ("../weights.safetensors", "/etc/passwd", "report/../x", "report/..", ".", "", "a\\b", "\0"):
        yield _told(MANIFEST, "files", {name: {"sha256": "0" * 64, "size": 1}})
    for version in (1, 2, 3, 5, -1, "2", None, 10**30):
        yield _told(MANIFEST, "format_version", version)
    yield _told(MANIFEST, "unknown", 1)
    yield _told(MANIFEST, "regularities", [{"feature": "fc", "not_above": "price"}])
    yield _told(MANIFEST, "golden_rows", [])
    yield Alteration("feature 0", partial(edit_manifest, edit=lambda told: told["features"].reverse()))
    yield Alteration("19 features", partial(edit_manifest, edit=lambda told: told["features"].pop()))
    yield Alteration("predicts", partial(edit_manifest, edit=lambda told: told["classes"].reverse()))
    yield Alteration("golden rows", partial(edit_manifest, edit=_lie))


def _contents() -> Iterator[Alteration]:
    """Model files that the manifest vouches for, as of one who meant them."""
    for value in (np.nan, np.inf, -np.inf):
        yield Alteration(WEIGHTS, partial(_edit_tensor, value=value))
    for content in (b"", b"no tensors", bytes(100)):
        yield Alteration(POPULATION, partial(_replace, name=POPULATION, content=content))
    for content in (b"", b"1234567", b"87654321" + b"12345678"):
        yield Alteration(LEARNT_PHONES, partial(_replace, name=LEARNT_PHONES, content=content))
    yield Alteration(WEIGHTS, partial(_edit_tensor, value=np.zeros(3, np.float32)))
    yield Alteration(WEIGHTS, partial(_edit_tensor, value=np.zeros(1, np.float64)))
    for content in (b"", b"no graph", b"\x08\x08" * 100):
        yield Alteration(GRAPH, partial(_replace, name=GRAPH, content=content))
    yield Alteration("golden rows", _scale_of_zero)


def payloads(sentinel: Path) -> list[Alteration]:
    """Under each name that is accepted, vouched for, a pickle that makes `sentinel` where it is opened."""
    content = f"cos\nsystem\n(S'touch {sentinel}'\ntR.".encode()
    names = (WEIGHTS, SCALER, GRAPH, POPULATION, CARD, "report/picture.png")
    return [Alteration(name, partial(_replace, name=name, content=content)) for name in names]


def _remove(directory: Path, name: str) -> None:
    (directory / name).unlink()


def _append(directory: Path, name: str) -> None:
    path = directory / name
    path.write_bytes(path.read_bytes() + bytes(2**20))


def _link(directory: Path, name: str) -> None:
    elsewhere = directory.parent / f".{name}"
    shutil.move(directory / name, elsewhere)
    (directory / name).symlink_to(elsewhere)


def _swap(directory: Path, first: str, second: str) -> None:
    content = (directory / first).read_bytes()
    (directory / first).write_bytes((directory / second).read_bytes())
    (directory / second).write_bytes(content)


def _write(directory: Path, name: str, content: bytes) -> None:
    (directory / name).write_bytes(content)


def _told(names: str, field: str, value: Any) -> Alteration:
    def tell(manifest: dict[str, Any]) -> None:
        manifest[field] = {**manifest[field], **value} if isinstance(value, dict) else value

    return Alteration(names, partial(edit_manifest, edit=tell))


def _lie(manifest: dict[str, Any]) -> None:
    manifest["golden_rows"][0]["probabilities"].reverse()


def _edit_tensor(directory: Path, value: Any) -> None:
    path = directory / WEIGHTS
    tensors = {name: tensor.copy() for name, tensor in load_file(path).items()}
    name = min(tensors)
    if isinstance(value, np.ndarray):
        tensors[name] = value
    else:
        tensors[name].flat[0] = value
    save_file(tensors, path)
    vouch_for(directory, WEIGHTS)


def _replace(directory: Path, name: str, content: bytes) -> None:
    (directory / name).write_bytes(content)
    vouch_for(directory, name)


def _scale_of_zero(directory: Path) -> None:
    """Standardise by a scale of nothing, which the graph has folded into the weights of the features."""
    path = directory / GRAPH
    graph = onnx.load(path)
    for each in graph.graph.initializer:
        if list(each.dims)[1:] == [20]:
            each.raw_data = bytes(len(each.raw_data))
    onnx.save(graph, path)
    vouch_for(directory, GRAPH)
