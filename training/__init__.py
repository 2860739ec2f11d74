"""Offline training: a table of phones in, a bundle out."""
