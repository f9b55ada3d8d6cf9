"""What serves now, and the step from it to another policy: compare first, then deploy."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.live.audit import open_audit
from autopicker_lab.live.deployments import CONFIGURED, Deployments
from autopicker_lab.routing import default_policy, load_policy
from autopicker_lab.routing.policies import parse_policy
from autopicker_lab.settings import Settings
from autopicker_lab.tuning.policy_diff import PolicyDiff, diff
from autopicker_lab.widgets.parts import PanelModel

if TYPE_CHECKING:
    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.live.audit import Step
    from autopicker_lab.tuning import OutcomeMatrix
    from autopicker_lab.workbench import Workbench


@dataclass
class ServingModel(PanelModel):
    """A policy beside the one that serves, without widgets.

    Attributes:
        lab: whose settings say where deployments are kept, and what serves where nothing was deployed; None: those of
            the environment.
        compared: the last comparison; None before the first.
        seen: id of the policy that was compared, which alone can be deployed.
    """

    lab: Workbench | None = None
    compared: PolicyDiff | None = None
    seen: str = ""

    def compare(self, policy: RoutePolicy, outcomes: OutcomeMatrix) -> None:
        """Compare a policy with the one that serves, on measured outcomes; a failure becomes `message`."""

        def work() -> None:
            self.compared = diff(self.serving(), policy, outcomes)
            self.seen = policy.id

        self.compared, self.seen = None, ""
        self.act(work)

    def deploy(self, policy: RoutePolicy, why: str = "", share: float = 0.0) -> None:
        """Deploy what was compared, to all requests or as a canary to a share; a failure becomes `message`."""

        steps: list[Step] = []

        def work() -> None:
            if policy.id != self.seen:
                raise InvalidRequestError("this setting was not compared with what serves", "compare it first")
            steps.append(self._deployments.deploy(policy, getpass.getuser(), why, share))

        self.act(work)
        for step in steps:
            self.message = f"step {step.number}: {step.action} {policy.id}; running services follow within a second"
            self.notify()

    def serving(self) -> RoutePolicy:
        """The policy that serves: what was deployed last, else what the settings name, else price and tier."""
        state = self._deployments.state()
        if state.stable != CONFIGURED:
            return parse_policy(self._deployments.audit.policy_text(state.stable), state.stable)
        if self.lab is not None:
            return self.lab.policy
        named = self._settings.autopicker_policy
        return load_policy(named) if named else default_policy()

    def to_html(self) -> str:
        """The comparison as text, or what went wrong."""
        words = f"<div role='status'>{escape(self.message)}</div>" if self.message else ""
        text = (
            ""
            if self.compared is None
            else f"<pre style='white-space:pre-wrap'>{escape(self.compared.to_text())}</pre>"
        )
        return words + text

    @property
    def _settings(self) -> Settings:
        return Settings.load() if self.lab is None else self.lab.settings

    @property
    def _deployments(self) -> Deployments:
        return Deployments(open_audit(self._settings))
