"""What keeps the text of a file from passing for anything else: another file's, the question, or another role."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MARK_LENGTH = 6
# The marks by which chat templates begin and end a role's turn; llama.cpp and Ollama read them wherever they stand.
_ROLE_MARKS = re.compile(
    r"<(?=\|[^|<>\n]{1,40}\|>|/?s>|/?(?:bos|eos|start_of_turn|end_of_turn|start_of_image)>|</?SYS>>|｜[^｜<>\n]{1,40}｜>)"
    r"|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\])"
)
_BREAK = "\u200b"  # a space of no width


def fence_mark(texts: Sequence[str]) -> str:
    """A short word that stands in none of `texts`, and so cannot be written by any of them; the same for the same."""
    digest = hashlib.sha256("\0".join(texts).encode("utf-8", "replace"))
    for number in itertools.count():
        mark = hashlib.sha256(digest.digest() + b"%d" % number).hexdigest()[:_MARK_LENGTH]
        if not any(mark in text for text in texts):
            return mark
    raise AssertionError("some word is always free")


def defuse(text: str) -> str:
    """`text` with the marks of chat templates broken, so that no server reads a turn of another role in it."""
    return _ROLE_MARKS.sub(lambda match: match[0] + _BREAK, text)


def without_labels(answer: str, files: Iterable[str]) -> str:
    """An answer with spaces in place of what it repeats of the fence, as small models do: these are no words of it.

    Args:
        files: whose passages were read: after the label of another, a claim may stand as well.
    """
    names = "|".join(re.escape(defuse(file)) for file in sorted(set(files), key=len, reverse=True))
    mark = rf"[0-9a-f]{{{_MARK_LENGTH}}}"
    label = rf"\[{mark} \d+(?:: (?:{names})(?:,(?:[^\[\]\n]|\[[^\[\]\n]*\])*)?)?(?:\]|\Z)"
    around = rf"\b(?:End of t|T)ext {mark}\b:?"
    return re.sub(f"{label}|{around}", lambda match: " " * len(match[0]), answer)
