"""Load tests of any HTTP address."""

from autopicker_lab.loadtest.closed_loop import Progress, run

__all__ = ["Progress", "run"]
