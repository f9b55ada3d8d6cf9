"""The setting of a policy, and what it chooses of each prompt where other prompts chose the setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.promise import Promise, Terms, promise_of
from autopicker_lab.tuning.settings import Asked, Setting, cross_fitted_choices, setting_for, settings_along

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.tuning.learned import Learned

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Chosen:
    """The setting of a policy.

    Attributes:
        choices: the model (column) of each prompt, by draw of the folds, each fold by a setting that the others chose
            or that is promised; shape (repeats, n).
        allowed: mean score that may be lost; None where something else was asked for.
        promise: whether kept or not; None where none was asked for.
    """

    setting: Setting
    choices: Array
    allowed: float | None
    promise: Promise | None = None


def choose(learned: Learned, asked: Asked, terms: Terms | None) -> Chosen:
    """The setting that keeps what is asked, or what is to be promised where that can be."""
    import numpy as np

    outcomes, fits, promised = learned.outcomes, learned.fits, None
    if terms is not None and learned.kept_out is not None:
        settings = settings_along(learned.curve.weights, outcomes, learned.estimates, asked.guard_z)
        setting, promised = promise_of(
            outcomes, learned.kept_out, learned.estimates, learned.unseen, settings, terms, learned.seed
        )
        if setting is not None:
            choices = np.stack([setting.choices(outcomes, each) for each in fits.each])
            return Chosen(setting, choices, terms.within, promised)
    setting = setting_for(outcomes, fits.of(np.arange(len(outcomes))), asked)
    return Chosen(setting, cross_fitted_choices(outcomes, fits, asked), asked.allowance, promised)
