"""Options and helpers that the groups of commands share."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from autopicker_lab.core import AutopickerError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from autopicker_lab.workbench import Workbench

Cluster = Annotated[str | None, typer.Option("--scheduler", help="a Dask cluster to work on: tcp://HOST:8786")]
_NOTE_EVERY_S = 10.0
Json = Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")]


class StrictCommand(TyperCommand):
    """A command that ends with exit code 2, as for a wrong option, where what a person gave it cannot be used."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a mistake is one line on standard error."""
        try:
            return super().invoke(ctx)
        except (InvalidRequestError, NotFoundError) as error:
            print_error(error)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            print_error(InvalidRequestError(f"cannot use '{error.filename}': {error.strerror}", "check the path"))
        raise typer.Exit(2)


def print_error(error: AutopickerError) -> None:
    """Print an error with its next step in one line on standard error."""
    typer.echo(f"autopicker: {' '.join(str(error).split())}", err=True)


def open_workbench() -> Workbench:
    """Make a Workbench that logs errors alone, because the commands print the rest."""
    import logging

    from autopicker_lab.workbench import Workbench

    logging.basicConfig(level=logging.ERROR)
    return Workbench()


def print_json(document: Any) -> None:
    """Print a value as one line of JSON; what JSON does not have is printed as text."""
    typer.echo(json.dumps(document, ensure_ascii=False, default=str))


def sparse_notes(quiet: bool = False) -> Callable[[str], None]:
    """Make a function that says where long work is, in a line now and then, where no terminal shows a bar of it."""
    said_at = time.monotonic()

    def say(text: str) -> None:
        nonlocal said_at
        if not quiet and not sys.stderr.isatty() and time.monotonic() - said_at >= _NOTE_EVERY_S:
            said_at = time.monotonic()
            typer.echo(text, err=True)

    return say


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was pressed; a second Ctrl-C ends the process at once."""
    pressed = False

    def on_interrupt(*_: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, previous)
