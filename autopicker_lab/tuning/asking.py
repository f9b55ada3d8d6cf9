"""One question of one model: asked with patience, graded, and made a row of outcomes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.core import (
    AutopickerError,
    BudgetError,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    ModelSpec,
    Outcome,
    RateLimitError,
    UpstreamError,
    UpstreamQuotaError,
)
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.grading import grade
from autopicker_lab.grading.checks import CheckRunner
from autopicker_lab.models.base import FAULTS
from autopicker_lab.routing.signals import (
    JUDGING,
    LOGPROB_OPTIONS,
    PREFIX,
    SAMPLING,
    USD_PREFIX,
    judge_of,
    measure_signal,
    samples_wanted,
    signals_of,
    told_as,
)

if TYPE_CHECKING:
    from autopicker_lab.tuning.collected import Row
    from autopicker_lab.tuning.questions import Question

AskModel = Callable[..., Awaitable[ChatReply]]
"""The way to an answer: called with a ChatRequest, and with the paths of the question's files where it has some."""
_OF_SEVERAL = ("samples", "spread")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0


@dataclass
class Patience:
    """Waits where a model fails, rests or is over its rate limit, and asks it again.

    Attributes:
        longest_s: seconds that one answer is waited for in sum; a model that failed for so long is not waited for
            again until it has answered.
        told: called with what is waited for, "" after it; False ends the waiting.
        failures: questions that each model failed in a row.
    """

    longest_s: float
    told: Callable[[str], bool]
    failures: dict[str, int] = field(default_factory=dict)

    async def __call__(self, model: str, ask: Callable[[], Awaitable[ChatReply]]) -> ChatReply:
        """The answer; the last error where there is none."""
        left, pause = 0.0 if self.failures.get(model) else self.longest_s, _FIRST_PAUSE_S
        while True:
            try:
                reply = await ask()
            except (*FAULTS, RateLimitError) as error:
                wait = error.retry_after or pause
                if (
                    isinstance(error, UpstreamQuotaError | BudgetError)
                    or wait > left
                    or not await self._rest(error, wait)
                ):
                    self.failures[model] = self.failures.get(model, 0) + 1
                    raise
                left, pause = left - wait, min(2 * pause, _LONGEST_PAUSE_S)
            else:
                self.failures[model] = 0
                return reply

    async def _rest(self, error: AutopickerError, seconds: float) -> bool:
        """Wait, unless whoever is told of it does not want to; whether it waited."""
        try:
            if not self.told(f"{error.detail}: waiting for {seconds:.0f} s"):
                return False
            await asyncio.sleep(seconds)
            return True
        finally:
            self.told("")


