"""Collect outcomes: ask live models a labelled set of questions, grade the answers, keep every row as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autopicker_lab.core import (
    AutopickerError,
    ChatReply,
    ChatRequest,
    InvalidRequestError,
    ModelSpec,
    ModelUnavailableError,
    Outcome,
    RateLimitError,
    UpstreamError,
)
from autopicker_lab.core.text import estimate_tokens
from autopicker_lab.tuning import grade
from autopicker_lab.tuning.code_grading import check_code_grading

AskModel = Callable[[ChatRequest], Awaitable[ChatReply]]
_VERDICT = 200  # tokens a judge may write
_RESTS = 5  # of a model that fails or is over its rate limit, for one question
_LONGEST_REST_S = 120.0
CollectionProgress = Callable[["CollectionResult"], bool | None]  # not a count: what was spent and what rests, too


@dataclass(frozen=True)
class Question:
    """A line of a labelled prompt set (JSONL).

    Attributes:
        grader: one of grade.GRADERS or "judge".
        answer: what the grader compares with: a text or a list of them, a number, a letter, a pattern, a JSON
            schema, Python assertions, or a reference answer.
        max_tokens: the longest reply; None leaves it to the model.
    """

    prompt_id: str
    prompt: str
    grader: str
    answer: Any
    task: str = ""
    max_tokens: int | None = None


@dataclass
class CollectionResult:
    """How far a collection is.

    Attributes:
        right: sum of the scores of the rows that were added.
        cost_usd: spent on the rows of the file and on judging them.
        failed: models that did not answer, or a judge that gave no number, as `prompt_id model: why`; asked again by
            the next run.
        stopped: why it ended early, "" where it did not.
        resting: what it waits for now, "" where it asks.
    """

    total: int
    done: int = 0
    skipped: int = 0
    right: float = 0.0
    cost_usd: float = 0.0
    failed: list[str] | tuple[str, ...] = ()
    stopped: str = ""
    resting: str = ""

    @property
    def mean_score(self) -> float | None:
        """Of the rows that were added; None where there are none."""
        return self.right / self.done if self.done else None


def read_questions(path: str | Path) -> list[Question]:
    """The questions of a JSONL file; InvalidRequestError names the line and what is wrong with it."""
    source = Path(path).expanduser()
    try:
        lines = source.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"cannot read '{source}': {error}", "check the path") from None
    questions: dict[str, Question] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        question = _question(line, f"{source.name}, line {number}")
        if question.prompt_id in questions:
            detail = f"{source.name}, line {number}: prompt_id '{question.prompt_id}' came before"
            raise InvalidRequestError(detail, "give each question an id of its own")
        questions[question.prompt_id] = question
    if not questions:
        raise InvalidRequestError(f"'{source.name}' has no questions", "write one JSON object a line")
    return list(questions.values())


async def collect(
    questions: Sequence[Question],
    models: Sequence[ModelSpec],
    ask: AskModel,
    out: str | Path,
    *,
    judge: ModelSpec | None = None,
    max_cost_usd: float | None = None,
    parallel: int = 1,
    trust_code: bool = False,
    progress: CollectionProgress | None = None,
) -> CollectionResult:
    """Ask each question of each model and append an Outcome, with grader and reply, to the JSONL file `out`.

    Rows that `out` holds already are not asked again, so that a run that was stopped goes on where it ended. A row
    is written once it is graded; cancelling loses only the answers under way.

    Args:
        ask: the pipeline's own way to an answer (Pipeline.complete).
        judge: the model that grades "judge" questions.
        max_cost_usd: no question is begun where its longest answer, and its judge, could pass this; what the rows of
            `out` have cost counts.
        parallel: questions under way at once; the models share the machine, so latency_s grows with it.
        trust_code: run the code of "python" answers, too, where this system cannot shut it in.
        progress: called with the result so far, after each row and before each wait; returning False ends the run,
            with `stopped` set: no further question is asked, and the answers under way are kept.

    Raises:
        InvalidRequestError: a judge question without a judge, a file of other questions in the way, or code that can
            neither be shut in nor is trusted.
    """
    if judge is None and any(question.grader == "judge" for question in questions):
        raise InvalidRequestError("some questions are graded by a judge", "name one with judge= (--judge MODEL)")
    if any(question.grader == "python" for question in questions):
        await asyncio.to_thread(check_code_grading, trust_code)
    target, cost_of_rows = await asyncio.to_thread(
        _existing_rows, out, {question.prompt_id: question for question in questions}
    )
    different = list({spec.id: spec for spec in models}.values())
    work = [(q, m) for m in different for q in questions if (q.prompt_id, m.id) not in cost_of_rows]
    total = len(questions) * len(different)
    state = CollectionResult(total, skipped=total - len(work), cost_usd=sum(cost_of_rows.values()), failed=[])
    with target.open("a", encoding="utf-8", errors="backslashreplace") as file:
        async for row, why in _rows(
            work, _patient(ask, state, progress), judge, max_cost_usd, parallel, state, trust_code
        ):
            if row is None:
                state.failed = [*state.failed, why]
            else:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                state.done += 1
                state.right += row["score"]
            _report(progress, state)
    return state


def _report(progress: CollectionProgress | None, state: CollectionResult) -> None:
    """Report the state; `stopped` is set where the callback asks for the end."""
    if progress is not None and progress(state) is False:
        state.stopped = state.stopped or "stopped by its caller"


def _patient(ask: AskModel, state: CollectionResult, progress: CollectionProgress | None) -> AskModel:
    """`ask` that waits where a model rests after failures, or is over its rate limit, and then asks again."""

    async def patient(request: ChatRequest) -> ChatReply:
        for _ in range(_RESTS):
            try:
                return await ask(request)
            except (ModelUnavailableError, RateLimitError) as error:
                if error.retry_after is None or error.retry_after > _LONGEST_REST_S:
                    raise
                state.resting = f"{error.detail}: waiting for {error.retry_after:.0f} s"
                _report(progress, state)
                if state.stopped:
                    state.resting = ""
                    raise
                await asyncio.sleep(error.retry_after)
                state.resting = ""
        return await ask(request)

    return patient


async def _rows(
    work: Iterable[tuple[Question, ModelSpec]],
    ask: AskModel,
    judge: ModelSpec | None,
    limit: float | None,
    parallel: int,
    state: CollectionResult,
    trust_code: bool,
) -> AsyncIterator[tuple[dict[str, Any] | None, str]]:
    """A row, or why there is none, for each question and model, in the order that they end."""
    waiting = iter(work)
    running: dict[asyncio.Task[dict[str, Any]], tuple[str, float]] = {}

    async def ask_and_pay(request: ChatRequest, spec: ModelSpec) -> ChatReply:
        reply = await ask(request)
        state.cost_usd += _cost(reply, spec)  # also of an answer that no row will come of
        return reply

    try:
        while True:
            while len(running) < max(parallel, 1) and not state.stopped:
                next_pair = next(waiting, None)
                if next_pair is None:
                    break
                question, spec = next_pair
                worst = _worst_cost(question, spec, judge)
                committed = state.cost_usd + sum(cost for _, cost in running.values())
                if limit is not None and committed + worst > limit:
                    state.stopped = f"the next answer could pass the limit of {limit:g} USD"
                    break
                task = asyncio.ensure_future(_row(question, spec, ask_and_pay, judge, trust_code))
                running[task] = (f"{question.prompt_id} {spec.id}", worst)
            if not running:
                return
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                name, _ = running.pop(task)
                try:
                    yield task.result(), ""
                except AutopickerError as error:
                    yield None, f"{name}: {error}"
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _row(
    question: Question,
    spec: ModelSpec,
    ask_and_pay: Callable[[ChatRequest, ModelSpec], Awaitable[ChatReply]],
    judge: ModelSpec | None,
    trust_code: bool,
) -> dict[str, Any]:
    options = {} if question.max_tokens is None else {"max_tokens": question.max_tokens}
    reply = await ask_and_pay(ChatRequest.of(question.prompt, model=spec.id, options=options), spec)
    judging_usd = 0.0
    if question.grader == "judge":
        assert judge is not None  # collect has seen to it

        async def opinion(text: str) -> str:
            nonlocal judging_usd
            options = {"temperature": 0, "max_tokens": _VERDICT}
            verdict = await ask_and_pay(ChatRequest.of(text, model=judge.id, options=options), judge)
            judging_usd += _cost(verdict, judge)
            return verdict.text

        score = await grade.grade_by_judge(question.prompt, reply.text, question.answer, opinion)
        if score is None:
            raise UpstreamError(f"the judge '{judge.id}' named no number", "choose a stronger judge")
    else:
        score = await asyncio.to_thread(
            grade.grade_reply, question.grader, reply.text, question.answer, trust_code=trust_code
        )
    outcome = Outcome(
        prompt_id=question.prompt_id,
        prompt=question.prompt,
        task=question.task,
        model=spec.id,
        score=score,
        cost_usd=_cost(reply, spec),
        prompt_tokens=reply.usage.prompt_tokens,
        completion_tokens=reply.usage.completion_tokens,
        latency_s=None if reply.total_s is None else round(reply.total_s, 3),
    )
    row = {**asdict(outcome), "grader": question.grader, "answer": question.answer, "reply": reply.text}
    return row | {"judge_usd": judging_usd} if judge is not None else row


def _cost(reply: ChatReply, spec: ModelSpec) -> float:
    return reply.usage.cost_usd(spec)


def _worst_cost(question: Question, spec: ModelSpec, judge: ModelSpec | None) -> float:
    """What a question can cost: its longest answer, and the judge who reads it."""
    tokens, longest = ChatRequest.of(question.prompt).token_count, question.max_tokens or spec.max_output
    cost = spec.cost_usd(tokens, longest)
    if question.grader == "judge" and judge is not None:
        reference = estimate_tokens(str(question.answer))
        cost += judge.cost_usd(tokens + longest + reference + _VERDICT, _VERDICT)
    return cost


def _existing_rows(out: str | Path, questions: Mapping[str, Question]) -> tuple[Path, dict[tuple[str, str], float]]:
    """The file, and the cost of each prompt and model in it; a last line that was cut short is taken away."""
    path = Path(out).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return path, {}
    raw = path.read_bytes()
    complete_lines = raw[: raw.rfind(b"\n") + 1]
    cost_of_rows = {}
    for number, line in enumerate(complete_lines.decode("utf-8", "replace").split("\n")[:-1], 1):
        where = f"'{path}', line {number}"
        try:
            row = json.loads(line)
            key, prompt = (row["prompt_id"], row["model"]), row["prompt"]
            cost_of_rows[key] = float(row.get("cost_usd") or 0.0) + float(row.get("judge_usd") or 0.0)
        except (ValueError, KeyError, TypeError):
            raise InvalidRequestError(f"{where} is not an outcome", "collect into a new file") from None
        question = questions.get(key[0])
        if question is not None and question.prompt != prompt:
            raise InvalidRequestError(f"{where}: prompt '{key[0]}' had another text", "collect into a new file")
        if question is not None and (row.get("grader"), row.get("answer", question.answer)) != (
            question.grader,
            question.answer,
        ):
            hint = "remove the rows of that prompt to ask again, or collect into a new file"
            raise InvalidRequestError(f"{where}: prompt '{key[0]}' was graded by another answer", hint)
    if len(complete_lines) != len(raw):
        path.write_bytes(complete_lines)
    return path, cost_of_rows


def _question(line: str, where: str) -> Question:
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise InvalidRequestError(f"{where}: not JSON: {error}", "write one JSON object a line") from None
    fields = ("prompt_id", "prompt", "grader", "answer")
    missing = [name for name in fields if not isinstance(raw, dict) or raw.get(name) in (None, "")]
    if missing:
        raise InvalidRequestError(f"{where}: '{missing[0]}' is missing", f"needed: {', '.join(fields)}")
    limit = raw.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise InvalidRequestError(f"{where}: 'max_tokens' must be a positive whole number", "correct it")
    try:
        grade.check_answer(str(raw["grader"]), raw["answer"])
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{where}: {error.detail}", error.hint) from None
    return Question(
        str(raw["prompt_id"]), str(raw["prompt"]), str(raw["grader"]), raw["answer"], str(raw.get("task") or ""), limit
    )
