"""onnxruntime that calls nobody: from 1.29 on its official builds for Linux report to their maker by default.

It must be told not to before it is imported, so both sides import it here. ORT_DISABLE_TELEMETRY=0 lets it.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime"]
