"""One request while it is measured."""

from __future__ import annotations


def http_error(status: int) -> str:
    """Name the kind of error that an HTTP status is counted under."""
    return f"http {status}"


class Sample:
    """What is measured of one request; moments are seconds since the run began.

    Attributes:
        number: of the request in its run, from 0.
        kind: the name of its kind in the mix.
        due, sent_at: when it should have been sent, and when it was.
        ended_at: when its answer was complete or had failed.
        first_token_at: when its first token came; None before, and for answers that are no streams of tokens.
        error: the kind of error it is counted under; None: it was answered.
        words: what the server says of the error; "" where it says nothing.
        tokens, prompt_tokens: of the answer and of the prompt.
        prefix_cached_tokens: of the prompt, that the server had worked on before.
        has_usage: the answer says its tokens; where a stream does not, `tokens` are its pieces.
        pieces: in which the answer came.
        gaps: seconds between the arrivals of pieces.
        lost: pieces that should have come and did not.
        without_done: whether the stream ended without its [DONE].
        cached: whether the server says that its cache answered.
        usd: by the plan's prices; None where the answer does not say its usage.
    """

    __slots__ = (
        "cached",
        "due",
        "ended_at",
        "error",
        "first_token_at",
        "gaps",
        "has_usage",
        "kind",
        "lost",
        "number",
        "pieces",
        "prefix_cached_tokens",
        "prompt_tokens",
        "sent_at",
        "tokens",
        "usd",
        "without_done",
        "words",
    )

    def __init__(self, number: int, due: float):
        self.number = number
        self.kind = ""
        self.due = due
        self.sent_at = due
        self.first_token_at: float | None = None
        self.ended_at = due
        self.error: str | None = None
        self.words = ""
        self.tokens = 0
        self.prompt_tokens = 0
        self.prefix_cached_tokens = 0
        self.has_usage = False
        self.pieces = 0
        self.gaps: list[float] = []
        self.lost = 0
        self.without_done = False
        self.cached = False
        self.usd: float | None = None

    @property
    def latency(self) -> float:
        """Seconds from when the request was due to its end."""
        return self.ended_at - self.due

    @property
    def ttft(self) -> float | None:
        """Seconds from when the request was due to its first token; None without one."""
        return None if self.first_token_at is None else self.first_token_at - self.due

    @property
    def tpot(self) -> float | None:
        """Seconds a token after the first, on average; None for fewer than two tokens."""
        return (
            (self.ended_at - self.first_token_at) / (self.tokens - 1)
            if self.first_token_at is not None and self.tokens > 1
            else None
        )
