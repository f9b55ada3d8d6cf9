"""What the parts of the command line share."""

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
    """A Workbench that logs errors alone: the commands say the rest."""
    import logging

    from autopicker_lab.workbench import Workbench

    logging.basicConfig(level=logging.ERROR)
    return Workbench()


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, default=str))


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: the first time the work ends in good order, the second time at once."""
    pressed = False

    def note(*_: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
