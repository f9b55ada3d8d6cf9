"""The plan of a load test as a value: what is sent, when, for how long, and what counts as good."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.loadtest.arrivals import KINDS, Arrivals, Closed, Ramp, Steps, Trace

Prompt = str | Sequence[Mapping[str, Any]]  # a question, or the messages of a conversation
IN_PROCESS = "lab:"  # the address of a Workbench in this process
_UNBOUNDED_S = 300.0


@dataclass(frozen=True)
class Slo:
    """A service level objective: the bounds of a good answer (seconds; None: no bound), and the share of good ones.

    Attributes:
        latency_s: from when the request was due to the end of its answer.
        ttft_s: from when it was due to its first token.
        tpot_s: for each token after the first, the mean of an answer.
        share: of all requests that have to be good; failed ones never are.
    """

    latency_s: float | None = None
    ttft_s: float | None = None
    tpot_s: float | None = None
    share: float = 0.99

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InvalidRequestError(f"the share of an SLO lies between 0 and 1, not {self.share:g}")
        if any(bound is not None and not bound > 0 for bound in (self.latency_s, self.ttft_s, self.tpot_s)):
            raise InvalidRequestError("the bounds of an SLO must be above 0")

    def __str__(self) -> str:
        names = (("latency", self.latency_s), ("TTFT", self.ttft_s), ("TPOT", self.tpot_s))
        bounds = [f"{name} of at most {bound:g} s" for name, bound in names if bound is not None]
        return f"{100 * self.share:g} % answered" + (f" with a {' and a '.join(bounds)}" if bounds else "")

    @property
    def bounded(self) -> tuple[str, float | None]:
        """The time that the objective bounds first (`ttft`, `tpot` or `latency`), and its bound in seconds."""
        if self.ttft_s is not None:
            return "ttft", self.ttft_s
        return (
            ("tpot", self.tpot_s) if self.tpot_s is not None and self.latency_s is None else ("latency", self.latency_s)
        )

    def met(self, latency_s: float, ttft_s: float | None, tpot_s: float | None) -> bool:
        """Whether an answer is within the bounds; one without a first token is not, where that has a bound."""
        if self.ttft_s is not None and (ttft_s is None or ttft_s > self.ttft_s):
            return False
        if self.latency_s is not None and latency_s > self.latency_s:
            return False
        return self.tpot_s is None or tpot_s is None or tpot_s <= self.tpot_s


@dataclass(frozen=True)
class Kind:
    """One kind of request of a mix.

    Attributes:
        weight: how often it comes, relative to the weights of the others.
        file_ids: uploads that its questions are about.
        cached: False puts a number in front of each question and asks for fresh answers, because a cache of answers
            or of beginnings would be measured otherwise; True sends the same question each time; None sends the
            prompts as they are.
        prefix: a system prompt that all requests of the kind share, so that a cache of beginnings is measured.
    """

    name: str = "fresh"
    weight: float = 1.0
    file_ids: tuple[str, ...] = ()
    cached: bool | None = False
    prefix: str = ""


@dataclass(frozen=True)
class Chat:
    """The chat completions that a plan asks for; LoadPlan.url then ends in /v1 (or is IN_PROCESS).

    Attributes:
        prompts: sent in turn; each a question, or the messages of a conversation as OpenAI has them.
        max_tokens: of an answer; None leaves the field out.
        kinds: the mix of requests.
        options: further fields of the body, which win over its own; None leaves one out, such as `stream_options` for
            servers that refuse it.
        events: pieces that each stream must have; missing ones count as lost. None: unknown.
    """

    prompts: tuple[Prompt, ...] = ("Why is the sky blue?",)
    model: str = "auto"
    max_tokens: int | None = 64
    stream: bool = True
    kinds: tuple[Kind, ...] = (Kind(),)
    options: Mapping[str, Any] = field(default_factory=dict)
    events: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.prompts, str):
            raise InvalidRequestError("prompts are several texts", "write ('...',) for a single one")
        if any(not isinstance(prompt, str) and not is_conversation(prompt) for prompt in self.prompts):
            detail = "a prompt is a text, or a list of messages"
            raise InvalidRequestError(detail, 'write [{"role": "user", "content": "..."}] for a conversation')
        if not self.prompts:
            raise InvalidRequestError("there is no prompt to send", "give at least one")
        if not self.kinds or any(not kind.weight > 0 for kind in self.kinds):
            raise InvalidRequestError("a mix needs kinds, each with a weight above 0")


@dataclass(frozen=True)
class LoadPlan:
    """A load test. It ends with `duration_s`, `requests` or `max_cost_usd`, whichever comes first.

    Attributes:
        url: any HTTP address; with `chat`, one that ends in /v1.
        arrivals: a closed or an open loop.
        requests: at most so many in all; None: no bound. A closed loop without any bound sends 50.
        duration_s: seconds in which requests are sent; answers are waited for after that, `timeout_s` at most.
        warm_up_s, cool_down_s: seconds at the beginning and end of those, whose requests are sent but not counted.
        timeout_s: seconds after which a request counts as failed.
        max_in_flight: requests in flight at most in an open loop; more have to wait, and the report counts them.
        part: (index, count) where this is one process's share of an open loop: every count-th of its requests.
        max_cost_usd: USD after which the run ends, of chats that say their usage.
        price_in, price_out: USD per million tokens of prompts and answers.
        seed: of all random choices.
    """

    url: str
    arrivals: Arrivals = Closed()  # noqa: RUF009  # frozen
    requests: int | None = None
    duration_s: float | None = None
    warm_up_s: float = 0.0
    cool_down_s: float = 0.0
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    chat: Chat | None = None
    slo: Slo | None = None
    timeout_s: float = 30.0
    max_in_flight: int = 10_000
    max_cost_usd: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    seed: int = 0
    part: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        if not isinstance(self.arrivals, Arrivals) or not isinstance(self.chat, Chat | None):
            raise InvalidRequestError(
                "arrivals and chat of a plan are objects", "write Closed(5), Poisson(2), Chat(...)"
            )
        self._check_address()
        for name in ("requests", "duration_s", "timeout_s", "max_cost_usd", "max_in_flight"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InvalidRequestError(f"{name} must be above 0, not {value:g}")
        if not all(math.isfinite(value) and value >= 0 for value in (self.warm_up_s, self.cool_down_s)):
            raise InvalidRequestError("warm-up and cool-down are seconds, from 0 on")
        if self.slo and (self.slo.ttft_s or self.slo.tpot_s) and not (self.chat and self.chat.stream):
            raise InvalidRequestError(
                "only streamed chats have TTFT and TPOT", "give the SLO a latency, or stream chats"
            )
        if self.warm_up_s + self.cool_down_s >= self.seconds:
            detail = f"warm-up and cool-down take {self.warm_up_s + self.cool_down_s:g} s of {self.seconds:g} s"
            raise InvalidRequestError(detail, "leave time to measure: raise duration_s")
        if isinstance(self.arrivals, Ramp) and self.duration_s is None:
            raise InvalidRequestError("a ramp needs an end", "give duration_s")
        if self.max_cost_usd is not None and not (self.chat and (self.price_in or self.price_out)):
            raise InvalidRequestError("max_cost_usd needs chats and prices", "give price_in and price_out")

    def _check_address(self) -> None:
        if self.chat and self.url == IN_PROCESS:
            return
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
            parts.hostname.encode("idna") if parts.hostname else b""
            f"{self.method} {self.url} {dict(self.headers)}".encode("latin-1")
        except ValueError:
            valid = False
        if not valid:
            hint = "write http://HOST:PORT/PATH, what is not ASCII as %XX"
            raise InvalidRequestError(f"not an HTTP address: {self.url!r}", hint)
        if any(sign in text for pair in self.headers.items() for text in pair for sign in "\r\n"):
            raise InvalidRequestError("a header may not hold a line break")
        if not self.method.isalpha() or self.method.upper() == "HEAD":
            raise InvalidRequestError(f"cannot send '{self.method}' requests", "use GET, POST, PUT, PATCH or DELETE")

    @property
    def bound(self) -> float:
        """Requests of the whole plan at most; infinity without a bound."""
        if self.requests is None and self.duration_s is None and isinstance(self.arrivals, Closed):
            return 50
        return math.inf if self.requests is None else self.requests

    @property
    def seconds(self) -> float:
        """Seconds in which requests are sent: `duration_s`, or what the schedule takes, or five minutes."""
        if self.duration_s is not None:
            return self.duration_s
        if isinstance(self.arrivals, Steps):
            return len(self.arrivals.rates) * self.arrivals.each_s
        if isinstance(self.arrivals, Trace):
            return (max(self.arrivals.times) - min(self.arrivals.times)) / self.arrivals.speed + 1e-9
        return _UNBOUNDED_S

    def at(self, arrivals: Arrivals, **fields: Any) -> LoadPlan:
        """Copy the plan with other arrivals, and other `fields` if any."""
        return replace(self, arrivals=arrivals, **fields)

    @property
    def own_bound(self) -> float:
        """Requests of this `part` at most; infinity without a bound."""
        index, count = self.part
        return self.bound if math.isinf(self.bound) else len(range(index, int(self.bound), count))

    def share(self, index: int, count: int) -> LoadPlan:
        """Make the plan of one of `count` processes (`index` from 0), which together run the whole."""
        budget = None if self.max_cost_usd is None else self.max_cost_usd / count
        if not isinstance(self.arrivals, Closed):
            return replace(self, part=(index, count), max_cost_usd=budget)
        users = len(range(index, self.arrivals.users, count))
        own = None if math.isinf(self.bound) else len(range(index, int(self.bound), count))
        return replace(self, arrivals=replace(self.arrivals, users=users), requests=own, max_cost_usd=budget)

    def to_dict(self) -> dict[str, Any]:
        """Write the plan as JSON has it; `of_dict` reads it."""
        body = None if self.body is None else self.body.decode("latin-1")
        kind = type(self.arrivals).__name__.lower()
        return {**asdict(self), "body": body, "arrivals": {"kind": kind, **asdict(self.arrivals)}}

    @classmethod
    def of_dict(cls, raw: Mapping[str, Any]) -> LoadPlan:
        """Read a plan that `to_dict` wrote; InvalidRequestError for anything else."""
        try:
            fields = dict(raw)
            arrivals = dict(fields["arrivals"])
            kind = KINDS[arrivals.pop("kind")]
            fields["arrivals"] = kind(**{name: _hashable(value) for name, value in arrivals.items()})
            fields["body"] = None if fields["body"] is None else fields["body"].encode("latin-1")
            fields["slo"] = Slo(**fields["slo"]) if fields["slo"] else None
            if fields["chat"]:
                chat = {name: _hashable(value) for name, value in fields["chat"].items()}
                kinds = [
                    Kind(**{name: _hashable(value) for name, value in raw_kind.items()}) for raw_kind in chat["kinds"]
                ]
                fields["chat"] = Chat(**{**chat, "kinds": tuple(kinds)})
            fields["part"] = _hashable(fields["part"])
            return cls(**fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidRequestError(f"this is no load plan: {error}", "write one with LoadPlan.to_dict") from None


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def is_conversation(prompt: object) -> TypeGuard[Sequence[Mapping[str, Any]]]:
    """Whether a prompt is a list of messages, none of them without a role."""
    if not isinstance(prompt, Sequence) or isinstance(prompt, str) or not prompt:
        return False
    return all(isinstance(message, Mapping) and message.get("role") for message in prompt)
