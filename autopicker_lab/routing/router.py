"""The router: capability, context window, budget and availability decide who can; the policy's rule who should."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    Candidate,
    CascadeStep,
    Complexity,
    ContextLengthError,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    Route,
    RoutePolicy,
    UnknownModelError,
)
from autopicker_lab.routing.capabilities import abilities, attainable, missing_capability
from autopicker_lab.routing.earlier import held_to
from autopicker_lab.routing.reasons import (
    NONE_CAN,
    reason_by_estimates,
    reason_by_guard,
    reason_by_tiers,
    reason_of_cascade,
    reason_unfamiliar,
)
from autopicker_lab.routing.requirements import is_local, obstacle
from autopicker_lab.routing.rule import Option, cascade_pair, prefer
from autopicker_lab.routing.signals import FROM_LOGPROBS, judge_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from autopicker_lab.routing.requirements import Requirements

AUTO = "auto"


def choose(
    complexity: Complexity,
    specs: Sequence[ModelSpec],
    policy: RoutePolicy,
    requirements: Requirements,
    unavailable: Mapping[str, str] | None = None,
    question: str = "",
    earlier: Sequence[tuple[str, Complexity]] = (),
    task: str = "",
) -> Route:
    """Pick a model among those that can take the request, by the policy's rule (see routing.rule).

    Fallbacks follow from best to weakest.

    Args:
        unavailable: why, by id, for each model that would not answer now.
        question: the text that estimates are made from.
        task: that the caller says it is of, see RoutePolicy.by_task.
        earlier: questions of the same conversation; a model weaker than what one of them got is not gone back to.

    Raises:
        ModelUnavailableError: no model would answer.
        ContextLengthError: models would answer, but none can read so much.
    """
    down = unavailable or {}
    reachable = [spec for spec in specs if spec.id not in down] if down else specs
    wanted, warnings = attainable(requirements.wanted, reachable)
    if policy.estimator is not None:
        warnings += unknown_models(policy, specs)
    estimates = policy.estimates(question, complexity, task)
    if unfamiliar := policy.is_unfamiliar(question):
        estimates = {}
    figures: Figures = (complexity, policy, wanted, down, estimates)
    options = [_option(spec, requirements, *figures) for spec in specs]
    able = [option for option in options if not option.obstacle]
    if not able and requirements.needed:
        options, warnings = _with_unconfirmed(specs, requirements, figures, warnings)
        able = [option for option in options if not option.obstacle]
    if not able:
        raise _no_model(options, specs, reachable, requirements)
    score = policy.routing_score(complexity, estimates)
    decides = policy.estimator if estimates and not policy.by_tiers else None
    part = decides.part_read(question) if decides else ""
    floor = None
    if earlier:
        floor, able = held_to(earlier, able, policy, specs, task)
    chosen, reason = _preferred(policy, score, able)
    if part:
        reason = f"{reason}; {part} was read"
    if decides and (language := decides.own_language(question)):
        reason = f"{reason}; its language ({language}) has estimates of its own"
    if unfamiliar and not (policy.cascade is not None and policy.cascade.always):
        reason = f"the request is unlike all that the policy was fitted on: {reason_unfamiliar(policy, reason)}"
    if floor is not None and chosen.quality < floor.quality:
        stronger = [option for option in able if option.quality >= floor.quality]
        reason = f"an earlier question of this conversation went to {floor.id}, and it stays at that strength"
        chosen = stronger[prefer(policy, score, stronger).position]
    step = _cascade_step(policy, chosen, able) if policy.cascade is not None else None
    if step is not None and (why := requirements.unheld or no_signal(policy, chosen.id, specs, down)):
        chosen = next(option for option in able if option.id == step.then)
        reason, step = f"{chosen.id} is asked at once: {why}", None
    elif step is not None:
        reason = f"{reason}; {reason_of_cascade(step)}"
    others = sorted([option for option in able if option is not chosen], key=lambda option: -option.expected_quality)
    return Route(
        model=chosen.id,
        fallbacks=tuple([option.id for option in others]),
        candidates=tuple([_candidate(option) for option in options]),
        complexity=complexity,
        policy=policy.id,
        reason=reason,
        warnings=warnings,
        score=score,
        promise=_promise(policy, able) if policy.promise else {},
        cascade=step,
        unfamiliar=unfamiliar,
        part=part,
    )


def _cascade_step(policy: RoutePolicy, chosen: Option, able: Sequence[Option]) -> CascadeStep | None:
    """What follows on the chosen model's answer by the policy's cascade; None where that does not begin with it."""
    pair = _pair_of(policy, able)
    if policy.cascade is None or pair is None or able[pair[0]] is not chosen:
        return None
    then = able[pair[1]]
    return CascadeStep(policy.cascade, then.id, then.expected_quality - chosen.expected_quality)


def _pair_of(policy: RoutePolicy, able: Sequence[Option]) -> tuple[int, int] | None:
    return cascade_pair(policy, [option.name for option in able], [option.price_usd for option in able])


def no_signal(policy: RoutePolicy, model: str, specs: Sequence[ModelSpec], down: Mapping[str, str]) -> str:
    """Why answers of a model cannot have the signal of the policy's cascade; "" where they can."""
    if policy.cascade is None:
        return ""
    signal = policy.cascade.signal
    if judge := judge_of(signal):
        named = next((spec for spec in specs if judge in (spec.id, *spec.aliases, spec.model)), None)
        if named is None:
            return f"there is no '{judge}' to judge the answer of '{model}'"
        if named.id in down:
            return f"'{judge}', which judges the answer of '{model}', is not available"
        if policy.local_only and not is_local(named):
            return f"the policy keeps requests on this machine, and '{judge}', which judges them, is elsewhere"
        return ""
    spec = next(spec for spec in specs if spec.id == model)
    if signal not in FROM_LOGPROBS or "logprobs" not in spec.drop:
        return ""
    return f"the entry of '{model}' drops logprobs, so that its answers have no {signal}"


