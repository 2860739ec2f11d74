"""model.onnx before an engine opens it: only the operators that training exports, and nothing but this file.

A graph is a program: a loop may never end, and a tensor may name another file to be read. The service has no
onnx package, and needs none to tell: this walks the fields of the protobuf message and computes nothing.
Encoding: https://protobuf.dev/programming-guides/encoding/; field numbers: onnx.proto of ONNX 1.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from contract.errors import GraphError

OPERATORS = frozenset(
    {
        b"Add",
        b"Clip",
        b"Div",
        b"Erf",
        b"Gemm",
        b"LeakyRelu",
        b"Log",
        b"Mul",
        b"Relu",
        b"Sigmoid",
        b"Softmax",
        b"Sub",
        b"Tanh",
    }
)
"""What `training.export` makes of every architecture; none of them loops."""

MAX_FIELDS = 100_000
"""Fields of the message; the largest network that can be trained has a few thousand."""

Value: TypeAlias = memoryview | int
"""A message, text or bytes, or a number."""


class Field(NamedTuple):
    """One field of a protobuf message."""

    number: int
    value: Value


MODEL_GRAPH, GRAPH_NODE, GRAPH_INITIALIZER, NODE_ATTRIBUTE, NODE_OPERATOR, NODE_DOMAIN = 7, 1, 5, 5, 4, 7

NOT_IN_A_MODEL = {20: "training information", 25: "a function of its own"}
NOT_IN_A_GRAPH = {15: "a sparse tensor"}
NOT_IN_AN_ATTRIBUTE = {
    5: "a tensor",
    6: "a graph",
    10: "tensors",
    11: "graphs",
    21: "a reference",
    22: "a sparse tensor",
    23: "sparse tensors",
}
NOT_IN_A_TENSOR = {13: "data in another file", 14: "data in another file"}

ORT_FORMAT = b"ORTM"
"""Bytes 4 to 7 of onnxruntime's own format, in which nothing could be told of the operators."""


def check_graph(name: str, content: bytes) -> None:
    """Raise `GraphError` unless the file `name` is a graph such as training exports."""
    if content[4:8] == ORT_FORMAT:
        raise GraphError(f"{name} is in onnxruntime's own format; ONNX is expected")
    _Walk(name).model(memoryview(content))


class _Walk:
    """One look at every field that may hold an operator, a graph, or the name of a file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._fields = 0

    def model(self, message: memoryview) -> None:
        graphs = 0
        for number, value in self._known(message, "the model", NOT_IN_A_MODEL):
            if number == MODEL_GRAPH:
                self._graph(self._message(value))
                graphs += 1
        if not graphs:
            raise GraphError(f"{self._name} holds no graph: it is not ONNX")

    def _graph(self, message: memoryview) -> None:
        for number, value in self._known(message, "the graph", NOT_IN_A_GRAPH):
            if number == GRAPH_NODE:
                self._node(self._message(value))
            elif number == GRAPH_INITIALIZER:
                self._tensor(self._message(value))

    def _node(self, message: memoryview) -> None:
        for number, value in self._known(message, "an operator", {}):
            if number == NODE_OPERATOR and bytes(self._message(value)) not in OPERATORS:
                raise GraphError(
                    f"{self._name} has the operator {_text(value)}, which training never exports"
                )
            if number == NODE_DOMAIN and bytes(self._message(value)):
                raise GraphError(f"{self._name} has an operator of the domain {_text(value)}, not of ONNX")
            if number == NODE_ATTRIBUTE:
                for _ in self._known(self._message(value), "an attribute", NOT_IN_AN_ATTRIBUTE):
                    pass

    def _tensor(self, message: memoryview) -> None:
        for _ in self._known(message, "a tensor", NOT_IN_A_TENSOR):
            pass

    def _known(self, message: memoryview, owner: str, refused: dict[int, str]) -> Iterator[Field]:
        for field in self._each(message):
            if field.number in refused:
                raise GraphError(
                    f"{self._name}: {owner} has {refused[field.number]}, which training never exports"
                )
            yield field

    def _each(self, message: memoryview) -> Iterator[Field]:
        at = 0
        while at < len(message):
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise GraphError(
                    f"{self._name} has over {MAX_FIELDS:,} fields; training never exports so many"
                )
            tag, at = self._varint(message, at)
            value, at = self._value(message, at, tag & 7)
            yield Field(tag >> 3, value)

    def _value(self, message: memoryview, at: int, wire_type: int) -> tuple[Value, int]:
        if wire_type == 0:
            return self._varint(message, at)
        if wire_type == 2:
            size, at = self._varint(message, at)
        elif wire_type in (1, 5):
            size = 8 if wire_type == 1 else 4
        else:
            raise self._broken()
        if at + size > len(message):
            raise self._broken()
        return message[at : at + size], at + size

    def _varint(self, message: memoryview, at: int) -> tuple[int, int]:
        number = 0
        for position, byte in enumerate(message[at : at + 10]):
            number |= (byte & 127) << 7 * position
            if byte < 128:
                return number, at + position + 1
        raise self._broken()

    def _message(self, value: Value) -> memoryview:
        if isinstance(value, int):
            raise self._broken()
        return value

    def _broken(self) -> GraphError:
        return GraphError(f"{self._name} is not ONNX, or was cut short")


def _text(value: Value) -> str:
    return repr(value if isinstance(value, int) else bytes(value[:64]).decode(errors="replace"))
