"""What the loop does to the requests of a service: each gets its terms before it is routed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autopicker_lab.live.allowance import Allowance
from autopicker_lab.live.exploration import ExplorationPlan, Explorer
from autopicker_lab.live.signals import SignalWatch

if TYPE_CHECKING:
    from autopicker_lab.core import ChatRequest, Route
    from autopicker_lab.settings import Settings
    from autopicker_lab.storage import DecisionLog, Ledger


@dataclass(frozen=True, slots=True)
class RequestTerms:
    """What holds for one request; core's LiveTerms."""

    explorer: Explorer
    request_id: str
    begun: bool

    def explored(self, route: Route) -> Route:
        """The route with the model that the request draws."""
        return self.explorer.explored(route, self.request_id, begun=self.begun)


class LiveTraffic:
    """The loop's part in answering: nothing where nothing is on.

    Attributes:
        signals: what notices them; None without a decision log.
    """

    def __init__(self, settings: Settings, ledger: Ledger):
        self.signals = SignalWatch() if settings.decision_log is not None else None
        self._allowance = Allowance(ledger, "explore", settings.explore_usd)
        plan = ExplorationPlan(settings.explore_share, settings.explore_seed)
        self._explorer = Explorer(plan, self._allowance) if plan.share else None

    def with_terms(self, request: ChatRequest, request_id: str) -> ChatRequest:
        """The request with what the loop does to it."""
        if self._explorer is None:
            return request
        begun = any(message.role == "assistant" for message in request.messages)
        return replace(request, live=RequestTerms(self._explorer, request_id, begun))

    def open_accounts(self) -> None:
        """Ask the store what was spent today; to be called now and then, in a thread."""
        if self._explorer is not None:
            self._allowance.open()

    def write_signals(self, decisions: DecisionLog) -> None:
        """Keep the signals that were noticed; to be called now and then, in a thread."""
        if self.signals is not None:
            self.signals.write(decisions)
