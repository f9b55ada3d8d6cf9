"""How far the words at the ends of a text may move its estimates: both ends are where others can put theirs.

An estimate stays near that of the text without its last ten words, whose own stays near that of the text without its
first ten, too: so whoever adds ten words at one end moves it by so much and no more, whichever words these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

FIRST_MOVE = 2.0  # times what last words may: the first ones tell more of what is asked


def bounded(whole: Array, inner: Sequence[Array], tail: Array) -> Array:
    """Values within reach of those without the words at the ends.

    Args:
        whole: values of all of a text, shape (..., outputs).
        inner: the same of its parts (see routing.token_keys.inner_parts), each of that shape.
        tail: how far last words may move each value, shape (outputs,).
    """
    early, reach = inner[0], FIRST_MOVE * tail
    if len(inner) > 1:
        _, late, middle = inner
        whole, early = _near(whole, late, reach), _near(early, middle, reach)
    return _near(whole, early, tail)


def _near(values: Array, others: Array, reach: Array) -> Array:
    import numpy as np

    found: Array = np.minimum(np.maximum(values, others - reach), others + reach)  # a clip, but faster on few
    return found
