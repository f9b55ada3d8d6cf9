"""USD a day that the loop may spend on what no caller asked for, counted by all workers together."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopicker_lab.storage import Ledger
    from autopicker_lab.storage.ledger_stores import Account

_DAY_S = 86_400


class Allowance:
    """What is left of the USD of this day (UTC), by the ledger that the workers share.

    What other workers spent is as old as the ledger's last exchange, a second at most.

    Args:
        purpose: what it is for; each has an account of its own.

    Attributes:
        left_usd: what may be spent today; 0 until the store has been asked what was spent (see `open`).
    """

    def __init__(self, ledger: Ledger, purpose: str, usd_a_day: float):
        self._ledger = ledger
        self._purpose = f"*{purpose}*"  # no id of a key
        self._usd_a_day = usd_a_day
        self._today: tuple[int, Account] = 0, (self._purpose, "")  # read on the event loop and in a thread
        self.left_usd = 0.0

    @property
    def account(self) -> Account:
        """Where it is counted today."""
        day, (known, account) = int(time.time() // _DAY_S), self._today
        if day != known:
            account = self._purpose, datetime.fromtimestamp(day * _DAY_S, UTC).strftime("%Y-%m-%d")
            self._today = day, account
        return account

    def spend(self, usd: float) -> None:
        """Count USD."""
        self.left_usd -= usd
        self._ledger.add(self.account, usd)

    def open(self) -> None:
        """See, each second, what is left of this day's USD; may wait for the store where that was not asked yet."""
        account = self.account
        if not self._ledger.knows(account):
            self._ledger.spent(account)
        self.left_usd = self._usd_a_day - self._ledger.standing(account).spent