def _promise(policy: RoutePolicy, able: Sequence[Option]) -> Mapping[str, Any]:
    """The policy's promise where it covers the decision: between all models that it was tested on, by estimates."""
    if not policy.promise.get("feasible") or policy.estimator is None or policy.by_tiers:
        return {}
    covered = {option.name for option in able if option.estimate is not None} == set(policy.estimator.models)
    return policy.promise if covered else {}


def route_to_named_model(
    complexity: Complexity,
    spec: ModelSpec,
    policy: RoutePolicy,
    requirements: Requirements,
    unavailable: Mapping[str, str] | None = None,
) -> Route:
    """The route to a model that the caller named.

    There is nothing to choose, but the policy's budget and its privacy pin hold, and the request must fit. Raises as
    `choose`.
    """
    down = unavailable or {}
    if not spec.chats:
        detail = f"'{spec.id}' makes embeddings, and does not chat"
        raise InvalidRequestError(detail, "name another model, or 'auto'", param="model")
    wanted, warnings = attainable(requirements.wanted, [spec])
    figures: Figures = (complexity, policy, wanted, down, {})
    option = _option(spec, requirements, *figures)
    if option.obstacle and requirements.needed:
        [option], warnings = _with_unconfirmed([spec], requirements, figures, warnings)
    if option.obstacle:
        raise _no_model([option], [spec], [] if spec.id in down else [spec], requirements)
    return Route(
        model=spec.id,
        fallbacks=(),
        candidates=(_candidate(option),),
        complexity=complexity,
        policy="named",
        reason=f"{spec.id} was named by the caller",
        warnings=warnings,
        named=True,
        score=complexity.score,
    )


def permitted_models(specs: Sequence[ModelSpec], allowed: frozenset[str], named: str = AUTO) -> list[ModelSpec]:
    """The models that a caller may use; UnknownModelError where there is none among these.

    Args:
        named: the model that the caller named, for the error.
    """
    permitted = [spec for spec in specs if spec.id in allowed]
    if not permitted:
        raise UnknownModelError.not_allowed("" if named == AUTO else named, allowed)
    return permitted


