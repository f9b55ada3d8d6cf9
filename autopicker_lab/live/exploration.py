"""Exploration: now and then another model than the policy prefers is asked, with probabilities that are known.

Who could have been drawn, and how probably, is computed before the draw and kept with the decision: that is what
estimates from logged traffic divide by (Horvitz and Thompson 1952; Dudík et al. 2011). The draw itself comes from a
hash of a seed and the request's id, so that anybody who has the log can check it (`drawn`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autopicker_lab.live.draws import number_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core import Route
    from autopicker_lab.live.allowance import Allowance

_LEAST_UNCERTAINTY = 0.1  # so that no model that can take a request is out of reach
_LEAST, _MOST = 0.25, 2.5  # of the share, at which one request is explored
_MEMORY = 0.02  # weight of a request in the usual uncertainty


@dataclass(frozen=True)
class ExplorationPlan:
    """How much is explored.

    Attributes:
        share: of the requests that can be, on average, 0 to 1.
        seed: of the draws.
    """

    share: float
    seed: int = 0


class Explorer:
    """Draws the model of a request: mostly the one that the policy prefers.

    A request is explored the more probably, the less certain it is what its models are good for: by the variance of a
    Bernoulli variable of the estimated quality. Never explored are requests whose caller named the model, cascades, and
    conversations under way. Only models that the router kept can be drawn: capability, window, cost limit, the policy's
    `local_only`, availability and the key's models hold for them, too.
    """

    def __init__(self, plan: ExplorationPlan, allowance: Allowance):
        self.plan = plan
        self._allowance = allowance
        self._usual: float | None = None

    def explored(self, route: Route, request_id: str, *, begun: bool = False) -> Route:
        """The route with its propensities, and with the model that was drawn.

        Args:
            begun: whether the request goes on with a conversation, so that the model is not drawn.
        """
        if route.named or route.cascade is not None:
            return route
        propensities = self._propensities(route, begun)
        model = drawn(propensities, self.plan.seed, request_id)
        if model == route.model:
            return route.with_propensities(propensities)
        others = (route.model, *(name for name in route.fallbacks if name != model))
        reason = f"explored (p = {propensities[model]:.3f}) in place of {route.model}: {route.reason}"
        explored = replace(
            route,
            model=model,
            fallbacks=others,
            reason=reason,
            promise={},
            propensities=propensities,
            explored_from=route.model,
        )
        self._allowance.spend(explored.estimated_cost_usd)
        return explored

    def _propensities(self, route: Route, begun: bool) -> Mapping[str, float]:
        left_usd, chosen = self._allowance.left(), route.model
        weights: dict[str, float] = {}
        together = able = 0.0
        for name, kept, _, quality, cost_usd in route.candidates:
            if kept:
                uncertainty = max(_LEAST_UNCERTAINTY, 4 * quality * (1 - quality))
                together, able = together + uncertainty, able + 1
                if name != chosen and cost_usd <= left_usd and not begun:
                    weights[name] = uncertainty
        if not weights:
            return {chosen: 1.0}
        rate = self._rate(together / able)
        scale = rate / sum(weights.values())
        propensities = {name: weight * scale for name, weight in weights.items()}
        propensities[chosen] = 1.0 - rate
        return propensities

    def _rate(self, uncertainty: float) -> float:
        """The probability that a request is explored: the share on average, more where less is certain."""
        self._usual = uncertainty if self._usual is None else self._usual + _MEMORY * (uncertainty - self._usual)
        return min(1.0, self.plan.share * min(max(uncertainty / self._usual, _LEAST), _MOST))


def drawn(propensities: Mapping[str, float], seed: int, request_id: str) -> str:
    """The model that a request draws: 64 bits of SHA-256 of "seed:request id", laid over the sums of the propensities.

    Args:
        propensities: by model, in the order of their names as they are laid; they add up to 1.
    """
    place = number_of(f"{seed}:{request_id}")
    names = sorted(propensities)
    for name in names:
        place -= propensities[name]
        if place < 0:
            return name
    return max(names, key=lambda name: propensities[name])  # the sum was rounded down
