"""What stops a benchmark: no figure is better than a wrong one."""


class BenchmarkError(Exception):
    """A server, an answer or a load that cannot be trusted; the message says which and why."""
