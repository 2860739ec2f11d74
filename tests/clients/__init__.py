"""Other projects' clients, unmodified, against a real service: each in a virtual environment of its own.

`<client>.txt` is what the environment holds, and `with_<client>.py` is what its own pytest runs in there.
"""
