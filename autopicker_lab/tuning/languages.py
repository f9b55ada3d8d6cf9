"""The language of each prompt, by py3langid: counts of byte patterns, a hundred microseconds each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.optional import require
from autopicker_lab.core.text import ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

UNSURE = "other"  # formulas, code, a word or two, and what is rare
_SURE = 0.5  # probability
_RARE = 5  # prompts: a language of fewer is as likely mistaken as met
_READ = 500  # characters of beginning and of end


def languages_of(texts: Sequence[str]) -> Array:
    """The ISO 639-1 code of each text's language, "other" where that is unsure or rare; shape (n,)."""
    import numpy as np

    require("py3langid")
    classify = _identifier().classify
    found = [classify(ends(text, _READ)) for text in texts]
    names = np.array([str(name) if chance >= _SURE else UNSURE for name, chance in found], object)
    known, counts = np.unique(names.astype(str), return_counts=True)
    names[np.isin(names, known[counts < _RARE])] = UNSURE
    return names


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # without the rarest, of three letters: a sentence of odd names is sooner taken for one of them than written in it
    identifier.set_languages([name for name in identifier.labels if len(name) == 2])
    return identifier
