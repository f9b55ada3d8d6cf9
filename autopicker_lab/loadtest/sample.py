"""One request as it is measured."""

from __future__ import annotations


class Sample:
    """Moments are seconds since the run began.

    Attributes:
        number: of the request, from 0; `kind` of the mix it is.
        due: when it should have left; `sent` when it did, `end` when its answer was whole or had failed.
        first: when its first token came; None before, and for answers that are no streams of tokens.
        error: what went wrong, in a word or two; None: nothing.
        tokens: of the answer; `pieces` that it came in, `gaps` the seconds between their arrivals.
        lost: pieces that should have come and did not; `undone`: the stream ended without its [DONE].
        cached: the server says that its cache answered.
        usd: by the plan's prices; None where the answer does not say its usage.
    """

    __slots__ = (
        "cached",
        "due",
        "end",
        "error",
        "first",
        "gaps",
        "kind",
        "lost",
        "number",
        "pieces",
        "sent",
        "tokens",
        "undone",
        "usd",
    )

    def __init__(self, number: int, due: float):
        self.number = number
        self.kind = ""
        self.due = due
        self.sent = due
        self.first: float | None = None
        self.end = due
        self.error: str | None = None
        self.tokens = 0
        self.pieces = 0
        self.gaps: list[float] = []
        self.lost = 0
        self.undone = False
        self.cached = False
        self.usd: float | None = None

    @property
    def latency(self) -> float:
        return self.end - self.due

    @property
    def ttft(self) -> float | None:
        return None if self.first is None else self.first - self.due

    @property
    def tpot(self) -> float | None:
        """Seconds for each token after the first; None for fewer than two."""
        return (self.end - self.first) / (self.tokens - 1) if self.first is not None and self.tokens > 1 else None
