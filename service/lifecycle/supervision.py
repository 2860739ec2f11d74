"""A worker that dies is replaced at once, whatever uvicorn's supervisor is waiting for.

The supervisor asks each worker for a sign of life, and waits. It holds the worker's end of the pipe open as
well: where the worker is killed before it answers, the pipe never ends, and the supervisor waits to the last
second for a dead process while nobody else who dies is replaced.
"""

from uvicorn.supervisors import multiprocess


class Worker(multiprocess.Process):
    """uvicorn's, whose end of the pipe is its own."""

    def start(self) -> None:
        """Start it, which hands the end over, and let go of it here."""
        super().start()
        self.child_conn.close()


def supervise_closely() -> None:
    """Have uvicorn start such workers, as it takes no other class by a setting."""
    setattr(multiprocess, "Process", Worker)  # noqa: B010 - to mypy it is a type, which is not assigned to
