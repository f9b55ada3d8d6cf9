"""The choice: capability, context window, budget and availability decide who can; the policy decides who should."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from autopicker_lab.core import (
    Candidate,
    Complexity,
    ContextLengthError,
    ModelSpec,
    ModelUnavailableError,
    Route,
    RoutePolicy,
    UnknownModelError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

AUTO = "auto"
ANSWER_TOKENS = 300  # tokens that an answer of unknown length is taken to have


def permitted(specs: Sequence[ModelSpec], allowed: frozenset[str], asked: str = AUTO) -> list[ModelSpec]:
    """The models that a caller may use; UnknownModelError where there is none among these, of which one was `asked`."""
    found = [spec for spec in specs if spec.id in allowed]
    if not found:
        what = "any model here" if asked in ("", AUTO) else f"the model '{asked}'"
        raise UnknownModelError(
            f"this key may not use {what}", f"it may use: {', '.join(sorted(allowed))}", param="model"
        )
    return found


class Requirements(NamedTuple):
    """What a request asks of a model.

    Attributes:
        tokens: prompt tokens that cannot be left out (file context is fitted to the model and does not count).
        max_output: tokens that the answer must have room for.
        wanted: capabilities that some models have; where none has them, the request is served without, and says so.
        answer: tokens that the caller lets the answer have; None: 300 are taken for its cost.
    """

    tokens: int
    max_output: int = 0
    wanted: frozenset[str] = frozenset()
    answer: int | None = None

    def cost_usd(self, spec: ModelSpec, tokens: int) -> float:
        """What a request of so many tokens may cost: all that its caller lets the model write."""
        written = min(ANSWER_TOKENS if self.answer is None else self.answer, spec.max_output)
        return spec.cost_usd(min(tokens, spec.context_window), written)


class _Option(NamedTuple):
    """A model as the policy sees it for one request; `barred` says why it cannot take it."""

    id: str
    name: str
    mean: float
    estimate: float | None
    cost_usd: float
    barred: str

    @property
    def quality(self) -> float:
        return self.mean if self.estimate is None else self.estimate


class _Picked(NamedTuple):
    """An option, and why the policy prefers it."""

    option: _Option
    reason: str


def choose(
    complexity: Complexity,
    specs: Sequence[ModelSpec],
    policy: RoutePolicy,
    needs: Requirements,
    unavailable: Mapping[str, str] | None = None,
    *,
    question: str = "",
    earlier: Sequence[tuple[str, Complexity]] = (),
) -> Route:
    """Pick a model among those that can take the request.

    By tiers: the cheapest whose mean quality reaches what the policy wants at this score; where none reaches it, the
    best there is. By estimates: the greatest estimated quality minus the cost weight times the cost. Fallbacks follow
    from best to weakest.

    Args:
        unavailable: why, by id, for each model that would not answer now.
        question: the text that estimates are made from.
        earlier: questions of the same conversation; a model weaker than what one of them got is not gone back to.

    Raises:
        ModelUnavailableError: no model would answer.
        ContextLengthError: models would answer, but none can read so much.
    """
    missing = unavailable or {}
    reachable = [spec for spec in specs if spec.id not in missing] if missing else specs
    wanted, warnings = _attainable(needs.wanted, reachable)
    if policy.estimator is not None:
        warnings += unknown_models(policy, specs)
    estimates = policy.estimates(question, complexity)
    options = [_option(spec, complexity, policy, needs, wanted, missing, estimates) for spec in specs]
    able = [option for option in options if not option.barred]
    if not able:
        raise _nobody(options, reachable, needs)
    score = policy.routing_score(complexity, estimates)
    picked = _prefer(score, able, policy)
    floor = _floor(earlier, able, policy) if earlier else None
    if floor is not None and picked.option.mean < floor.mean:
        stronger = [option for option in able if option.mean >= floor.mean]
        reason = f"an earlier question of this conversation went to {floor.id}, and it stays at that strength"
        picked = _Picked(_prefer(score, stronger, policy).option, reason)
    others = sorted([o for o in able if o is not picked.option], key=lambda o: -o.quality)
    return Route(
        model=picked.option.id,
        fallbacks=tuple([option.id for option in others]),
        candidates=tuple(
            [Candidate(o.id, not o.barred, o.barred or "can take the request", o.quality, o.cost_usd) for o in options]
        ),
        complexity=complexity,
        policy=policy.id,
        reason=picked.reason,
        warnings=warnings,
        score=score,
    )


def named(
    complexity: Complexity,
    spec: ModelSpec,
    policy: RoutePolicy,
    needs: Requirements,
    unavailable: Mapping[str, str] | None = None,
) -> Route:
    """The route to a model that the caller named: there is nothing to choose, but the policy's budget and its privacy
    pin hold, and the request must fit. Raises as `choose`."""
    missing = unavailable or {}
    wanted, warnings = _attainable(needs.wanted, [spec])
    option = _option(spec, complexity, policy, needs, wanted, missing, {})
    if option.barred:
        raise _nobody([option], [] if spec.id in missing else [spec], needs)
    return Route(
        model=spec.id,
        fallbacks=(),
        candidates=(Candidate(spec.id, True, "can take the request", option.mean, option.cost_usd),),
        complexity=complexity,
        policy="named",
        reason=f"{spec.id} was named by the caller",
        warnings=warnings,
        named=True,
        score=complexity.score,
    )


def _option(
    spec: ModelSpec,
    complexity: Complexity,
    policy: RoutePolicy,
    needs: Requirements,
    wanted: frozenset[str],
    missing: Mapping[str, str],
    estimates: Mapping[str, float],
) -> _Option:
    name = policy.name_of(spec)
    mean = policy.qualities.get(name, spec.quality)
    cost = needs.cost_usd(spec, complexity.tokens) if spec.price_in or spec.price_out else 0.0
    barred = _barred(spec, policy, needs, wanted, missing, cost)
    return _Option(spec.id, name, mean, estimates.get(name), cost, barred)


def _floor(earlier: Sequence[tuple[str, Complexity]], able: Sequence[_Option], policy: RoutePolicy) -> _Option | None:
    """The model that the last of the earlier questions would get now, each being held to what the one before got."""
    floor: _Option | None = None
    for question, complexity in earlier:
        estimates = policy.estimates(question, complexity)
        allowed = [o._replace(estimate=estimates.get(o.name)) for o in able if floor is None or o.mean >= floor.mean]
        floor = _prefer(policy.routing_score(complexity, estimates), allowed, policy).option
    return floor


def _prefer(score: float, able: Sequence[_Option], policy: RoutePolicy) -> _Picked:
    if policy.by_tiers:
        return _by_tiers(score, able, policy)
    known = [option for option in able if option.estimate is not None]
    if known:
        picked = _by_estimates(known, policy)
        unknown = ", ".join(option.id for option in able if option.estimate is None)
        return picked._replace(reason=f"{picked.reason}; the policy knows nothing of {unknown}") if unknown else picked
    picked = _by_tiers(score, able, policy)
    if policy.estimator is not None:
        return _Picked(picked.option, f"none of the policy's models can take the request; {picked.reason}")
    return picked


def _by_estimates(known: Sequence[_Option], policy: RoutePolicy) -> _Picked:
    costs = [policy.costs.get(option.name, 0.0) for option in known]
    worth = [o.quality - policy.cost_weight * cost for o, cost in zip(known, costs, strict=True)]
    i = max(range(len(known)), key=lambda k: (worth[k], -costs[k]))
    best, top = known[i], max(known, key=lambda option: option.quality)
    if len(known) == 1:
        return _Picked(
            best, f"{best.id}, estimated at {best.quality:.2f}, is the only model of the policy that can take it"
        )
    if top is best:
        return _Picked(best, f"{best.id} has the best estimated quality, {best.quality:.2f}, and is worth its cost")
    lead = top.quality - best.quality
    return _Picked(
        best, f"{best.id} is estimated at {best.quality:.2f}; {top.id} would add {lead:.2f}, less than it costs"
    )


def _by_tiers(score: float, able: Sequence[_Option], policy: RoutePolicy) -> _Picked:
    goal = policy.wanted_quality(score)
    says = f"score {score:.0f} wants quality {goal:.2f}"
    enough = [option for option in able if option.mean >= goal]
    if not enough:
        best = max(able, key=lambda option: option.mean)
        return _Picked(best, f"{says}: no available model reaches it, {best.id} is best")
    best = min(enough, key=lambda option: (option.cost_usd, option.mean))
    if len(able) == 1:
        return _Picked(best, f"{says}: {best.id} is the only model that can take it")
    how = "the cheapest" if len(enough) > 1 else "the only model"
    return _Picked(best, f"{says}: {best.id} is {how} that reaches it")


def _barred(
    spec: ModelSpec,
    policy: RoutePolicy,
    needs: Requirements,
    wanted: frozenset[str],
    missing: Mapping[str, str],
    cost: float,
) -> str:
    """Why a model cannot take the request; "" where it can."""
    lacking = wanted and wanted - spec.capabilities
    if spec.id in missing:
        return missing[spec.id] or "not available"
    if policy.local_only and not is_local(spec):
        return "the policy keeps requests on this machine"
    if lacking:
        return f"cannot do {', '.join(sorted(lacking))}"
    if not _fits(spec, needs):
        return f"needs {needs.tokens + needs.max_output:,} tokens, its context window has {spec.context_window:,}"
    if policy.max_cost_usd is not None and cost > policy.max_cost_usd:
        return f"would cost about {cost:.4f} USD, the policy allows {policy.max_cost_usd:g}"
    return ""


def _fits(spec: ModelSpec, needs: Requirements) -> bool:
    return needs.tokens + max(needs.max_output, 1) <= spec.context_window


def _attainable(wanted: frozenset[str], specs: Iterable[ModelSpec]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The wanted capabilities that some model has, and a warning for each that none has."""
    if not wanted:
        return wanted, ()
    had = frozenset().union(*(spec.capabilities for spec in specs))
    lost = sorted(wanted - had)
    return wanted & had, tuple(f"no available model can do '{name}': served without" for name in lost)


