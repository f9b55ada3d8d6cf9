"""When something that several processes share is away: said once, and left alone for a while."""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)
RETRY_S = 5.0  # a server that hangs costs its time limit once in so long
TIMEOUT_S = 0.5


class Outage:
    """Args:
    what: is asked, such as "Redis"; `instead` is what is done while it is away.
    """

    def __init__(self, what: str, instead: str):
        self._what = what
        self._instead = instead
        self._away = False
        self._retry_at = 0.0

    def resting(self) -> bool:
        """Whether it is not to be asked now."""
        return self._away and time.monotonic() < self._retry_at

    def failed(self, error: Exception) -> None:
        if not self._away:
            log.warning("%s does not answer (%s): %s until it does", self._what, error, self._instead)
        self._away = True
        self._retry_at = time.monotonic() + RETRY_S

    def answered(self) -> None:
        if self._away:
            log.info("%s answers again", self._what)
        self._away = False
