"""What shadow has shown: answers of two models to one request, and graders held against people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.live.sequences import Bounds, bounded_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.storage import Decision

SHADOW = "shadow-"  # before the id of the answer that left, in the id of the one that did not
_ALPHA = 0.05


class Paired(NamedTuple):
    """Two models on the same requests.

    Attributes:
        n: requests. lead: mean grade of `shadow` minus that of `served`, with the bounds of a confidence sequence.
    """

    served: str
    shadow: str
    n: int
    lead: Bounds


class Agreement(NamedTuple):
    """A grader held against people, on the answers that both have judged.

    Attributes:
        n: answers. same_side: share that both put above a half, or both not.
        bias: mean grade minus mean score of people, with the bounds of a confidence sequence (95 %).
        swapped: pairs that the grader saw in both orders.
        first_gains: what it gave more, of -1 to 1, to the answer that it was shown first, with such bounds.
        settled: share of these in which it said the same in both orders.
    """

    n: int
    same_side: float | None
    bias: Bounds
    swapped: int
    first_gains: Bounds
    settled: float | None


def agreement(decisions: Sequence[Decision]) -> Agreement:
    """How grades agree with feedback, where an answer has both, and with themselves where the order is swapped."""
    both = [(d.grade, d.score) for d in decisions if d.grade is not None and d.score is not None and not d.scored_by]
    same = [(grade > 0.5) == (score > 0.5) for grade, score in both]
    bias = _difference([grade - score for grade, score in both])
    gains = [d.first_gains for d in decisions if d.first_gains is not None]
    settled = sum(not gain for gain in gains) / len(gains) if gains else None
    return Agreement(len(both), sum(same) / len(same) if same else None, bias, len(gains), _difference(gains), settled)


def paired(decisions: Sequence[Decision]) -> list[Paired]:
    """What graded answers to the same requests say of each two models, most requests first.

    Grades are compared with grades; with scores, that people gave, only scores where one of the two has no grade.
    """
    kept = {d.chat_id: d for d in decisions}
    leads: dict[tuple[str, str], list[float]] = {}
    for decision in decisions:
        other = kept.get(decision.chat_id.removeprefix(SHADOW))
        if other is not None and other is not decision and (lead := _lead(decision, other)) is not None:
            leads.setdefault((other.model, decision.model), []).append(lead)
    found = [Paired(*names, len(differences), _difference(differences)) for names, differences in leads.items()]
    return sorted(found, key=lambda pair: -pair.n)


def _lead(shadow: Decision, served: Decision) -> float | None:
    """What an answer is better than another, -1 to 1; None where not both were judged alike."""
    if shadow.grade is not None and served.grade is not None:
        return shadow.grade - served.grade
    if shadow.score is not None and served.score is not None and not shadow.scored_by and not served.scored_by:
        return shadow.score - served.score
    return None


def _difference(differences: Sequence[float]) -> Bounds:
    """Bounds of the mean of differences of -1 to 1."""
    halves = bounded_mean([(1 + difference) / 2 for difference in differences], _ALPHA)
    return Bounds(*(2 * value - 1 for value in halves))
