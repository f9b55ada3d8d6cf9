"""Options and helpers that the groups of commands share."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from autopicker_lab.workbench import Workbench

Cluster = Annotated[str | None, typer.Option("--scheduler", help="a Dask cluster to work on: tcp://HOST:8786")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")]


def open_workbench() -> Workbench:
    """Make a Workbench that logs errors alone, because the commands print the rest."""
    import logging

    from autopicker_lab.workbench import Workbench

    logging.basicConfig(level=logging.ERROR)
    return Workbench()


def print_json(document: Any) -> None:
    """Print a value as one line of JSON; what JSON does not have is printed as text."""
    typer.echo(json.dumps(document, ensure_ascii=False, default=str))


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
