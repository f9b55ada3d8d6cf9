"""One protocol for progress and cancelling, for all work that has a count."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], bool | None]
"""Called with (done, total), in the unit that the work counts in; returning False asks it to stop, None does not."""


def report_progress(progress: Progress | None, done: int, total: int) -> bool:
    """Report a count to a callback, if there is one; False where it asks the work to stop."""
    return progress is None or progress(done, total) is not False
