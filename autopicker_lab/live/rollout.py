"""A worker's part in deployments: it follows the audit log, and gives each conversation its policy."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import time
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError, InvalidRequestError
from autopicker_lab.live.canary import Advice, CanaryComparison, Guardrails
from autopicker_lab.live.conversations import KEPT_S, Conversations, conversation_of
from autopicker_lab.live.deployments import CONFIGURED, Deployed, Deployments, states
from autopicker_lab.live.draws import number_of
from autopicker_lab.routing.policies import parse_policy
from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, CircuitBreaker
from autopicker_lab.storage.policy_news import ReadTo

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping, Sequence

    from autopicker_lab.core import ChatRequest, RoutePolicy
    from autopicker_lab.live.audit import Step
    from autopicker_lab.storage import DecisionLog

SERVICE = "service"  # who takes the steps that nobody asked for
_HASHES = 2**64  # that conversations can have
_ANY = 0, math.inf  # a draw that any conversation may gain
_RESTS = 400  # seconds before the next look, for each second of processor time that one took
log = logging.getLogger(__name__)


class Rollout:
    """What is deployed, as this worker knows it; a second old at most.

    Args:
        configured: the policy that serves where none was deployed.
        check: raises InvalidRequestError for a policy that this process cannot run.

    Attributes:
        state: what the audit log says. active: whether anything was ever deployed.
    """

    def __init__(
        self,
        configured: RoutePolicy,
        deployments: Deployments,
        conversations: Conversations,
        check: Callable[[RoutePolicy], None],
    ):
        self.state = Deployed()
        self.active = False
        self._states = [self.state]  # after each step
        self._remember_states(self._states)
        self._policies = {CONFIGURED: configured}
        self._deployments = deployments
        self._conversations = conversations
        self._check = check
        self._comparison: CanaryComparison | None = None
        self._ended: Mapping[str, deque[bool]] = {}
        self._next_look_at = 0.0
        self._read_to = ReadTo()
        self._breaker = CircuitBreaker(STORE_POLICY, "the audit log", "serving what was deployed last")

    @property
    def stable(self) -> RoutePolicy:
        """The stable policy, or the configured one where that cannot be run here."""
        return self._policies.get(self.state.stable, self._policies[CONFIGURED])

    def follow(self) -> bool:
        """Look into the audit log; whether anything has changed. May wait for the store."""
        if self._breaker.resting_s():
            return False
        try:
            steps = self._deployments.audit.steps()
        except AutopickerError as error:
            self._breaker.failed(error)
            return False
        self._breaker.succeeded()
        if len(steps) == self.state.number:
            self._remember_states(self._states)
            return False
        self._load(steps)
        history = states(steps)
        state = history[-1]
        canary = state.canary
        self._comparison = None
        if canary is not None:
            stable = self._id_of(state.stable)
            self._comparison = CanaryComparison(stable, canary.policy, Guardrails.of(canary.settings))
        self._ended = {} if self._comparison is None else self._comparison.waiting
        self._remember_states(history)
        self.state, self.active = state, state.number > 0
        self._next_look_at, self._read_to = 0.0, ReadTo()
        return True

    def _remember_states(self, history: list[Deployed]) -> None:
        """Keep what was deployed after each step, and what of it conversations may have begun in that still go on."""
        recent = _in_force(history, time.time() - KEPT_S)
        self._states, self._oldest = history, recent[0]
        self._stables = {state.stable for state in recent if state.canary is None}
        self._canaried = [state for state in recent if state.canary is not None]
        one = len({state.stable for state in recent}) == 1 and len(self._canaried) <= 1
        self._plain = _draw_of(self._canaried[0] if self._canaried else history[-1]) if one else _ANY

    def _is_plain(self, conversation: int) -> bool:
        """Whether a conversation has the stable policy for sure, in whichever state of the last day it began."""
        turned, drawn_below = self._plain
        return (conversation + turned) % _HASHES >= drawn_below

    def _load(self, steps: Sequence[Step]) -> None:
        for name in {step.policy for step in steps} - self._policies.keys():
            try:
                policy = parse_policy(self._deployments.audit.policy_text(name), name)
                self._check(policy)
            except AutopickerError as error:
                log.error("the policy %s cannot be run here: %s", name, error.loggable)
            else:
                self._policies[name] = policy

    def _id_of(self, name: str) -> str:
        return self._policies[name].id if name in self._policies else name

    async def policy_for(self, request: ChatRequest, caller: str, begun: bool) -> RoutePolicy | None:
        """The policy of the conversation that a request is of; None: the stable one.

        Conversations stay with the policy that they began with, but for one that was rolled back. Which that is, their
        hash tells, if it is known after which step they began. That is only kept where it makes a difference: of those
        that nobody remembers, it is taken that they began in the first state of the last day.

        Args:
            begun: whether it goes on with a conversation.
        """
        conversation = conversation_of(request, caller)
        if not begun:
            return self.policy_in(self.state, conversation)
        began_in = self.began_in(conversation)
        if began_in is None:
            number = await asyncio.to_thread(self._conversations.recall, conversation)
            began_in = self._oldest if number is None else self._state_after(number)
        return self.policy_in(began_in, conversation)

    def began_in(self, conversation: int) -> Deployed | None:
        """The state that a conversation began in, or one as good; None where that is not known here: the store may."""
        if self._is_plain(conversation):
            return self.state
        number = self._conversations.here(conversation)
        return None if number is None else self._state_after(number)

    def _state_after(self, number: int) -> Deployed:
        known = self._states
        return known[min(number, len(known) - 1)]

    def policy_in(self, began_in: Deployed, conversation: int) -> RoutePolicy | None:
        """The policy of a conversation that began in a state; None: the stable one."""
        if self._is_plain(conversation):
            return None
        state, name = self.state, _drawn(began_in, conversation)
        mistakable = self._may_be_mistaken(conversation, began_in, name)
        self._conversations.remember(conversation, began_in.number, store=mistakable)
        if name == state.stable or name in state.withdrawn:
            return None
        return self._policies.get(name)

    def _may_be_mistaken(self, conversation: int, began_in: Deployed, policy: str) -> bool:
        """Whether a conversation would have another policy if it had begun in another state of the last day."""
        for stable in self._stables:
            if stable != policy:
                return True
        for state in self._canaried:  # noqa: SIM110  # as in is_begun
            if state is not began_in and _drawn(state, conversation) != policy:
                return True
        return False

    def ended(self, policy: str, failed: bool) -> None:
        """Count a request of a policy for the canary's guardrails."""
        if (waiting := self._ended.get(policy)) is not None:
            waiting.append(failed)

    def look(self, decisions: DecisionLog) -> None:
        """See what a running canary shows, and act on it. May wait for the stores.

        Read is what came, or was scored, since the last look; and the more a look takes, the fewer there are.
        """
        if time.monotonic() >= self._next_look_at:
            began_at = time.thread_time()
            self._look(decisions)
            self._next_look_at = time.monotonic() + _RESTS * (time.thread_time() - began_at)

    def _look(self, decisions: DecisionLog) -> None:
        canary, comparison = self.state.canary, self._comparison
        if canary is None or comparison is None:
            return
        news, self._read_to = decisions.news(comparison.policies, self._read_to, canary.at)
        comparison.add(news)
        report = comparison.report()
        try:
            if report.advice is Advice.ROLL_BACK:
                self._deployments.roll_back(SERVICE, report.why, report.figures, expected=canary.number)
            elif report.advice is Advice.PROMOTE and Guardrails.of(canary.settings).auto:
                self._deployments.promote(SERVICE, report.why, report.figures, expected=canary.number)
            else:
                return
        except InvalidRequestError:  # somebody else has decided meanwhile
            return
        except AutopickerError as error:
            log.warning("the canary %s: %s, which could not be kept: %s", canary.policy, report.why, error.loggable)
            return
        log.warning("the canary %s: %s, so: %s", canary.policy, report.why, report.advice)

    def close(self) -> None:
        """Write what waits."""
        self._conversations.close()


def _in_force(history: Sequence[Deployed], since: float) -> list[Deployed]:
    """The states that held at any time since then (Unix seconds), the oldest first."""
    ended = [after.at for after in history[1:]]
    return [state for state, at in zip(history, [*ended, math.inf], strict=True) if at >= since]


def _drawn(state: Deployed, conversation: int) -> str:
    """The id of the policy that a conversation gets which begins in a state."""
    turned, drawn_below = _draw_of(state)
    canary = state.canary
    gets_it = canary is not None and (conversation + turned) % _HASHES < drawn_below
    return canary.policy if canary is not None and gets_it else state.stable


def _draw_of(state: Deployed) -> tuple[int, float]:
    """By how much the hashes of conversations are turned in a state, and below which of these the canary is drawn."""
    canary = state.canary
    return (0, 0.0) if canary is None else (_turned(canary.number), canary.share * _HASHES)


@functools.cache
def _turned(number: int) -> int:
    """By how much the hashes of conversations are turned for a canary, so that each draws anew."""
    return int(number_of(f"canary:{number}") * _HASHES)