@dataclass(frozen=True)
class Asker:
    """Asks and grades, and counts what it costs.

    Attributes:
        paid: called with the USD of each answer, also of one that no row will come of.
        trust_code: run the code of "python" answers, too, where this system cannot shut it in.
        signals: to measure beside those of log-probabilities (see routing.signals).
        judges: the models that signals ask, by name. checks: run those that are checks.
        unsigned: models whose servers refuse to give log-probabilities.
        unmeasured: how many answers lack a signal, by its name and why.
    """

    ask: AskModel
    judge: ModelSpec | None
    patience: Patience
    paid: Callable[[float], None]
    trust_code: bool = False
    unsigned: set[str] = field(default_factory=set)
    signals: Sequence[str] = ()
    judges: Mapping[str, ModelSpec] = field(default_factory=dict)
    checks: CheckRunner = field(default_factory=CheckRunner)
    unmeasured: Counter[str] = field(default_factory=Counter)

    async def row(self, question: Question, spec: ModelSpec) -> Row:
        """The outcome of a question, with its grader, answer and reply.

        Raises:
            AutopickerError: the model or its judge did not answer.
        """
        reply = await self._answer(spec, question)
        score, judge_usd = await self._score(question, reply)
        outcome = Outcome(
            prompt_id=question.prompt_id,
            prompt=question.prompt,
            task=question.task,
            model=spec.id,
            score=score,
            cost_usd=reply.usage.cost_usd(spec),
            prompt_tokens=reply.usage.prompt_tokens,
            completion_tokens=reply.usage.completion_tokens,
            latency_s=None if reply.total_s is None else round(reply.total_s, 3),
        )
        row = {name: value for name, value in asdict(outcome).items() if name not in _OF_SEVERAL}
        row |= {**question.settings, "reply": reply.text}
        row |= await self._signals(spec, question, reply)
        return row if self.judge is None else row | {"judge_usd": judge_usd}

    async def _signals(self, spec: ModelSpec, question: Question, reply: ChatReply) -> Row:
        """The columns of a reply's signals: all of its log-probabilities, and those that are asked for.

        One that cannot be measured is missing, and told of: the answer is paid for.
        """
        found: Row = {f"{PREFIX}{name}": value for name, value in signals_of(reply).items()}
        for name in self.signals:
            further = _Further(self, spec, question)
            try:
                value = await measure_signal(name, reply, question.request(spec.id).question, further, self.checks)
            except AutopickerError as error:
                self.unmeasured[f"{told_as(name)}: {error.detail}"] += 1
                value = None
            found |= {} if value is None else {f"{PREFIX}{name}": value}
            found |= {f"{USD_PREFIX}{name}": further.usd} if further.usd else {}
        return found

    async def _answer(self, spec: ModelSpec, question: Question) -> ChatReply:
        """The reply, with the log-probabilities that its signals are made of where its server knows them."""
        request = question.request(spec.id)
        if spec.id not in self.unsigned:
            asked = replace(request, options={**request.options, **LOGPROB_OPTIONS})
            try:
                return await self.pay(spec, asked, question)
            except InvalidRequestError:
                reply = await self.pay(spec, request, question)
                self.unsigned.add(spec.id)
                return reply
        return await self.pay(spec, request, question)

    async def opinion(self, judge: ModelSpec, text: str) -> ChatReply:
        """What a judge says to a text."""
        return await self.pay(judge, ChatRequest.of(text, model=judge.id, options=JUDGING))

    async def pay(self, spec: ModelSpec, request: ChatRequest, question: Question | None = None) -> ChatReply:
        """The reply of a model that is waited for, its cost counted."""
        files = question.files if question is not None else ()

        async def once() -> ChatReply:
            return await (self.ask(request, files) if files else self.ask(request))

        reply = await self.patience(spec.id, once)
        self.paid(reply.usage.cost_usd(spec))
        return reply

    def _graded(self, question: Question, reply: str) -> float:
        return grade.grade_reply(
            question.grader, reply, question.answer, trust_code=self.trust_code, folder=question.folder
        )

    async def _score(self, question: Question, reply: ChatReply) -> tuple[float, float]:
        """The score of a reply, and what judging it cost in USD."""
        if question.grader != "judge":
            return await asyncio.to_thread(self._graded, question, reply.text), 0.0
        judge, cost = self.judge, 0.0
        assert judge is not None  # collect has seen to it

        async def opinion(text: str) -> str:
            nonlocal cost
            verdict = await self.opinion(judge, text)
            cost += verdict.usage.cost_usd(judge)
            return verdict.text

        score = await grade.grade_by_judge(question.prompt, reply.text, question.answer, opinion)
        if score is None:
            raise UpstreamError(f"the judge '{judge.id}' named no number", "choose a stronger judge")
        return score, cost


class _Further:
    """Asks models again while a signal of an answer is measured.

    Attributes:
        usd: what that has cost.
    """

    def __init__(self, asker: Asker, spec: ModelSpec, question: Question):
        self._asker, self._spec, self._question = asker, spec, question
        self.usd = 0.0

    async def samples(self, count: int) -> Sequence[str]:
        """Texts of more answers of the same model to the same question."""
        request = self._question.request(self._spec.id)
        several = replace(request, options={**request.options, **SAMPLING, "n": count})
        reply = await self._asker.pay(self._spec, several, self._question)
        self.usd += reply.usage.cost_usd(self._spec)
        return reply.texts

    async def opinion(self, judge: str, text: str) -> str:
        """What another model says to a text."""
        spec = self._asker.judges[judge]
        verdict = await self._asker.opinion(spec, text)
        self.usd += verdict.usage.cost_usd(spec)
        return verdict.text


def worst_cost(
    question: Question,
    spec: ModelSpec,
    judge: ModelSpec | None,
    signals: Sequence[str] = (),
    judges: Mapping[str, ModelSpec] = MappingProxyType({}),
) -> float:
    """What a question can cost, USD: its longest answer, those for its signals, its judges; of files, a full window."""
    request = question.request(spec.id)
    tokens = max(request.token_count, spec.context_window) if question.files else request.token_count
    longest = question.max_tokens or spec.max_output
    cost = spec.cost_usd(tokens, longest) * (1 + sum(map(samples_wanted, signals)))
    verdict = int(JUDGING["max_tokens"])
    read = estimate_tokens(question.prompt) + longest + verdict
    if question.grader == "judge" and judge is not None:
        cost += judge.cost_usd(estimate_tokens(str(question.answer)) + read, verdict)
    return cost + sum(judges[name].cost_usd(read, verdict) for name in map(judge_of, signals) if name)
