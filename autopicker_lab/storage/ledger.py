"""The ledger of what each API key has spent in its day or month, and of what its requests may still cost.

Kept in a small SQLite file that all workers of a machine share, or in Redis for several machines. What was spent is
pushed and pulled once a second; money is held for a request in one step, so that two workers cannot both take the last
dollar. While the store is away, each worker counts by itself.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, CircuitBreaker
from autopicker_lab.storage.ledger_stores import Balance, RedisStore, SqliteStore, Statement, granted
from autopicker_lab.storage.redis_client import open_redis

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from autopicker_lab.settings import Settings
    from autopicker_lab.storage.ledger_stores import Account


def open_ledger(settings: Settings) -> Ledger:
    """The ledger that the settings name; SettingsError for a Redis that cannot be one."""
    path = settings.autopicker_home / "spending.sqlite"
    return Ledger(path, open_redis(settings.redis_url) if settings.enable_redis_cache else None)


class Hold:
    """Money that is held for one request of an account.

    Attributes:
        usd: how much.
        ended: whether it was released, after which it holds nothing any more.
    """

    __slots__ = ("account", "ended", "usd")

    def __init__(self, account: Account):
        self.account = account
        self.usd = 0.0
        self.ended = False


class Standing(NamedTuple):
    """How an account stands: USD spent, and USD held for requests under way, here and elsewhere."""

    spent: float
    held: float


class Ledger:
    """USD by API key and period, in step with the other workers; safe to use from several threads.

    Args:
        path: the SQLite file.
        redis: a Redis client (not an asynchronous one) to use instead; None for the file.
    """

    def __init__(self, path: Path, redis: Any = None):
        self._store = SqliteStore(path) if redis is None else RedisStore(redis)
        self._lock = threading.Lock()
        self._exchanging = threading.Lock()
        self._pending: defaultdict[Account, float] = defaultdict(float)
        self._leaving: dict[Account, float] = {}
        self._known: dict[Account, Balance] = {}
        self._holds: defaultdict[Account, set[Hold]] = defaultdict(set)
        self._breaker = CircuitBreaker(STORE_POLICY, "the store of what keys spent", "counting it in this process")

    def knows(self, account: Account) -> bool:
        """Whether `spent` need not ask the store."""
        return account in self._known

    def spent(self, account: Account) -> float:
        """USD, what others have spent being as old as the last sync; the first time it is fetched."""
        if account not in self._known:
            with self._lock:
                self._known[account] = Balance()
            self.sync()
        with self._lock:
            return self._spent(account)

    def standing(self, account: Account) -> Standing:
        """How an account stands as far as this process knows."""
        with self._lock:
            elsewhere = self._known.get(account, Balance()).held_elsewhere
            return Standing(self._spent(account), self._held(account) + elsewhere)

    def add(self, account: Account, usd: float) -> None:
        """Count USD that were spent here."""
        if usd:
            with self._lock:
                self._pending[account] += usd

    def hold(self, hold: Hold, budget: float, most: float, least: float) -> float:
        """Hold USD for a request in place of what it held: `most`, or what is left of its budget if that is `least`.

        Returns:
            What is held now; 0 where less than `least` is left.
        """
        if not self._breaker.resting_s():
            statement = Statement(hold.account, 0.0, 0.0, budget, most, least)
            balance = self._exchange([statement], hold).get(hold.account)
            if balance is not None:
                return hold.usd
        with self._lock:  # the store is away: what others hold is not known
            self._holds[hold.account].discard(hold)
            left = budget - self._spent(hold.account) - self._held(hold.account)
            return self._keep(hold, granted(left, most, least))

    def release(self, hold: Hold) -> None:
        """Hold nothing more for a request; the other workers see it after the next exchange."""
        with self._lock:
            hold.ended = True
            self._keep(hold, 0.0)

    def sync(self, accounts: Iterable[Account] | None = None) -> None:
        """Push what was spent here, and pull what was spent altogether; what cannot be pushed waits.

        Args:
            accounts: None for all.
        """
        with self._lock:
            chosen = set(self._known) | set(self._pending) | set(self._holds) if accounts is None else set(accounts)
        if chosen:
            self._exchange([Statement(account) for account in chosen])

    def resting_s(self) -> float:
        """Seconds until the store is asked again after a failure; 0: now."""
        return self._breaker.resting_s()

    def _exchange(self, statements: list[Statement], hold: Hold | None = None) -> dict[Account, Balance]:
        """Tell the store what is spent and held here, and take over what it says; empty where it does not answer."""
        with self._exchanging:
            with self._lock:
                if hold is not None:
                    self._holds[hold.account].discard(hold)
                full = [self._filled(statement) for statement in statements]
                self._leaving = {statement.account: statement.spent for statement in full}
            try:
                balances = self._store.exchange(full)
            except Exception as error:  # whatever the storage raises: spending goes on being counted here
                with self._lock:
                    for account, usd in self._leaving.items():
                        self._pending[account] += usd
                    self._leaving = {}
                self._breaker.failed(error)
                return {}
            self._breaker.succeeded()
            with self._lock:
                self._leaving = {}
                self._known.update(balances)
                if hold is not None:
                    self._keep(hold, balances[hold.account].granted)
            return balances

    def _filled(self, statement: Statement) -> Statement:
        account = statement.account
        return statement._replace(spent=self._pending.pop(account, 0.0), held=self._held(account))

    def _keep(self, hold: Hold, usd: float) -> float:
        hold.usd = 0.0 if hold.ended else usd
        if hold.usd:
            self._holds[hold.account].add(hold)
        else:
            self._holds[hold.account].discard(hold)
        return hold.usd

    def _spent(self, account: Account) -> float:
        known = self._known.get(account, Balance()).spent
        return known + self._pending.get(account, 0.0) + self._leaving.get(account, 0.0)

    def _held(self, account: Account) -> float:
        """USD held here: added up anew each time, so that no rounding stays."""
        return math.fsum([hold.usd for hold in self._holds.get(account, ())])
