"""python -m service: serve the model over HTTP, or score a table in a file."""

import signal

import typer

if (
    __name__ == "__main__"
):  # Ctrl-C while the libraries are imported, which takes seconds, ends in no traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from service.commands.score import score
from service.commands.serve import serve

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

for command in (serve, score):
    app.command()(command)


@app.callback()
def service() -> None:
    """Answer in which of four price ranges a phone sells."""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name="python -m service")
