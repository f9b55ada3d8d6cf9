"""Exploration: now and then another model than the policy prefers is asked, with probabilities that are known.

Who could have been drawn, and how probably, is computed before the draw and kept with the decision: that is what
estimates from logged traffic divide by (Horvitz and Thompson 1952; Dudík et al. 2011). The draw itself comes from a
hash of a seed and the request's id, so that anybody who has the log can check it (`drawn`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core.values import altered
from autopicker_lab.live.draws import number_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import Route
    from autopicker_lab.live.allowance import Allowance

_LEAST_UNCERTAINTY = 0.1  # so that no model that can take a request is out of reach
_LEAST, _MOST = 0.25, 2.5  # of the share, at which one request is explored
_MEMORY = 0.02  # weight of a request in the usual uncertainty
_LIKE = 0.01  # relative change of it, up to which a request is drawn as those before it
_ROUNDING = 1e-9
_KNOWN = 1000  # ways to draw that are kept


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
        self._prefix = f"{plan.seed}:"
        self._allowance = allowance
        self._usual = 0.0  # uncertainty; 0: of no request yet
        self._lots: dict[Any, _Lots] = {}  # most requests are between the same models, which are worth the same

    def explored(self, route: Route, request_id: str, *, begun: bool = False) -> tuple[Route, str | None]:
        """The route to the model that was drawn, and the propensities as JSON; None where nothing was drawn.

        Args:
            begun: whether the request goes on with a conversation, so that the model is not drawn.
        """
        if route.named or route.cascade is not None:
            return route, None
        left_usd = self._allowance.left_usd
        known = [route.model, begun]
        for name, kept, _, quality, usd in route.candidates:
            if kept:
                known += name, quality, usd <= left_usd
        key = tuple(known)
        lots = self._lots.get(key)
        if lots is not None:  # this one counts among the usual
            self._usual = usual = self._usual + _MEMORY * (lots.uncertainty - self._usual)
        if lots is None or not -_LIKE <= usual / lots.usual - 1 <= _LIKE:
            lots = self._lots_of(key, lots)
        if not lots.laid:
            return route, lots.text
        place = number_of(self._prefix + request_id)
        if lots.low <= place < lots.high or (model := _drawn(lots.laid, place)) == route.model:
            return route, lots.text
        return self._to(model, route, lots), lots.text

    def _to(self, model: str, route: Route, lots: _Lots) -> Route:
        """The route to another model than the policy prefers."""
        others = (route.model, *[name for name in route.fallbacks if name != model])
        reason = f"explored (p = {lots.propensities[model]:.3f}) in place of {route.model}: {route.reason}"
        explored = altered(route, model=model, fallbacks=others, reason=reason, promise={}, explored_from=route.model)
        self._allowance.spend(explored.estimated_cost_usd)
        return explored

    def _lots_of(self, key: tuple[Any, ...], earlier: _Lots | None) -> _Lots:
        """How a request is drawn; those after it of the same models and estimates are drawn alike."""
        chosen, begun, *figures = key
        known = zip(figures[::3], figures[1::3], figures[2::3], strict=True)
        uncertain = [(name, max(_LEAST_UNCERTAINTY, 4 * q * (1 - q)), within) for name, q, within in known]
        uncertainty = sum([each for _, each, _ in uncertain]) / len(uncertain)
        if earlier is None:
            self._usual += (_MEMORY if self._usual else 1.0) * (uncertainty - self._usual)
        weights = {name: each for name, each, within in uncertain if within and name != chosen and not begun}
        if len(self._lots) >= _KNOWN:
            self._lots.clear()
        propensities = self._propensities(chosen, weights, uncertainty / self._usual)
        lots = self._lots[key] = _Lots(propensities, chosen, uncertainty, self._usual)
        return lots

    def _propensities(self, chosen: str, weights: Mapping[str, float], times: float) -> dict[str, float]:
        """The probability of each model; a request is explored with the share on average, more where less is certain.

        Args:
            weights: of the models that may be drawn in place of the chosen one. times: the uncertainty, of the usual.
        """
        if not weights:
            return {chosen: 1.0}
        rate = min(1.0, self.plan.share * min(max(times, _LEAST), _MOST))
        scale = rate / sum(weights.values())
        return {**{name: weight * scale for name, weight in weights.items()}, chosen: 1.0 - rate}


class _Lots:
    """How the model of a request is drawn.

    Attributes:
        text: of the propensities, as JSON.
        laid: models and their probabilities in the order in which they are laid; empty where there is but one.
        low, high: numbers between which the chosen model is drawn for sure, whatever is lost in rounding.
        uncertainty: mean of its models; usual: that of requests then.
    """

    __slots__ = ("high", "laid", "low", "propensities", "text", "uncertainty", "usual")

    def __init__(self, propensities: dict[str, float], chosen: str, uncertainty: float, usual: float):
        self.propensities = propensities
        self.text = orjson.dumps(propensities).decode()
        self.laid = sorted(propensities.items()) if len(propensities) > 1 else []
        before = sum([probability for name, probability in self.laid if name < chosen])
        self.low, self.high = before + _ROUNDING, before + propensities[chosen] - _ROUNDING
        self.uncertainty = uncertainty
        self.usual = usual


def drawn(propensities: Mapping[str, float], seed: int, request_id: str) -> str:
    """The model that a request draws: 64 bits of SHA-256 of "seed:request id", laid over the sums of the propensities.

    Args:
        propensities: by model, in the order of their names as they are laid; they add up to 1.
    """
    return _drawn(sorted(propensities.items()), number_of(f"{seed}:{request_id}"))


def _drawn(laid: Sequence[tuple[str, float]], place: float) -> str:
    for name, probability in laid:
        place -= probability
        if place < 0:
            return name
    return max(laid, key=lambda lot: lot[1])[0]  # the sum was rounded down
