"""Trials: faults, bad input and load, brought about on purpose, with what the service makes of them.

Each trial of `trials/plan/` has an id, a line to pass and a positive control: a variant that must fail, else
the trial would not notice a fault.
"""
