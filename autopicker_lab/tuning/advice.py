"""What to do after a tuning run, in words: the next step, the loss counted two ways, what would settle a doubt."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.verdict import Finding, in_points, signed_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from autopicker_lab.tuning.promise import Promise
    from autopicker_lab.tuning.verdict import Verdict

_DOUBTS = {"pays": "whether routing pays", "allowance": "whether the loss keeps the allowance"}


@dataclass(frozen=True)
class Losses:
    """What mean score loses against the model that routing is held against, counted two ways.

    Attributes:
        these: on prompts like these: by the setting that was chosen on all of them. new: on new kinds of prompt: each
            fold by the setting that the others chose. `these_bound`, `new_bound`: of these, one-sided, upper.
        within: the allowance that this was chosen by.
        enough: the least allowance tried at which routing pays and keeps it on new kinds of prompt, too; None: none.
    """

    these: float
    these_bound: float
    new: float
    new_bound: float
    within: float
    enough: float | None

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        would_do = (
            "no allowance that was tried would do" if self.enough is None else f"--within {self.enough:g} would do"
        )
        return (
            f"Quality against the best single model: on prompts like these {signed_points(-self.these)} points, "
            f"at worst {signed_points(-self.these_bound)}; on new kinds of prompt {signed_points(-self.new)}, "
            f"at worst {signed_points(-self.new_bound)}. "
            f"Allowed to be lost: {in_points(self.within)} (--within {self.within:g}); "
            f"{would_do}."
        )


def next_steps(
    verdict: Verdict, needed: Mapping[str, int | None], losses: Losses | None, promise: Promise | None, n: int
) -> list[str]:
    """What to do, a sentence a line, the first step first.

    Args:
        needed: prompts in all that would settle each doubt; None where no number would.
        losses: where the allowance is missed, or nothing is saved within it. n: prompts there are.
    """
    first = _first_step(verdict, promise)
    return [f"Next: {first}", *([] if losses is None else [str(losses)]), *_settling(needed, n)]


def _first_step(verdict: Verdict, promise: Promise | None) -> str:
    if verdict.finding in (Finding.SCORE_RANKS, Finding.SCORE_DOES_NOT_RANK):
        return "learn a policy from these outcomes (autopicker tune OUTCOMES --out policy.json)."
    if verdict.finding is Finding.MODELS_EQUAL:
        return f"ask {verdict.keep} for everything; collect outcomes of a model that is better, or cheaper."
    if not verdict.pays:
        return f"ask {verdict.keep} for everything, until more outcomes, or other models, show that routing pays."
    if promise is not None and not promise.feasible:
        return "collect more outcomes, or promise less; nothing is saved without --anyway."
    if promise is None and verdict.allowance_met is False:
        return "allow a greater loss, or collect more outcomes; nothing is saved without --anyway."
    return "save it (--out policy.json) and serve it (AUTOPICKER_POLICY=policy.json autopicker serve)."


def _settling(needed: Mapping[str, int | None], n: int) -> Iterator[str]:
    for doubt, wanted in needed.items():
        about = _DOUBTS.get(doubt, doubt)
        if wanted is None:
            yield f"No number of prompts like these would settle {about}: what is seen does not point that way."
        else:
            yield f"About {wanted - n:,} more prompts like these ({wanted:,} in all) would settle {about}."
