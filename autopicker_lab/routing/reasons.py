"""Why a model was chosen, in words for people; nothing reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.routing.rule import prefer_unguarded
from autopicker_lab.routing.signals import told_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import CascadeStep, RoutePolicy
    from autopicker_lab.routing.rule import Option

NONE_CAN = "none of the policy's models can take the request; "


def reason_unfamiliar(policy: RoutePolicy, reason: str) -> str:
    """Of what the policy prefers on a question unlike all that was fitted."""
    return reason.removeprefix(NONE_CAN) if policy.unfamiliar == "default" else reason


def reason_of_cascade(step: CascadeStep) -> str:
    """When the second model is asked, too."""
    cascade = step.cascade
    return (
        f"{step.then} is asked, too, where by {told_as(cascade.signal)} of the answer it would add more than "
        f"{cascade.least_gain:.2f}"
    )


def reason_by_guard(policy: RoutePolicy, chosen: Option, known: Sequence[Option]) -> str:
    """Why the incumbent is kept where another model would be preferred without the guard; "" where none would."""
    guard = policy.guard
    if guard is None or chosen.name != guard.incumbent:
        return ""
    other = known[prefer_unguarded(policy, known)]
    if other is chosen:
        return ""
    if other.name not in guard.errors:
        return f"{chosen.id}, the incumbent, is kept: the outcomes do not show that leaving it for {other.id} pays"
    margin = guard.margin(other.name)
    lead = f"{other.id} is not worth {margin:.2f} more by estimate ({guard.z:g} errors)"
    return f"{chosen.id}, the incumbent, is kept: {lead}"


def reason_by_estimates(chosen: Option, known: Sequence[Option]) -> str:
    """Why estimates prefer a model among those that the policy knows."""
    quality = chosen.expected_quality
    if len(known) == 1:
        return f"{chosen.id}, estimated at {quality:.2f}, is the only model of the policy that can take it"
    best = max(known, key=lambda option: option.expected_quality)
    if best is chosen:
        return f"{chosen.id} has the best estimated quality, {quality:.2f}, and is worth its cost"
    lead = best.expected_quality - quality
    return f"{chosen.id} is estimated at {quality:.2f}; {best.id} would add {lead:.2f}, less than it costs"


def reason_by_tiers(chosen: Option, able: Sequence[Option], wanted: float, score: float) -> str:
    """Why tiers prefer a model for a request of this score."""
    beginning = f"score {score:.0f} wants quality {wanted:.2f}"
    enough = sum([option.quality >= wanted for option in able])
    if not enough:
        return f"{beginning}: no available model reaches it, {chosen.id} is best"
    if len(able) == 1:
        return f"{beginning}: {chosen.id} is the only model that can take it"
    return f"{beginning}: {chosen.id} is {'the cheapest' if enough > 1 else 'the only model'} that reaches it"
