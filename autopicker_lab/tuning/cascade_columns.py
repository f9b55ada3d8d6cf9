"""Outcomes of a cascade as further columns of the table: answers of the first model that are kept, and that went up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.routing.signals import samples_wanted
from autopicker_lab.tuning.column_layout import CascadeColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]


def with_columns_for(outcomes: OutcomeMatrix, first: int, then: int, checking: Array | None = None) -> OutcomeMatrix:
    """Outcomes with columns of a cascade in place of any that are there; they have no signals.

    Answers of the first model that went up are scored as the second's, at both costs; where signals cost
    something, answers that were kept have a column, too.

    Args:
        checking: what the signal costs, beside each answer of the first model, shape (n,); None: nothing does.
    """
    import numpy as np

    singles = outcomes.singles
    costs = outcomes.costs[:, :singles]
    held = costs[:, first] if checking is None else costs[:, first] + checking
    added = [] if checking is None else [(first, held)]
    added.append((then, held + costs[:, then]))
    like = [k for k, _ in added]
    unknown = np.full((len(outcomes), len(added)), np.nan)
    seconds = None if outcomes.seconds is None else outcomes.seconds[:, :singles]
    names = [f"{outcomes.models[first]}, checked"] * (len(added) - 1) + [
        f"{outcomes.models[first]} > {outcomes.models[then]}"
    ]
    return replace(
        outcomes,
        models=(*outcomes.models[:singles], *names),
        scores=np.hstack([outcomes.scores[:, :singles], outcomes.scores[:, like]]),
        costs=np.column_stack([costs, *(cost for _, cost in added)]),
        signals={name: np.hstack([values[:, :singles], unknown]) for name, values in outcomes.signals.items()},
        seconds=None if seconds is None else np.column_stack([seconds, *_waited(seconds, first, then, added)]),
        composite=CascadeColumns(first, then, singles if len(added) > 1 else first, singles + len(added) - 1),
    )


def _waited(seconds: Array, first: int, then: int, added: Sequence[tuple[int, Array]]) -> list[Array]:
    """Seconds until answers in the added columns were whole."""
    up = seconds[:, first] + seconds[:, then]
    return [seconds[:, first], up] if len(added) > 1 else [up]


def checking_costs(outcomes: OutcomeMatrix, signal: str, first: int) -> Array | None:
    """What measuring a signal of a model's answers costs each prompt, shape (n,); None where it costs nothing.

    As measured; else further answers are taken to cost as much as the first.
    """
    import numpy as np

    measured, samples = outcomes.signal_costs.get(signal), samples_wanted(signal)
    if measured is None and not samples:
        return None
    asked: Array = samples * outcomes.costs[:, first]
    return asked if measured is None else np.where(np.isnan(measured[:, first]), asked, measured[:, first])
