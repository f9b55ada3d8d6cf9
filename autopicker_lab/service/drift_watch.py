"""The watch over live requests: whether they still are those that the policy was fitted on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from autopicker_lab.tuning.departing_keys import DepartingKey, departing_keys
from autopicker_lab.tuning.drift import Drift, DriftState, after_drift, measure_drift

if TYPE_CHECKING:
    from autopicker_lab.chat.pipeline import Pipeline
    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.storage.decision import DecisionLog

EVERY_S = 60.0
log = logging.getLogger(__name__)


class DriftWatch:
    """Measures drift now and then, and has the pipeline route by what the policy wants done about it.

    A policy that has given way stays so until the service starts again: requests that it does not route say nothing
    about it.
    """

    def __init__(self, pipeline: Pipeline, decisions: DecisionLog):
        self._pipeline = pipeline
        self._decisions = decisions
        self._policy = pipeline.policy  # as it was fitted

    def measure(self) -> Drift:
        """How far the requests that the policy routed last have drifted; reads the decision log."""
        name, log = self._policy.id, self._decisions
        return measure_drift(self._policy, log.routing_scores(name), log.routing_features(name))

    def departing_keys(self) -> tuple[DepartingKey, ...]:
        """API keys whose requests rank otherwise than the others'; reads the decision log."""
        return departing_keys(self._decisions.scores_by_key(self._policy.id))

    async def run(self, every_s: float = EVERY_S) -> None:
        """Measure again and again until it is cancelled."""
        while True:
            if self._policy.shares:
                await self.look()
            await asyncio.sleep(every_s)

    def follow(self, policy: RoutePolicy) -> None:
        """Have another policy decide from now on, and watch that."""
        self._policy = self._pipeline.policy = policy

    async def look(self) -> None:
        """Measure once, and act on it."""
        try:
            drift = await asyncio.to_thread(self.measure)
        except Exception as error:  # whatever the log raises: it may be back the next time
            log.warning("drift could not be measured: %s", type(error).__name__)
            return
        if drift.state is DriftState.CHANGED and self._pipeline.policy is self._policy:
            log.warning("policy %s: %s", self._policy.id, drift.verdict)
            self._pipeline.policy = after_drift(self._policy, drift)
