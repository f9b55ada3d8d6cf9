"""What the keys of the key file may spend: money is held before a model is asked, and the answer is charged."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from autopicker_lab.core import BudgetError, UpstreamTimeoutError
from autopicker_lab.known_models import token_family
from autopicker_lab.storage.ledger import Hold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from autopicker_lab.core import ChatRequest, LaterCall, ModelSpec
    from autopicker_lab.service.request.auth import Caller
    from autopicker_lab.storage import ApiKey, Ledger

T = TypeVar("T")
_PROMPT_MARGIN = 1.25  # estimates of tokens may be 20 % short
_PICTURE_TOKENS = 1_100
_LEAST_USD = 1e-9
_SOON_S = 2.0  # after which a request that others keep from its money may try again


class Budgets:
    """What keys may spend and have spent, in USD by period. Its store is asked in a thread of its own."""

    def __init__(self, ledger: Ledger):
        self.ledger = ledger
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    def reserve(self, caller: Caller, most_usd: float = 0.0) -> Reservation:
        """Hold the most that a request may cost its caller: `async with budgets.reserve(caller, usd): ...`.

        What is held comes back when the block ends; what the request did cost is to be charged before (`charge`).
        Entering raises BudgetError where the key has spent its budget, or has less than `most_usd` left of it. A
        caller without a budget costs nothing here.
        """
        return Reservation(self, caller, most_usd)

    def charge(self, caller: Caller, usd: float) -> None:
        """Add the cost of an answer to what the caller's key has spent; callers without such a key have no account."""
        if caller.key is not None:
            self.ledger.add(caller.account, usd)

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """What `work` returns, which asks the store."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def push(self, caller: Caller) -> None:
        """Tell the other workers what a caller has spent and holds, without waiting for it."""
        if not self.ledger.resting_s():
            with suppress(RuntimeError):  # the service has stopped, and stored it
                self._thread.submit(self.ledger.sync, [caller.account])

    async def keep_in_step(self, every_s: float) -> None:
        """Keep what keys have spent in step with the other workers, until it is cancelled."""
        while True:
            if not self.ledger.resting_s():
                await self.in_thread(self.ledger.sync)
            await asyncio.sleep(every_s)

    async def close(self) -> None:
        """Store what was spent."""
        await self.in_thread(self.ledger.sync)
        self._thread.shutdown(wait=False)


class Reservation:
    """What a request may still cost its caller, while it is answered.

    Attributes:
        bounded: whether the caller has a budget at all.
        shortened: whether the answer may be shorter than usual, because little is left.
        short: why less is left than later calls may cost; None where it is enough, and where there are none.
    """

    def __init__(self, budgets: Budgets, caller: Caller, most_usd: float):
        self._budgets = budgets
        self._caller = caller
        self._most_usd = most_usd
        self._hold: Hold | None = None
        self.bounded = caller.key is not None and caller.key.budget_usd is not None
        self.shortened = False
        self.short: BudgetError | None = None
        self._later: Sequence[LaterCall] = ()

    @property
    def spending(self) -> Reservation | None:
        """What a ChatRequest carries; None for a caller without a budget."""
        return self if self.bounded else None

    async def __aenter__(self) -> Reservation:
        if self.bounded:
            await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._hold is not None:
            held = self._hold.usd
            self._budgets.ledger.release(self._hold)
            if held:
                self._budgets.push(self._caller)

    async def _open(self) -> None:
        ledger, account = self._budgets.ledger, self._caller.account
        if not ledger.knows(account):
            await self._budgets.in_thread(ledger.spent, account)
        if ledger.standing(account).spent >= self._budget - _LEAST_USD:
            raise self._spent()
        self._hold = Hold(account)
        if self._most_usd and not await self.take(self._most_usd, self._most_usd):
            raise self._too_dear(self._most_usd, self._most_usd)

    async def take(self, most: float, least: float) -> float:
        """Hold USD in place of what was held: `most`, or what is left if that is `least`; 0 where it is not."""
        assert self._hold is not None  # entered, by a caller with a budget
        ledger = self._budgets.ledger
        if not ledger.resting_s():
            return await self._budgets.in_thread(ledger.hold, self._hold, self._budget, most, least)
        return ledger.hold(self._hold, self._budget, most, least)

    @asynccontextmanager
    async def cover(self, spec: ModelSpec, request: ChatRequest) -> AsyncIterator[ChatRequest]:
        """The request as it may be asked of a model, the most that it may cost being held; else BudgetError.

        An answer whose length the caller leaves open may have the model's `max_output`, or what the caller can pay.
        A caller who leaves, and a model that takes too long, are charged for the prompt: what was made is not known.
        """
        costs = spec.price_in or spec.price_out or self._later
        covered = await self._covered(spec, request) if costs else request
        try:
            yield covered
        except (asyncio.CancelledError, UpstreamTimeoutError):
            self._budgets.charge(self._caller, spec.cost_usd(request.token_count, 0))
            raise

    def set_aside(self, calls: Sequence[LaterCall]) -> None:
        """Hold, from the next `cover` on, also what these calls may cost; where less is left, `short` says so."""
        self._later, self.short = calls, None

    def charge(self, usd: float) -> None:
        """Charge the caller at once for a call that the request goes on after."""
        self._budgets.charge(self._caller, usd)

    async def _covered(self, spec: ModelSpec, request: ChatRequest) -> ChatRequest:
        worst = _worst(spec, request)
        usd = await self._take_beside_later(worst, request)
        if not usd and worst.most:
            usd = await self.take(worst.most, worst.least)
            if not usd:
                raise self._too_dear(worst.most, worst.least)
        if request.max_tokens is not None:
            return request
        affordable = worst.longest
        if worst.token:
            affordable = min(worst.longest, max(1, int((usd - worst.prompt) / worst.token + 1e-6)))
        self.shortened = affordable < worst.longest
        return replace(request, options={**request.options, _limit_option(spec): affordable})

    async def _take_beside_later(self, worst: _Worst, request: ChatRequest) -> float:
        """Hold what a call may cost beside the later ones; what is for the call alone, 0 where not all can be held."""
        if not self._later:
            return 0.0
        later = [_worst(call.spec, replace(request, options=call.options), call.more_tokens) for call in self._later]
        most = worst.most + sum(each.most for each in later)
        later_least = sum(each.least for each in later)
        if not most:
            return 0.0
        usd = await self.take(most, worst.least + later_least)
        if not usd:
            self.short, self._later = self._too_dear(most, worst.least + later_least), ()
            return 0.0
        return min(worst.most, usd - later_least)

    @property
    def _key(self) -> ApiKey:
        assert self._caller.key is not None
        return self._caller.key

    @property
    def _budget(self) -> float:
        return self._key.budget_usd or 0.0

    def _spent(self) -> BudgetError:
        detail = f"this key has spent its {self._budget:g} USD of the {self._key.period}"
        hint = f"wait for the next {self._key.period}, or ask for a larger budget"
        return BudgetError(detail, hint, retry_after=self._key.period_left_s())

    def _too_dear(self, most: float, least: float) -> BudgetError:
        spent, held = self._budgets.ledger.standing(self._caller.account)
        left = max(0.0, self._budget - spent)
        detail = f"this request may cost {most:.4g} USD, and of the {self._budget:g} USD of the {self._key.period} "
        if held > _LEAST_USD and least <= left + _LEAST_USD:
            detail += f"this key has {max(0.0, left - held):.4g} left while its other requests are answered"
            return BudgetError(detail, "try again when they have ended", retry_after=_SOON_S)
        hint = "lower max_tokens, choose a cheaper model, or ask for a larger budget"
        return BudgetError(f"{detail}this key has {left:.4g} left", hint, retry_after=self._key.period_left_s())


class _Worst(NamedTuple):
    """What a call may cost, USD: in all, at least, for its prompt, for a token of up to `longest` that it writes."""

    most: float
    least: float
    prompt: float
    token: float
    longest: int


def _worst(spec: ModelSpec, request: ChatRequest, more_tokens: int = 0) -> _Worst:
    asked = request.max_tokens
    longest = min(spec.max_output if asked is None else asked, spec.context_window)
    answers = request.options.get("n") or 1
    tokens = min(_prompt_tokens(spec, request) + more_tokens, spec.context_window)
    prompt = answers * spec.cost_usd(tokens, 0)  # some servers are asked once for each
    token = spec.cost_usd(0, answers)
    most = prompt + longest * token
    least = most if asked is not None or not most else max(prompt, _LEAST_USD)
    return _Worst(most, least, prompt, token, longest)


def _prompt_tokens(spec: ModelSpec, request: ChatRequest) -> int:
    """The most tokens that the prompt may be counted as, of what can be estimated."""
    family = token_family(spec)
    text = int(request.tokens_by(family) * (_PROMPT_MARGIN if family else 1.0))  # of an unknown one the most is taken
    return min(text + _PICTURE_TOKENS * len(request.image_urls), spec.context_window)


def _limit_option(spec: ModelSpec) -> str:
    """What a model's server calls the limit of an answer: OpenAI's own know only the newer name of all models."""
    host = urlsplit(spec.endpoint).hostname or ""
    return "max_completion_tokens" if host.endswith((".openai.com", ".openai.azure.com")) else "max_tokens"
