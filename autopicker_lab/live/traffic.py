"""What the loop does to the requests of a service: each gets its terms before it is routed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from autopicker_lab.live.allowance import Allowance
from autopicker_lab.live.audit import open_audit
from autopicker_lab.live.conversations import Conversations, conversation_of, is_begun
from autopicker_lab.live.deployments import Deployments
from autopicker_lab.live.exploration import ExplorationPlan, Explorer
from autopicker_lab.live.grading import ShadowGrader
from autopicker_lab.live.rollout import DeploymentChange, Rollout
from autopicker_lab.live.shadow import Shadow, ShadowPlan
from autopicker_lab.live.signals import SignalWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.chat.pipeline import Pipeline
    from autopicker_lab.core import AutopickerError, ChatRequest, Route, RoutePolicy
    from autopicker_lab.settings import Settings
    from autopicker_lab.storage import DecisionLog, Ledger


class RequestTerms:
    """What holds for one request; core's LiveTerms.

    Attributes:
        policy: that decides on it, whatever is deployed until it has been answered.
        propensities: the probabilities with which its models could have been drawn, as JSON; None where nothing was.
    """

    __slots__ = ("_begun", "_explorer", "_request_id", "policy", "propensities")

    def __init__(
        self, policy: RoutePolicy | None, explorer: Explorer | None = None, request_id: str = "", begun: bool = False
    ):
        self.policy = policy
        self.propensities: str | None = None
        self._explorer = explorer
        self._request_id = request_id
        self._begun = begun

    def explored(self, route: Route) -> Route:
        """The route to the model that the request draws."""
        if self._explorer is not None:
            route, self.propensities = self._explorer.explored(route, self._request_id, begun=self._begun)
        return route


class LiveTraffic:
    """The loop's part in answering: nothing where nothing is on.

    Attributes:
        rollout: what is deployed.
        signals: what notices them; None without a decision log.
        shadow: what asks other models afterwards; None where nothing does.
    """

    def __init__(self, settings: Settings, ledger: Ledger, pipeline: Pipeline, running: Callable[[], int]):
        self._pipeline = pipeline
        self._shadow_usd = Allowance(ledger, "shadow", settings.shadow_usd)
        self.shadow = self._made_shadow(settings, running) if settings.shadow_share else None
        self.signals = SignalWatch() if settings.decision_log is not None else None
        self._allowance = Allowance(ledger, "explore", settings.explore_usd)
        plan = ExplorationPlan(settings.explore_share, settings.explore_seed)
        self._explorer = Explorer(plan, self._allowance) if plan.share else None
        deployments = Deployments(open_audit(settings))
        self.rollout = Rollout(pipeline.policy, deployments, Conversations(settings), self._check)
        self._stable_terms = RequestTerms(pipeline.policy)
        self._keeping = threading.Lock()
        self._closed = False

    def _check(self, policy: RoutePolicy) -> None:
        if policy.cascade is not None:
            self._pipeline.checks.refuse_what_cannot_run(policy.cascade.signal)

    def _made_shadow(self, settings: Settings, running: Callable[[], int]) -> Shadow:
        catalogue, folder = self._pipeline.catalogue, settings.autopicker_checks
        name = settings.shadow_grader
        grader = ShadowGrader(name, catalogue, self._shadow_usd, folder) if name else None
        plan = ShadowPlan(settings.shadow_share, settings.shadow_model, settings.explore_seed)
        return Shadow(plan, self._pipeline, self._shadow_usd, grader, running)

    def must_stay(self, request: ChatRequest, route: Route) -> bool:
        """Whether the policy that decided on a request keeps it on this machine, or is not the one that serves now."""
        policy = self._pipeline.policy_of(request)
        return policy.local_only or policy.id != route.policy

    @property
    def active(self) -> bool:
        """Whether requests get terms."""
        return self._explorer is not None or self.rollout.active

    def give_terms(self, request: ChatRequest, request_id: str, caller: str) -> bool:
        """Do to a request what the loop does; whether that could be told, else see `give_recalled_terms`."""
        policy, rollout = None, self.rollout
        begun = is_begun(request)
        if rollout.active:
            conversation = conversation_of(request, caller)
            if not begun:
                policy = rollout.policy_of_new(conversation)
            elif (began_in := rollout.began_in(conversation)) is not None:
                policy = rollout.policy_in(began_in, conversation)
            else:
                return False
        self._give(request, policy, request_id, begun)
        return True

    async def give_recalled_terms(self, request: ChatRequest, request_id: str, caller: str) -> None:
        """The same for a conversation that began elsewhere, or is forgotten here: the store is asked, off the loop."""
        policy = await self.rollout.policy_for(request, caller, begun=True)
        self._give(request, policy, request_id, begun=True)

    def _give(self, request: ChatRequest, policy: RoutePolicy | None, request_id: str, begun: bool) -> None:
        """Fix the policy that decides, so that one which is deployed meanwhile does not; None: the stable one."""
        stable = self._pipeline.policy
        if self._explorer is not None:
            request.take_live(RequestTerms(policy or stable, self._explorer, request_id, begun))
        elif policy is not None:
            request.take_live(RequestTerms(policy))
        else:  # most requests, whose terms are the same
            if self._stable_terms.policy is not stable:
                self._stable_terms = RequestTerms(stable)
            request.take_live(self._stable_terms)

    def failed(self, request: ChatRequest, error: AutopickerError) -> None:
        """A request was answered with an error; one of the service or of a model counts against its policy."""
        if self.rollout.active and error.status >= 500:
            self.rollout.ended(self._pipeline.policy_of(request).id, failed=True)

    def open_accounts(self) -> None:
        """Ask the store what was spent today; to be called now and then, in a thread."""
        if self._explorer is not None:
            self._allowance.open()
        if self.shadow is not None:
            self._shadow_usd.open()

    def keep(self, decisions: DecisionLog) -> DeploymentChange | None:
        """Keep in step with the stores, and see to a canary; to be called now and then, in a thread.

        Returns:
            What has changed of what is deployed, for the rollout to take.
        """
        with self._keeping:
            if self._closed:
                return None
            change = self.rollout.follow()
            if change is None:
                self.rollout.look(decisions)
            if self.signals is not None:
                self.signals.write(decisions)
            return change

    def close(self, decisions: DecisionLog) -> None:
        """Write what waits; when this returns, nothing is read any more, whichever thread was about to."""
        with self._keeping:
            self._closed = True
            try:
                if self.signals is not None:
                    self.signals.write(decisions)
            finally:
                self.rollout.close()
