"""Whether a router's choices are better than the same choices dealt to other prompts: a permutation test.

Resampling is too sure of itself where few prompts leave the best model: if none of eight loses, none does in any
resample, though chance would often have it so. Dealing the choices anew counts that (Fisher, "The Design of
Experiments", 1935, section 21; Phipson and Smyth, "Permutation p-values should never be zero", 2010,
https://doi.org/10.2202/1544-6115.1585).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_ROUNDS = 999


def shares_of(choices: Array, models: int) -> Array:
    """How often each prompt is given each model, shape (n, models), by choices of shape (n,) or (repeats, n)."""
    import numpy as np

    return np.stack([(np.atleast_2d(choices) == model).mean(0) for model in range(models)], axis=1)


def p_of_dealing(scores: Array, choices: Array, groups: Array, seed: int, rounds: int = _ROUNDS) -> float:
    """How often the same choices, dealt at random, have at least the mean score of these; 1 / (rounds + 1) at least.

    Whole groups of alike prompts change places, so that what neighbours have in common stays together.

    Args:
        scores: shape (n, models). choices: columns, by one or several fits, shape (n,) or (repeats, n).
        groups: shape (n,).
    """
    import numpy as np

    shares = shares_of(choices, scores.shape[1])
    in_order = np.argsort(groups, kind="stable")
    sizes = np.unique(groups, return_counts=True)[1]
    shares, scores, random = shares[in_order], scores[in_order], np.random.default_rng(seed)
    least = float(np.vdot(shares, scores)) - 1e-9 * len(scores)
    as_good = sum(float(np.vdot(shares, scores[_dealt(sizes, random)])) >= least for _ in range(rounds))
    return (1 + as_good) / (1 + rounds)


def _dealt(sizes: Array, random: np.random.Generator) -> Array:
    """The rows of groups of these sizes, one group after another in an order that is drawn."""
    import numpy as np

    order = random.permutation(len(sizes))
    taken = sizes[order]
    return np.repeat((np.cumsum(sizes) - sizes)[order] - (np.cumsum(taken) - taken), taken) + np.arange(taken.sum())
