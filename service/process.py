"""The app of a process that does nothing else, and so may do without what others in it could need.

Importing this makes a process two MiB smaller and 30 ms sooner ready.
"""

import sys

# FastAPI imports pydantic.v1 to see whether a model is one of its; where it is not to be had, none is
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]

from service.app import create_app  # noqa: E402

__all__ = ["create_app"]
