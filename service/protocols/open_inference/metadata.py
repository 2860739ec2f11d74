"""What the protocol tells of the server and the model; and what a description of the interface calls it."""

from typing import Any, Literal

from pydantic import BaseModel

from service.predictor import Predictor
from service.protocols.open_inference.inputs import NUMBERS
from service.protocols.open_inference.outputs import DATATYPES, WIDTHS
from service.protocols.open_inference.statistics import ModelStatistics
from service.protocols.rows import COUNT

EXTENSIONS = ["binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"]
"""Of Triton, by its names."""

INPUT = "specifications"
"""What the one input is called; any other name does as well."""

PLATFORMS = {"onnx": "onnxruntime_onnx", "torch": "pytorch_safetensors"}
"""Each engine, as `<project>_<format>`."""


class Detail(BaseModel):
    """What is wrong, and where in the request."""

    loc: list[str | int]
    msg: str


class InferenceError(BaseModel):
    """What every refusal looks like."""

    error: str
    details: list[Detail]


class Live(BaseModel):
    """The process answers."""

    live: Literal[True] = True


class Ready(Live):
    """The server can predict."""

    ready: Literal[True] = True


class ModelReady(BaseModel):
    """The model can predict."""

    name: str
    ready: Literal[True] = True


class ServerMetadata(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str] = EXTENSIONS


class TensorMetadata(BaseModel):
    """A tensor; -1 is the number of phones."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """The model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata] = [TensorMetadata(name=INPUT, datatype="FP32", shape=[-1, COUNT])]
    outputs: list[TensorMetadata] = [
        TensorMetadata(name=name, datatype=datatype, shape=[-1, *WIDTHS[name]])
        for name, datatype in DATATYPES.items()
    ]

    @classmethod
    def of(cls, name: str, predictor: Predictor) -> "ModelMetadata":
        """Tell it of the model that answers."""
        return cls(name=name, versions=[predictor.version], platform=PLATFORMS[predictor.engine.name])


class IndexedModel(BaseModel):
    """A model of the repository."""

    name: str
    version: str
    state: Literal["READY"] = "READY"
    reason: str = ""


class Reshaped(BaseModel):
    """The shape of one phone's output, without the number of phones."""

    shape: list[int]


class ConfiguredTensor(BaseModel):
    """A tensor as Triton's ModelConfig has it: `dims` without the number of phones."""

    name: str
    data_type: str
    dims: list[int]
    reshape: Reshaped | None = None


class ModelConfig(BaseModel):
    """Triton's ModelConfig, as far as there is anything to tell."""

    name: str
    platform: str
    backend: str
    max_batch_size: int
    input: list[ConfiguredTensor] = [ConfiguredTensor(name=INPUT, data_type="TYPE_FP32", dims=[COUNT])]
    output: list[ConfiguredTensor] = [
        ConfiguredTensor(
            name=name,
            data_type="TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}",
            dims=WIDTHS[name] or [1],
            reshape=None if WIDTHS[name] else Reshaped(shape=[]),
        )
        for name, datatype in DATATYPES.items()
    ]

    @classmethod
    def of(cls, name: str, predictor: Predictor, max_batch_size: int) -> "ModelConfig":
        """Tell it of the model that answers."""
        platform = PLATFORMS[predictor.engine.name]
        backend = platform.partition("_")[0]
        return cls(name=name, platform=platform, backend=backend, max_batch_size=max_batch_size)


class AllStatistics(BaseModel):
    """Of each model: there is one."""

    model_stats: list[ModelStatistics]


class OutputTensor(BaseModel):
    """An answer: its `data`, or `parameters.binary_data_size`, the number of its bytes behind the JSON."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None


class InferenceAnswer(BaseModel):
    """The answer to an inference."""

    model_name: str
    model_version: str
    id: str
    outputs: list[OutputTensor]


_PARAMETERS = {"type": "object", "description": "Of extensions"}

INFERENCE_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string", "description": "Comes back with the answer"},
        "parameters": _PARAMETERS,
        "inputs": {
            "type": "array",
            "minItems": 1,
            "description": f"One tensor [n, {COUNT}], or {COUNT} tensors [n] named like the specifications",
            "items": {
                "type": "object",
                "required": ["name", "shape", "datatype"],
                "properties": {
                    "name": {"type": "string"},
                    "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
                    "datatype": {"enum": list(NUMBERS)},
                    "parameters": _PARAMETERS,
                    "data": {
                        "type": "array",
                        "description": "Numbers, flat or row by row",
                        "items": {
                            "type": ["number", "boolean", "array"],
                            "items": {"type": ["number", "boolean"]},
                        },
                    },
                },
            },
        },
        "outputs": {
            "type": "array",
            "description": "All, where none is named",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"enum": list(DATATYPES)}, "parameters": _PARAMETERS},
            },
        },
    },
}
"""What is sent as JSON: pydantic has no part in reading it, so that FastAPI cannot describe it."""
