"""The commands of `python -m service`, one module each: they translate between a terminal and the rest."""