def unknown_models(policy: RoutePolicy, specs: Iterable[ModelSpec]) -> tuple[str, ...]:
    """A warning where a policy has estimates of models that the catalogue does not name."""
    if policy.estimator is None:
        return ()
    known = {policy.name_of(spec) for spec in specs}
    unknown = ", ".join(name for name in policy.estimator.models if name not in known)
    return (f"the policy knows {unknown}, the catalogue does not: name it in AUTOPICKER_CONFIG",) if unknown else ()


Figures = tuple[Complexity, RoutePolicy, frozenset[str], "Mapping[str, str]", "Mapping[str, float]"]


def _with_unconfirmed(
    specs: Sequence[ModelSpec], requirements: Requirements, figures: Figures, warnings: tuple[str, ...]
) -> tuple[list[Option], tuple[str, ...]]:
    """The options where models count as able to do what their configuration leaves open, and a warning that says so."""
    needed = requirements.needed
    opened = [replace(spec, capabilities=spec.capabilities | spec.unconfirmed) for spec in specs]
    options = [_option(spec, requirements, *figures) for spec in opened]
    names = ", ".join(f"'{name}'" for name in sorted(needed))
    able = [option.id for option in options if not option.obstacle]
    if not able:
        return options, warnings
    told = f"{', '.join(able)}: the catalogue does not say that it can do {names}; it was asked all the same"
    return options, (*warnings, told)


def _option(
    spec: ModelSpec,
    requirements: Requirements,
    complexity: Complexity,
    policy: RoutePolicy,
    wanted: frozenset[str],
    down: Mapping[str, str],
    estimates: Mapping[str, float],
) -> Option:
    name = policy.name_of(spec)
    quality = policy.qualities.get(name, spec.quality)
    price_usd = requirements.price_usd(spec, complexity.tokens) if spec.price_in or spec.price_out else 0.0
    if spec.id in down:
        why = down[spec.id] or "not available"
    elif not spec.chats:
        why = "makes embeddings, and does not chat"
    else:
        why = obstacle(spec, policy, requirements, price_usd, wanted)
    return Option(name, quality, estimates.get(name), price_usd, spec.id, why)


def _candidate(option: Option) -> Candidate:
    _, quality, estimate, price_usd, name, why, _ = option
    return Candidate(name, not why, why or "can take the request", quality if estimate is None else estimate, price_usd)


def _preferred(policy: RoutePolicy, score: float, able: Sequence[Option]) -> tuple[Option, str]:
    """The option that the rule prefers, and why."""
    preference = prefer(policy, score, able)
    chosen = able[preference.position]
    if policy.cascade is not None and policy.cascade.always and _pair_of(policy, able) is not None:
        return chosen, f"{chosen.id} is asked first"
    if preference.wanted is not None:
        reason = reason_by_tiers(chosen, able, preference.wanted, score)
        no_estimates = policy.estimator is not None and not policy.by_tiers
        return chosen, f"{NONE_CAN}{reason}" if no_estimates else reason
    known = [option for option in able if option.estimate is not None]
    if not known:
        return chosen, f"{chosen.id}, the incumbent, is kept"
    reason = reason_by_guard(policy, chosen, known) or reason_by_estimates(chosen, known)
    unknown = ", ".join(option.id for option in able if option.estimate is None)
    return chosen, f"{reason}; the policy knows nothing of {unknown}" if unknown else reason


def _no_model(
    options: Sequence[Option], specs: Sequence[ModelSpec], reachable: Sequence[ModelSpec], requirements: Requirements
) -> Exception:
    if requirements.needed and not any(requirements.needed <= abilities(spec) | spec.unconfirmed for spec in specs):
        return missing_capability(specs, requirements.needed)
    why = "; ".join(f"{option.id}: {option.obstacle}" for option in options) or "the catalogue is empty"
    if reachable and not any(requirements.fit(spec) for spec in reachable):
        largest = max(spec.context_window for spec in reachable)
        tokens = requirements.tokens
        detail = f"the request has about {tokens:,} tokens, the largest context window available is {largest:,}"
        return ContextLengthError(detail, "shorten the conversation", param="messages")
    return ModelUnavailableError(f"no model can take the request ({why})", "see `autopicker doctor`")
