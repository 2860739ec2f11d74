"""Serving: a bundle in, answers over HTTP out."""
