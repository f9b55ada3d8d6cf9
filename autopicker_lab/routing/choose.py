"""The choice: capability, context window and availability decide who can; the policy decides who should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from autopicker_lab.core import (
    Candidate,
    Complexity,
    ContextLengthError,
    ModelSpec,
    ModelUnavailableError,
    Route,
    RoutePolicy,
)


@dataclass(frozen=True)
class Needs:
    """What a request asks of a model.

    Attributes:
        tokens: prompt tokens that cannot be left out (file context is fitted to the model and does not count).
        max_output: tokens the answer may take.
        wanted: capabilities that some models have; where none has them, the request is served without, and says so.
    """

    tokens: int
    max_output: int = 0
    wanted: frozenset[str] = field(default_factory=frozenset)


def choose(
    complexity: Complexity,
    specs: Sequence[ModelSpec],
    policy: RoutePolicy,
    needs: Needs,
    unavailable: Mapping[str, str] | None = None,
) -> Route:
    """Pick a model.

    Among the models that can take the request, the cheapest whose quality reaches what the policy wants at this
    score; where none reaches it, the best there is. Fallbacks follow from best to weakest.

    Args:
        unavailable: why, by id, for each model that would not answer now.

    Raises:
        ModelUnavailableError: no model would answer.
        ContextLengthError: models would answer, but none can read so much.
    """
    missing = unavailable or {}
    reachable = [spec for spec in specs if spec.id not in missing]
    wanted, warnings = _attainable(needs.wanted, reachable)
    candidates = [_candidate(spec, complexity, policy, needs, wanted, missing) for spec in specs]
    kept = {candidate.model for candidate in candidates if candidate.kept}
    able = [spec for spec in specs if spec.id in kept]
    if not able:
        raise _nobody(candidates, reachable, needs)
    goal = policy.wanted_quality(complexity.score)
    enough = [spec for spec in able if policy.quality(spec) >= goal]
    if enough:
        best = min(enough, key=lambda spec: (_cost(spec, complexity, needs), policy.quality(spec)))
        how = "the cheapest" if len(enough) > 1 else "the only model"
        reason = f"score {complexity.score:.0f} wants quality {goal:.2f}: {best.id} is {how} that reaches it"
    else:
        best = max(able, key=policy.quality)
        reason = (
            f"score {complexity.score:.0f} wants quality {goal:.2f}: no available model reaches it, {best.id} is best"
        )
    others = sorted((s for s in able if s.id != best.id), key=lambda s: -policy.quality(s))
    return Route(
        model=best.id,
        fallbacks=tuple(spec.id for spec in others),
        candidates=tuple(candidates),
        complexity=complexity,
        policy=policy.id,
        reason=reason,
        warnings=warnings,
    )


def _candidate(
    spec: ModelSpec,
    complexity: Complexity,
    policy: RoutePolicy,
    needs: Needs,
    wanted: frozenset[str],
    missing: Mapping[str, str],
) -> Candidate:
    lacking = wanted - spec.capabilities
    if spec.id in missing:
        why = missing[spec.id]
    elif policy.local_only and not is_local(spec):
        why = "the policy keeps requests on this machine"
    elif lacking:
        why = f"cannot do {', '.join(sorted(lacking))}"
    elif not _fits(spec, needs):
        why = f"needs {needs.tokens + needs.max_output:,} tokens, its context window has {spec.context_window:,}"
    else:
        return Candidate(spec.id, True, "can take the request", policy.quality(spec), _cost(spec, complexity, needs))
    return Candidate(spec.id, False, why, policy.quality(spec), _cost(spec, complexity, needs))


def _fits(spec: ModelSpec, needs: Needs) -> bool:
    return needs.tokens + max(needs.max_output, 1) <= spec.context_window


def _cost(spec: ModelSpec, complexity: Complexity, needs: Needs) -> float:
    return spec.cost_usd(min(complexity.tokens, spec.context_window), needs.max_output or 300)


def _attainable(wanted: frozenset[str], specs: Iterable[ModelSpec]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The wanted capabilities that some model has, and a warning for each that none has."""
    had = frozenset().union(*(spec.capabilities for spec in specs))
    lost = sorted(wanted - had)
    return wanted & had, tuple(f"no available model can do '{name}': served without" for name in lost)


def is_local(spec: ModelSpec) -> bool:
    """Whether requests to a model stay on this machine."""
    if spec.provider == "local":
        return True
    host = urlsplit(spec.endpoint).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _nobody(candidates: Sequence[Candidate], reachable: Sequence[ModelSpec], needs: Needs) -> Exception:
    why = "; ".join(f"{candidate.model}: {candidate.why}" for candidate in candidates) or "the catalogue is empty"
    if reachable and not any(_fits(spec, needs) for spec in reachable):
        largest = max(spec.context_window for spec in reachable)
        detail = f"the request has about {needs.tokens:,} tokens, the largest context window available is {largest:,}"
        return ContextLengthError(detail, "shorten the conversation", param="messages")
    return ModelUnavailableError(f"no model can take the request ({why})", "see `autopicker doctor`")
