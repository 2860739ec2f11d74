"""The commands of `python -m training`, one module each: they translate between a terminal and the rest.

They import what they run when they run it: torch, pandas and scikit-learn take seconds, and --help or a
misspelt recipe should not wait for them.
"""