def unknown_models(policy: RoutePolicy, specs: Iterable[ModelSpec]) -> tuple[str, ...]:
    """A warning where a policy has estimates of models that the catalogue does not name."""
    if policy.estimator is None:
        return ()
    known = {policy.name_of(spec) for spec in specs}
    lost = ", ".join(name for name in policy.estimator.models if name not in known)
    return (f"the policy knows {lost}, the catalogue does not: name it in AUTOPICKER_CONFIG",) if lost else ()


def is_local(spec: ModelSpec) -> bool:
    """Whether requests to a model stay on this machine."""
    if spec.provider == "local":
        return True
    if spec.model.endswith(("-cloud", ":cloud")):  # Ollama hands these on to its makers
        return False
    host = urlsplit(spec.endpoint).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _nobody(options: Sequence[_Option], reachable: Sequence[ModelSpec], needs: Requirements) -> Exception:
    why = "; ".join(f"{option.id}: {option.barred}" for option in options) or "the catalogue is empty"
    if reachable and not any(_fits(spec, needs) for spec in reachable):
        largest = max(spec.context_window for spec in reachable)
        detail = f"the request has about {needs.tokens:,} tokens, the largest context window available is {largest:,}"
        return ContextLengthError(detail, "shorten the conversation", param="messages")
    return ModelUnavailableError(f"no model can take the request ({why})", "see `autopicker doctor`")
