"""What is deployed: the stable policy, and a canary beside it, as the steps of the audit log say."""

from __future__ import annotations

import time
from dataclasses import asdict
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.live.audit import Step
from autopicker_lab.live.canary import CanaryComparison, CanaryReport, Guardrails
from autopicker_lab.routing.policies import policy_text
from autopicker_lab.storage.decisions import news_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.live.audit import AuditLog
    from autopicker_lab.storage import Decision

CONFIGURED = ""  # in place of a policy's id: the one that AUTOPICKER_POLICY names


class Deployed(NamedTuple):
    """What is deployed after all steps.

    Attributes:
        number: of the last step; 0 where there was none. at: when it was taken, Unix seconds.
        stable: id of the stable policy; CONFIGURED where none was deployed.
        earlier: ids of what was stable before, the last one last.
        canary: the step that began the canary which runs; None where none does.
        withdrawn: ids of policies that were rolled back, and serve nobody.
    """

    number: int = 0
    stable: str = CONFIGURED
    earlier: tuple[str, ...] = ()
    canary: Step | None = None
    withdrawn: frozenset[str] = frozenset()
    at: float = 0.0


def states(steps: Sequence[Step]) -> list[Deployed]:
    """What was deployed before any step of an audit log, and after each of them."""
    return list(accumulate(steps, _after, initial=Deployed()))


def deployed(steps: Sequence[Step]) -> Deployed:
    """What the steps of an audit log add up to."""
    return states(steps)[-1]


def _after(state: Deployed, step: Step) -> Deployed:
    number, at = step.number, step.at
    if step.action == "canary":
        return state._replace(number=number, canary=step, withdrawn=state.withdrawn - {step.policy}, at=at)
    if step.action == "rollback":
        gone = state.stable if state.canary is None else state.canary.policy
        earlier = state.earlier[:-1] if state.canary is None else state.earlier
        return Deployed(number, step.policy, earlier, None, (state.withdrawn | {gone}) - {step.policy}, at)
    withdrawn = state.withdrawn - {step.policy}
    return Deployed(number, step.policy, (*state.earlier, state.stable), None, withdrawn, at)


def canary_report(state: Deployed, decisions: Sequence[Decision], configured: RoutePolicy) -> CanaryReport | None:
    """What a log says of the canary; None where none runs.

    Args:
        decisions: those from before it began are passed over.
        configured: the policy that serves where none was deployed.
    """
    if state.canary is None:
        return None
    stable = configured.id if state.stable == CONFIGURED else state.stable
    comparison = CanaryComparison(stable, state.canary.policy, Guardrails.of(state.canary.settings))
    rows = [decision for decision in decisions if decision.created >= state.canary.at]
    comparison.add(news_of(comparison.policies, rows, enumerate(rows)))
    return comparison.report()


class Deployments:
    """The steps that a person, or a service, can take."""

    def __init__(self, audit: AuditLog):
        self.audit = audit

    def __repr__(self) -> str:
        return f"Deployments({self.audit!r})"

    def state(self) -> Deployed:
        """What is deployed now; StorageError where the store does not answer."""
        return deployed(self.audit.steps())

    def deploy(
        self, policy: RoutePolicy, who: str, why: str = "", share: float = 0.0, rails: Guardrails | None = None
    ) -> Step:
        """Make a policy the stable one, or with a `share` of the requests a canary beside it.

        Raises:
            InvalidRequestError: a canary runs, or the policy is the stable one.
            StorageError: the store does not answer.
        """
        state = self.state()
        if state.canary is not None:
            raise InvalidRequestError(f"the canary {state.canary.policy} runs", "promote it or roll it back before")
        if policy.id == state.stable:
            raise InvalidRequestError(f"{policy.id} is deployed already", "see `autopicker deployments`")
        if not 0 <= share < 1:
            raise InvalidRequestError(f"a canary cannot get {share:g} of the requests", "give a share such as 0.1")
        if not share:
            return self._take("deploy", policy.id, state, who, why, text=policy_text(policy))
        settings = asdict(rails or Guardrails())
        return self._take("canary", policy.id, state, who, why, share, settings, text=policy_text(policy))

    def promote(
        self, who: str, why: str = "", figures: Mapping[str, Any] | None = None, expected: int | None = None
    ) -> Step:
        """Make the canary the stable policy; InvalidRequestError where none runs.

        Args:
            expected: the number of the last step that the decision is about; InvalidRequestError after a later one.
        """
        state = self._expected(expected)
        if state.canary is None:
            raise InvalidRequestError("no canary runs", "begin one: autopicker deploy POLICY --canary 0.1")
        return self._take("promote", state.canary.policy, state, who, why, figures=figures)

    def roll_back(
        self, who: str, why: str = "", figures: Mapping[str, Any] | None = None, expected: int | None = None
    ) -> Step:
        """End the canary, or where none runs go back to what was stable before; `expected` as of `promote`.

        Raises:
            InvalidRequestError: nothing was deployed.
        """
        state = self._expected(expected)
        if state.canary is not None:
            return self._take("rollback", state.stable, state, who, why, figures=figures)
        if not state.earlier:
            raise InvalidRequestError("nothing was deployed that could be rolled back", "see `autopicker deployments`")
        return self._take("rollback", state.earlier[-1], state, who, why, figures=figures)

    def _expected(self, number: int | None) -> Deployed:
        state = self.state()
        if number not in (None, state.number):
            raise InvalidRequestError("another step was taken meanwhile", "look at `autopicker deployments`")
        return state

    def _take(
        self,
        action: str,
        policy: str,
        state: Deployed,
        who: str,
        why: str,
        share: float = 0.0,
        settings: Mapping[str, Any] | None = None,
        figures: Mapping[str, Any] | None = None,
        text: str = "",
    ) -> Step:
        step = Step(state.number + 1, time.time(), action, policy, who, why, share, settings or {}, figures or {})
        self.audit.add(step, text)
        return step
