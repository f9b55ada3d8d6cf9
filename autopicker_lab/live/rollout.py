"""A worker's part in deployments: it follows the audit log, and gives each conversation its policy."""

from __future__ import annotations

import asyncio
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
    from collections.abc import Callable, Sequence

    from autopicker_lab.core import ChatRequest, RoutePolicy
    from autopicker_lab.live.audit import Step
    from autopicker_lab.storage import DecisionLog

SERVICE = "service"  # who takes the steps that nobody asked for
_RESTS = 100  # seconds before the next look, for each second of processor time that one took
log = logging.getLogger(__name__)


class Rollout:
    """What is deployed, as this worker knows it; a second old at most.

    Args:
        configured: the policy that serves where none was deployed.
        check: raises InvalidRequestError for a policy that this process cannot run.

    Attributes:
        state: what the audit log says.
    """

    def __init__(
        self,
        configured: RoutePolicy,
        deployments: Deployments,
        conversations: Conversations,
        check: Callable[[RoutePolicy], None],
    ):
        self.state = Deployed()
        self._states = [self.state]  # after each step
        self._recent = [self.state]  # those that conversations may have begun in that still go on, the oldest first
        self._policies = {CONFIGURED: configured}
        self._deployments = deployments
        self._conversations = conversations
        self._check = check
        self._comparison: CanaryComparison | None = None
        self._next_look_at = 0.0
        self._read_to = ReadTo()
        self._breaker = CircuitBreaker(STORE_POLICY, "the audit log", "serving what was deployed last")

    @property
    def active(self) -> bool:
        """Whether anything was ever deployed."""
        return self.state.number > 0

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
            self._recent = _in_force(self._states, time.time() - KEPT_S)
            return False
        self._load(steps)
        history = states(steps)
        state = history[-1]
        canary = state.canary
        self._comparison = None
        if canary is not None:
            stable = self._id_of(state.stable)
            self._comparison = CanaryComparison(stable, canary.policy, Guardrails.of(canary.settings))
        self._states, self._recent, self.state = history, _in_force(history, time.time() - KEPT_S), state
        self._next_look_at, self._read_to = 0.0, ReadTo()
        return True

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
        conversation, state, known = conversation_of(request, caller), self.state, self._conversations
        began_in = state
        if begun:
            number = known.here(conversation)
            if number is None:
                number = await asyncio.to_thread(known.recall, conversation)
            began_in = self._recent[0] if number is None else self._states[min(number, len(self._states) - 1)]
        name = _drawn(began_in, conversation)
        differs = any(_drawn(other, conversation) != name for other in self._recent if other is not began_in)
        known.remember(conversation, began_in.number, store=differs)
        if name in state.withdrawn or name not in self._policies:
            name = state.stable
        return None if name == state.stable else self._policies.get(name)

    def ended(self, policy: str, failed: bool) -> None:
        """Count a request of a policy for the canary's guardrails."""
        if self._comparison is not None:
            self._comparison.ended(policy, failed)

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
    canary = state.canary
    if canary is None:
        return state.stable
    gets_it = number_of(f"{canary.number}:{conversation}") < canary.share
    return canary.policy if gets_it else state.stable
