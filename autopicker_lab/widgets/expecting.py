"""Files that a panel was given are made ready for questions before one is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core import SourceFile
    from autopicker_lab.widgets.parts import Intake
    from autopicker_lab.workbench import Workbench


def expecting(lab: Workbench, intake: Intake) -> Callable[[], None]:
    """A listener of an intake that tells the Workbench of each file once, as an upload tells the service."""
    told: list[SourceFile] = []

    def tell() -> None:
        new = [file for file in intake.files if not any(file is one for one in told)]
        told[:] = intake.files
        if new and lab.pipeline.file_context.has_encoder:
            lab.submit(lab.aexpect(new))

    return tell
