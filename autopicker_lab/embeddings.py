"""Static token embeddings, which ship in the wheel of wordllama: token ids of a text, and a vector a token.

The process has one table (32,000 tokens by 256, float32), loaded on first use; reading is thread-safe.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]
    Ints = np.ndarray[Any, np.dtype[np.int64]]

NAME = "wordllama l2_supercat 256"
DIMENSIONS = 256
_PIECE = 16_384  # characters of a text that are split into tokens at once
_LONGEST = 40  # letters of a word whose tokens are kept
_WHOLE = ("  ", "▁", "<s>", "</s>", "<unk>")  # what is one token across words
_lock = threading.Lock()
_model: Any = None


def load() -> Any:
    """Load the model of wordllama once a process, and undo the logging that its import sets up."""
    global _model  # noqa: PLW0603  # weights are loaded once a process
    with _lock:
        if _model is None:
            root = logging.getLogger()
            handlers, level = root.handlers[:], root.level
            import wordllama

            root.handlers[:] = handlers
            root.setLevel(level)
            home = Path(wordllama.__file__).parent
            _model = wordllama.WordLlama.load(cache_dir=home, disable_download=True)
    return _model


def token_ids(text: str) -> Ints:
    """Token ids of `text`, shape (tokens,)."""
    import numpy as np

    if any(map(text.__contains__, _WHOLE)) or text[:1] == " " or text[-1:] == " ":
        return np.array(_encoded(text), np.int64)
    # no token reaches over a single space, and words recur
    words = [_ids_of_word(word) if len(word) <= _LONGEST else _encoded(word) for word in text.split(" ")]
    return np.array(list(chain.from_iterable(words)), np.int64)


@lru_cache(20_000)
def _ids_of_word(word: str) -> tuple[int, ...]:
    return tuple(_encoded(word))


def _encoded(text: str) -> list[int]:
    ids: list[int] = load().tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def vectors() -> Floats:
    """Vectors of all tokens by id, shape (vocabulary, 256), float32."""
    table: Floats = load().embedding
    return table


def text_vectors(texts: Sequence[str], dimensions: int = DIMENSIONS) -> tuple[Floats, int]:
    """Unit vectors of texts, shape (texts, dimensions), float32, and how many tokens the texts have.

    A text's vector is the mean of its tokens', cut to `dimensions` (the model was trained to be cut to 64 and 128).
    """
    import numpy as np

    found = np.zeros((len(texts), dimensions), np.float32)
    table, total = vectors(), 0
    for i, text in enumerate(texts):
        for piece in _pieces(text):  # so that a long text takes no memory of its own length
            ids = token_ids(piece)
            total += len(ids)
            found[i] += table[ids, :dimensions].sum(axis=0)
        found[i] /= np.linalg.norm(found[i]) or 1.0
    return found, total


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces that end between words, where it has words that are not too long."""
    start = 0
    while len(text) - start > _PIECE:
        space = text.rfind(" ", start + _PIECE // 2, start + _PIECE)
        end = space if space > 0 else start + _PIECE
        yield text[start:end]
        start = end
    yield text[start:]


@lru_cache(1)
def fingerprint() -> str:
    """Twelve hexadecimal digits that change with tokenizer and table; a fitted policy is valid for one pair of them."""
    probe = token_ids("Compare 17 × 23 with f(x) = x² für 天空, s'il vous plaît.")
    return hashlib.sha256(probe.tobytes() + vectors()[::64].tobytes()).hexdigest()[:12]
