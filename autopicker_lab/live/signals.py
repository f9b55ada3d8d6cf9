"""What callers say of an answer without judging it: asked again, asked of another model, corrected, left.

These are signals and no scores: they are kept beside the decision under their names, and tuning does not take them for
judgements. Noticed are those of requests that come to the same worker within ten minutes.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from autopicker_lab.runtime.lru_cache import LRUCache

if TYPE_CHECKING:
    from autopicker_lab.core import ChatRequest
    from autopicker_lab.storage import DecisionLog

Signal = Literal["regenerated", "overridden", "corrected", "left"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)
_WITHIN_S = 600.0
_REMEMBERED = 10_000
_WAITING = 10_000
_CORRECTS = re.compile(
    r"(?:no|nope|wrong|incorrect|not (?:right|correct|true|what i)|that(?:'s| is) (?:not|wrong|incorrect)|"
    r"you(?:'re| are) wrong|nein|falsch|das (?:ist falsch|stimmt nicht)|non|c'est faux|incorrecto|sbagliato)\b",
    re.IGNORECASE,
)


class Noticed(NamedTuple):
    """A signal on an answer, by the id of its completion."""

    chat_id: str
    signal: Signal


class _Asked(NamedTuple):
    chat_id: str
    at: float
    named: bool


class SignalWatch:
    """Notices signals by what the same caller asked before, of which it keeps hashes alone."""

    def __init__(self) -> None:
        self._asked: LRUCache[_Asked] = LRUCache(_REMEMBERED)
        self._noticed: deque[Noticed] = deque(maxlen=_WAITING)

    def answered(self, request: ChatRequest, chat_id: str, caller: str, *, named: bool, left: bool) -> None:
        """An answer was given, or left by its client; `named`: of a model that the caller named."""
        now = time.monotonic()
        if left:
            self._noticed.append(Noticed(chat_id, "left"))
        questions = [message.text for message in request.messages if message.role == "user"]
        key = _key(caller, questions)
        before = self._recent(key, now)
        if before is not None:
            self._noticed.append(Noticed(before.chat_id, "overridden" if named and not before.named else "regenerated"))
        if len(questions) > 1 and _CORRECTS.match(questions[-1].lstrip()):
            corrected = self._recent(_key(caller, questions[:-1]), now)
            if corrected is not None:
                self._noticed.append(Noticed(corrected.chat_id, "corrected"))
        self._asked.put(key, _Asked(chat_id, now, named))

    def write(self, decisions: DecisionLog) -> None:
        """Keep what was noticed beside its decisions; may wait for their store."""
        noticed = [self._noticed.popleft() for _ in range(len(self._noticed))]
        if noticed:
            decisions.signal_each(noticed)

    def _recent(self, key: bytes, now: float) -> _Asked | None:
        asked = self._asked.get(key)
        return asked if asked is not None and now - asked.at <= _WITHIN_S else None


def _key(caller: str, questions: list[str]) -> bytes:
    return hashlib.sha256("\0".join([caller, *questions]).encode("utf-8", "surrogatepass")).digest()
