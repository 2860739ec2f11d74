"""What may be posted to /invocations, for the description of the interface."""

from typing import Any

from contract.phone import EXAMPLE, FEATURES, FLAGS
from service.media_type import CSV, JSON, NDJSON, PARQUET
from service.protocols.instances import PHONES
from service.protocols.invocations.bodies import JSON_LINES, NPY, X_PARQUET
from service.protocols.rows import COUNT

TEXT = {"schema": {"type": "string"}}
BYTES = {"schema": {"type": "string", "format": "binary"}}

_FRAME = {
    "type": "object",
    "description": "As pandas writes it with orient='split'; columns that are no specifications are ignored",
    "required": ["columns", "data"],
    "properties": {
        "columns": {"type": "array", "items": {"type": ["string", "number", "null"]}, "minItems": COUNT},
        "data": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "items": {}, "minItems": COUNT},
            "description": "Rows, each with a value for each column",
        },
    },
}

_COLUMNS = {
    "type": "object",
    "description": "A list for each specification, all of one length; others are ignored",
    "required": list(FEATURES),
    "properties": {
        name: {
            "type": "array",
            "items": {"type": ["number", "boolean"] if name in FLAGS else "number"},
            "minItems": 1,
        }
        for name in FEATURES
    },
    "additionalProperties": {"type": "array", "items": {}},
}

_FORMS = {
    "dataframe_split": _FRAME,
    "dataframe_records": PHONES,
    "instances": PHONES,
    "inputs": {"anyOf": [PHONES, _COLUMNS]},
}

_IGNORED: dict[str, Any] = {
    name: {"description": "Ignored: the model has none"} for name in ("params", "parameters")
}

_JSON = {
    "schema": {
        "oneOf": [
            *(
                {
                    "type": "object",
                    "required": [name],
                    "properties": {name: form, **_IGNORED},
                    "additionalProperties": False,
                }
                for name, form in _FORMS.items()
            ),
            PHONES,
        ]
    },
    "example": {"dataframe_split": {"columns": list(FEATURES), "data": [list(EXAMPLE.values())]}},
}

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: _JSON,
            CSV: TEXT,
            JSON_LINES: TEXT,
            NDJSON: TEXT,
            PARQUET: BYTES,
            X_PARQUET: BYTES,
            NPY: BYTES,
        },
    }
}
"""Each kind under each of its names: bodies are read by no part of FastAPI."""
