"""Side-by-side measurements: each prints a table and writes JSON. Only figures of one run compare."""
