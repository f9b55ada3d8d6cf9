"""What the parts of the command line share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from autopicker_lab.workbench import Workbench

Json = Annotated[bool, typer.Option("--json", help="print one JSON document on standard output")]


def open_workbench() -> Workbench:
    """A Workbench that logs errors alone: the commands say the rest."""
    import logging

    from autopicker_lab.workbench import Workbench

    logging.basicConfig(level=logging.ERROR)
    return Workbench()


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, default=str))
