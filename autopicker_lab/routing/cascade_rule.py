"""Whether the first answer of a cascade is kept, for one answer and over arrays.

It is not where the second model is expected to add more than `least_gain`. What that is expected to add is read off the
signal of the answer, and mixed with what the estimates of the prompt expect by `prompt_weight`; an answer without the
signal is not kept. Where a cascade begins, routing.rule says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.core import Cascade

    Array = np.ndarray[Any, Any]


def goes_up(cascade: Cascade, value: float | None, prompt_gain: float) -> bool:
    """Whether the first answer is not kept; `goes_up_each` for one answer.

    Args:
        value: of its signal; None where it has none.
        prompt_gain: what the second model is expected to add to this prompt's score.
    """
    import numpy as np

    values = np.array([np.nan if value is None else value], float)
    return bool(goes_up_each(cascade, signal_gains(cascade, values), np.array([prompt_gain], float))[0])


def goes_up_each(cascade: Cascade, by_signal: Array, by_prompt: Array) -> Array:
    """Whether each of n first answers is not kept, shape (n,).

    Args:
        by_signal: what the second model is expected to add by the signal, NaN where there is none, shape (n,).
        by_prompt: the same by the estimates of the prompt, shape (n,).
    """
    import numpy as np

    up: Array = np.isnan(by_signal) | (mixed_gains(cascade, by_signal, by_prompt) > cascade.least_gain)
    return up


def mixed_gains(cascade: Cascade, by_signal: Array, by_prompt: Array) -> Array:
    """What the second model is expected to add to the score of each of n prompts, shape (n,)."""
    gains: Array = (1 - cascade.prompt_weight) * by_signal + cascade.prompt_weight * by_prompt
    return gains


def signal_gains(cascade: Cascade, values: Array) -> Array:
    """What the second model is expected to add by each of n values of the signal, shape (n,); NaN for NaN."""
    import numpy as np

    gains: Array = np.interp(values, cascade.values, cascade.gains)
    return gains


def chance_right(cascade: Cascade, value: float) -> float:
    """P(a good answer) of the first model, by the signal of its answer."""
    import numpy as np

    return float(np.interp(value, cascade.values, cascade.right))
