"""A worker's part in deployments: it follows the audit log, and gives each conversation its policy."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import time
from typing import TYPE_CHECKING, NamedTuple

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
_LAST = _HASHES - 1
_ANY = 0, _HASHES  # a draw that any conversation may gain
_RESTS = 400  # seconds before the next look, for each second of processor time that one took
log = logging.getLogger(__name__)


class _Known(NamedTuple):
    """What a worker knows of the audit log, taken over at once by requests that go on meanwhile.

    Attributes:
        state: what is deployed now. states: what was deployed after each step.
        oldest: the first one of the last day, in which conversations are taken to have begun that nobody remembers.
        stables, canaried: of the last day, stable policies without a canary, and states with one.
        plain: the draw that conversations have to lose to have the stable policy for sure; see `_plain_of`.
    """

    state: Deployed
    states: Sequence[Deployed]
    oldest: Deployed
    stables: frozenset[str]
    canaried: tuple[Deployed, ...]
    plain: tuple[int, int]

    @classmethod
    def of(cls, history: Sequence[Deployed]) -> _Known:
        """By what was deployed until now."""
        recent = _in_force(history, time.time() - KEPT_S)
        stables = frozenset(state.stable for state in recent if state.canary is None)
        canaried = tuple(state for state in recent if state.canary is not None)
        return cls(history[-1], history, recent[0], stables, canaried, _plain_of(history, recent))

    def state_after(self, number: int) -> Deployed:
        return self.states[min(number, len(self.states) - 1)]

    def may_be_mistaken(self, conversation: int, began_in: Deployed, policy: str) -> bool:
        """Whether a conversation would have another policy if it had begun in another state of the last day."""
        for stable in self.stables:
            if stable != policy:
                return True
        for state in self.canaried:  # noqa: SIM110  # as in is_begun
            if state is not began_in and _drawn(state, conversation) != policy:
                return True
        return False


class DeploymentChange(NamedTuple):
    """What has changed in the audit log, and the comparison of the canary that runs; None where none does."""

    known: _Known
    comparison: CanaryComparison | None


class Rollout:
    """What is deployed, as this worker knows it; a second old at most.

    Args:
        configured: the policy that serves where none was deployed.
        check: raises InvalidRequestError for a policy that this process cannot run.

    Attributes:
        active: whether anything was ever deployed.
    """

    def __init__(
        self,
        configured: RoutePolicy,
        deployments: Deployments,
        conversations: Conversations,
        check: Callable[[RoutePolicy], None],
    ):
        self.active = False
        self._known = _Known.of([Deployed()])
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
    def state(self) -> Deployed:
        """What is deployed."""
        return self._known.state

    @property
    def stable(self) -> RoutePolicy:
        """The stable policy, or the configured one where that cannot be run here."""
        return self._policies.get(self.state.stable, self._policies[CONFIGURED])

    def follow(self) -> DeploymentChange | None:
        """Look into the audit log; what has changed, to be taken over by `take`. May wait for the store."""
        if self._breaker.resting_s():
            return None
        try:
            steps = self._deployments.audit.steps()
        except AutopickerError as error:
            self._breaker.failed(error)
            return None
        self._breaker.succeeded()
        if len(steps) == self.state.number:
            self._known = _Known.of(self._known.states)
            return None
        self._load(steps)
        known = _Known.of(states(steps))
        canary = known.state.canary
        if canary is None:
            return DeploymentChange(known, None)
        stable = self._id_of(known.state.stable)
        return DeploymentChange(known, CanaryComparison(stable, canary.policy, Guardrails.of(canary.settings)))

    def take(self, change: DeploymentChange) -> RoutePolicy:
        """Serve what has changed from now on, on the event loop, between two requests; the stable policy of it."""
        self._known, self._comparison = change
        self._ended = {} if self._comparison is None else self._comparison.waiting
        self.active = self.state.number > 0
        self._next_look_at, self._read_to = 0.0, ReadTo()
        return self.stable

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
            return self.policy_of_new(conversation)
        began_in = self.began_in(conversation)
        if began_in is None:
            number = await asyncio.to_thread(self._conversations.recall, conversation)
            known = self._known
            began_in = known.oldest if number is None else known.state_after(number)
        return self.policy_in(began_in, conversation)

    def policy_of_new(self, conversation: int) -> RoutePolicy | None:
        """The policy of a conversation that begins now; None: the stable one."""
        known = self._known
        turned, drawn_below = known.plain
        if (conversation + turned) & _LAST >= drawn_below:  # as _loses: of most, for each request
            return None
        return self.policy_in(known.state, conversation)

    def began_in(self, conversation: int) -> Deployed | None:
        """The state that a conversation began in, or one as good; None where that is not known here: the store may."""
        known = self._known
        if _loses(known.plain, conversation):
            return known.state
        number = self._conversations.here(conversation)
        return None if number is None else known.state_after(number)

    def policy_in(self, began_in: Deployed, conversation: int) -> RoutePolicy | None:
        """The policy of a conversation that began in a state; None: the stable one."""
        known = self._known
        if _loses(known.plain, conversation):
            return None
        state, name = known.state, _drawn(began_in, conversation)
        mistakable = known.may_be_mistaken(conversation, began_in, name)
        self._conversations.remember(conversation, began_in.number, store=mistakable)
        if name == state.stable or name in state.withdrawn:
            return None
        return self._policies.get(name)

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


def _plain_of(history: Sequence[Deployed], recent: Sequence[Deployed]) -> tuple[int, int]:
    """The draw that conversations have to lose to have the stable policy for sure, in whichever state they began.

    Those that go on may have begun in any state, however long ago; what was withdrawn serves none of them.
    """
    withdrawn, last = history[-1].withdrawn, {state.number for state in recent}
    stables, canaries = {history[-1].stable}, {}
    for state in history:
        is_recent, canary = state.number in last, state.canary
        if is_recent or state.stable not in withdrawn:
            stables.add(state.stable)
        if canary is not None and (is_recent or canary.policy not in withdrawn):
            canaries[canary.number] = state
    if len(stables) > 1 or len(canaries) > 1:
        return _ANY
    return _draw_of(next(iter(canaries.values()), history[-1]))


def _in_force(history: Sequence[Deployed], since: float) -> list[Deployed]:
    """The states that held at any time since then (Unix seconds), the oldest first."""
    ended = [after.at for after in history[1:]]
    return [state for state, at in zip(history, [*ended, math.inf], strict=True) if at >= since]


def _drawn(state: Deployed, conversation: int) -> str:
    """The id of the policy that a conversation gets which begins in a state."""
    canary = state.canary
    return state.stable if canary is None or _loses(_draw_of(state), conversation) else canary.policy


def _loses(draw: tuple[int, int], conversation: int) -> bool:
    """Whether a conversation does not get the canary of a draw; see `_draw_of`."""
    turned, drawn_below = draw
    return (conversation + turned) & _LAST >= drawn_below


def _draw_of(state: Deployed) -> tuple[int, int]:
    """By how much the hashes of conversations are turned in a state, and below which of these the canary is drawn."""
    canary = state.canary
    return (0, 0) if canary is None else (_turned(canary.number), int(canary.share * _HASHES))


@functools.cache
def _turned(number: int) -> int:
    """By how much the hashes of conversations are turned for a canary, so that each draws anew."""
    return int(number_of(f"canary:{number}") * _HASHES)
