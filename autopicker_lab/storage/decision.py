"""A routing decision and the feedback on it: what tuning can learn from. Without its prompt, unless that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from autopicker_lab.core import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.storage.policy_news import PolicyNews, ReadTo

ANYONE = "*"  # in place of a key's id: whoever runs the service


class Decision(NamedTuple):
    """One answer: who gave it, why, what it took, and how good it was.

    Attributes:
        chat_id: of the completion, `request_id` of the request; feedback may name either.
        created: Unix seconds.
        score: of the feedback, 0 to 1; None while there is none.
        routing_score: what the policy ranked the request by, 0 to 100; None for a model that was named.
        prompt: the question; None unless prompts are kept.
        key_id: of the API key that asked.
        propensities: JSON object of the probability with which each model could have been chosen; None where nothing
            was drawn, or where another model answered than the one that was.
        signals: what its client did without judging it, names with commas between (see `live`): they are no score.
        grade: what a grader gave it, 0 to 1; a `score` that nobody gave is that, and `scored_by` names the grader then.
        first_gains: of an answer in the shadow, what its grader gives more to what it is shown first, -1 to 1; None of
            one that sees one answer at a time.
        features: counts of the question that drift is measured by, as JSON; None where the policy knows none.
    """

    chat_id: str
    request_id: str
    created: float
    model: str
    policy: str | None = None
    complexity: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    score: float | None = None
    routing_score: float | None = None
    first_token_s: float | None = None
    prompt: str | None = None
    key_id: str | None = None
    propensities: str | None = None
    signals: str | None = None
    features: str | None = None
    grade: float | None = None
    scored_by: str | None = None
    first_gains: float | None = None


class DecisionLog(Protocol):
    """What keeps decisions."""

    def record(self, decision: Decision) -> None:
        """Keep the decision behind an answer; costs the caller nothing but an append."""

    def feedback(self, request_id: str, score: float, by: str | None = ANYONE) -> None:
        """Set how good an answer was, 0 to 1.

        Args:
            by: id of the API key that judges, None for a caller without one: each judges its own answers. ANYONE may
                judge all.

        Raises:
            NotFoundError: a request that nobody remembers, or another's.
        """

    def signal(self, request_id: str, name: str, by: str | None = ANYONE) -> None:
        """Keep that a client did something which says how good an answer was, and is no judgement.

        Args:
            by: as of `feedback`.

        Raises:
            NotFoundError: as of `feedback`.
        """

    def signal_each(self, noticed: Sequence[tuple[str, str]]) -> None:
        """Keep many signals at once, each by the id of its completion; those of unknown ones are passed over."""

    def grade(self, chat_id: str, grade: float, grader: str) -> None:
        """Keep what a grader gave an answer, 0 to 1, which is its score, too, until somebody gives another.

        Raises:
            NotFoundError: as of `feedback`.
        """

    def rows(self) -> list[Decision]:
        """All decisions, oldest first."""

    def since(self, created: float) -> list[Decision]:
        """Decisions from a time on (Unix seconds), oldest first."""

    def news(
        self, policies: Sequence[str], place: ReadTo, created: float = 0.0
    ) -> tuple[dict[str, PolicyNews], ReadTo]:
        """What came of some policies' answers, or was scored, since a place, and the place to go on from.

        Args:
            place: of the last look; `ReadTo()` for all. created: Unix seconds; what is older is passed over.
        """

    def routing_scores(self, policy: str, last: int = 1000) -> list[float]:
        """What the last requests that were routed by a policy were ranked by, newest first."""

    def routing_features(self, policy: str, last: int = 1000) -> list[dict[str, float]]:
        """What was counted in the last questions that a policy routed, newest first."""

    def scores_by_key(self, policy: str, last: int = 1000) -> list[tuple[str, float]]:
        """Key and routing score of the last requests with a key that a policy routed, newest first."""

    def close(self) -> None:
        """Write what waits, and give back what is held."""


def with_signal(signals: str | None, name: str) -> str:
    """The signals of an answer, with one more; each stands there once."""
    return ",".join(dict.fromkeys([*(signals.split(",") if signals else ()), name]))


def unknown_decision(request_id: str) -> NotFoundError:
    """The error for a request that nobody remembers, or another's."""
    hint = (
        "give the X-Request-ID or the id of a chat completion that this service answered; several workers need a "
        "DECISION_LOG to know each other's"
    )
    return NotFoundError(f"no decision for request '{request_id}'", hint, param="request_id")
