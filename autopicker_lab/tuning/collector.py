"""Collect outcomes: ask live models a labelled set of questions, grade the answers, keep every row as it comes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from autopicker_lab.core import AutopickerError, InvalidRequestError, ModelSpec
from autopicker_lab.grading.checks import CheckRunner, written_out
from autopicker_lab.grading.code_grading import check_code_grading
from autopicker_lab.routing.signals import check_signal, judge_of
from autopicker_lab.tuning.asking import Asker, AskModel, Patience, worst_cost
from autopicker_lab.tuning.collected import CollectionResult, ModelSummary, Row, count_rows, existing_rows, usd_of
from autopicker_lab.tuning.questions import Question, unread_keys

CollectionProgress = Callable[[CollectionResult], bool | None]  # not a count: what was spent and what rests, too
PATIENCE_S = 120.0
_GIVEN_UP = 5  # questions in a row that a model fails before it is asked no more


async def collect(
    questions: Sequence[Question],
    models: Sequence[ModelSpec],
    ask: AskModel,
    out: str | Path,
    *,
    judge: ModelSpec | None = None,
    max_cost_usd: float | None = None,
    parallel: int = 1,
    samples: int = 1,
    patience_s: float = PATIENCE_S,
    trust_code: bool = False,
    signals: Sequence[str] = (),
    judges: Mapping[str, ModelSpec] = MappingProxyType({}),
    checks: CheckRunner | None = None,
    progress: CollectionProgress | None = None,
) -> CollectionResult:
    """Ask each question of each model and append an Outcome, with grader and reply, to the JSONL file `out`.

    It goes question by question over all models, so that whatever ends it leaves questions that all of them answered.
    Rows that `out` holds already are not asked again, so that a run that was stopped goes on where it ended. A row
    is written once it is graded; cancelling loses only the answers under way.

    Args:
        ask: the pipeline's own way to an answer (Pipeline.complete); see asking.AskModel.
        judge: the model that grades "judge" questions.
        max_cost_usd: no question is begun where the longest answers of all models, and their judge, could pass this;
            what the rows of `out` have cost counts.
        parallel: answers under way at once; the models share the machine, so latency_s grows with it.
        samples: answers of each model to each question, a row each; they differ where the temperature is not 0.
        patience_s: seconds that one answer may be waited for where a model fails or rests. One that fails five
            questions in a row is asked no more, nor is anything that such a judge would have to grade.
        trust_code: run the code of "python" answers, too, where this system cannot shut it in.
        signals: to measure on each answer beside its log-probabilities, see routing.signals.
        judges: the models that signals ask for their opinion, by name.
        checks: runs the signals that are checks; None: with a person's own from this folder.
        progress: called with the result so far, before the first question, after each row and before each wait;
            returning False ends the run, with `stopped` set: no further question is begun, and those under way are
            finished.

    Raises:
        InvalidRequestError: a judge question without a judge, an unknown signal, a file of other questions in the way,
            or code that can neither be shut in nor is trusted.
    """
    if judge is None and any(question.grader == "judge" for question in questions):
        raise InvalidRequestError("some questions are graded by a judge", "name one with judge= (--judge MODEL)")
    signals = [written_out(name) for name in signals]
    checks = CheckRunner(Path()) if checks is None else checks
    await asyncio.to_thread(_check_signals, signals, judges, checks)
    if any(question.grader == "python" for question in questions):
        await asyncio.to_thread(check_code_grading, trust_code)
    by_id = {question.prompt_id: question for question in questions}
    target, rows = await asyncio.to_thread(existing_rows, out, by_id)
    specs = {spec.id: spec for spec in models}
    state, answered = _begun(rows, by_id, specs, samples)
    run = _Run(state, max_cost_usd, max(parallel, 1), progress)
    patience = Patience(patience_s, run.tell)
    asker = Asker(ask, judge, patience, run.pay, trust_code, signals=signals, judges=judges, checks=checks)
    work = _work(questions, list(specs.values()), samples, answered)
    run.report()
    try:
        with target.open("a", encoding="utf-8", errors="backslashreplace") as file:
            async for row in run.rows(work, asker):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                state.add(row)
                run.report()
    finally:
        await asyncio.to_thread(checks.close)
    state.notes += tuple(f"{count:,} answers lack the signal {why}" for why, count in asker.unmeasured.most_common())
    return state


def _check_signals(signals: Sequence[str], judges: Mapping[str, ModelSpec], checks: CheckRunner) -> None:
    """InvalidRequestError for signals that cannot be measured here."""
    for name in signals:
        check_signal(name)
        checks.refuse_what_cannot_run(name)
        if (judge := judge_of(name)) and judge not in judges:
            raise InvalidRequestError(f"no model '{judge}' for the signal '{name}'", "name one of the catalogue")
        if name.startswith("tests:"):
            check_code_grading(trust_code=False)  # as a service will run it


def _begun(
    rows: Sequence[Row], questions: Mapping[str, Question], models: Mapping[str, ModelSpec], samples: int
) -> tuple[CollectionResult, Counter[tuple[str, str]]]:
    """The result before anything is asked, and how often each prompt and model was answered."""
    note = unread_keys(list(questions.values()))
    state = CollectionResult(
        total=len(questions) * len(models) * samples,
        cost_usd=sum(map(usd_of, rows)),
        failed=[],
        by_model={name: ModelSummary() for name in models},
        notes=(note,) if note else (),
    )
    for row in rows:
        if row["prompt_id"] in questions and row["model"] in models:
            state.by_model[row["model"]].add(row)
    answered = count_rows(rows)
    state.skipped = sum(min(answered[name, model], samples) for name in questions for model in models)
    return state, answered


def _work(
    questions: Sequence[Question], specs: Sequence[ModelSpec], samples: int, answered: Counter[tuple[str, str]]
) -> Iterator[list[tuple[Question, ModelSpec]]]:
    """For each question whom it is still to be asked of, to and fro: a server may hold one model at a time."""
    for number, question in enumerate(questions):
        left = [
            (question, spec)
            for spec in (specs if number % 2 == 0 else specs[::-1])
            for _ in range(samples - answered[question.prompt_id, spec.id])
        ]
        if left:
            yield left


@dataclass
class _Run:
    """One run of a collection: what is under way, what it may cost, and whom it reports to."""

    state: CollectionResult
    limit: float | None
    parallel: int
    progress: CollectionProgress | None
    running: dict[asyncio.Task[Row], tuple[Question, ModelSpec, float]] = field(default_factory=dict)
    begun: deque[tuple[Question, ModelSpec, float]] = field(default_factory=deque)

    def report(self) -> None:
        """Report the state; `stopped` is set where the callback asks for the end."""
        if self.progress is not None and self.progress(self.state) is False:
            self.state.stopped = self.state.stopped or "stopped by its caller"

    def tell(self, resting: str) -> bool:
        """Report what is waited for ("": nothing any more); whether the run goes on."""
        self.state.resting = resting
        if resting:
            self.report()
        return not self.state.stopped

    def pay(self, usd: float) -> None:
        """Count what was spent."""
        self.state.cost_usd += usd

    async def rows(self, work: Iterator[list[tuple[Question, ModelSpec]]], asker: Asker) -> AsyncIterator[Row]:
        """The rows of the work in the order that they end; what fails is kept in the state."""
        try:
            while True:
                self._start(work, asker)
                if not self.running:
                    return
                finished, _ = await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    question, spec, _ = self.running.pop(task)
                    try:
                        yield task.result()
                    except AutopickerError as error:
                        self._fail(question, spec, error)
        finally:
            for task in self.running:
                task.cancel()
            await asyncio.gather(*self.running, return_exceptions=True)

    def _start(self, work: Iterator[list[tuple[Question, ModelSpec]]], asker: Asker) -> None:
        """Ask as many as may be under way at once."""
        while len(self.running) < self.parallel:
            while not self.begun:
                if self.state.stopped or not self._begin(next(work, None), asker):
                    return
            question, spec, worst = self.begun.popleft()
            needed = [spec, asker.judge] if question.grader == "judge" else [spec]
            if any(asker.patience.failures.get(model.id, 0) >= _GIVEN_UP for model in needed if model):
                self.state.by_model[spec.id].left_out += 1
                continue
            self.running[asyncio.ensure_future(asker.row(question, spec))] = question, spec, worst

    def _begin(self, question: list[tuple[Question, ModelSpec]] | None, asker: Asker) -> bool:
        """Begin the next question, if there is one and its answers can be paid for."""
        if question is None:
            return False
        asked = [(one, spec, worst_cost(one, spec, asker.judge, asker.signals, asker.judges)) for one, spec in question]
        held = sum(worst for _, _, worst in [*self.running.values(), *asked])
        if self.limit is not None and self.state.cost_usd + held > self.limit:
            self.state.stopped = f"the next question's answers could pass the limit of {self.limit:g} USD"
            return False
        self.begun.extend(asked)
        return True

    def _fail(self, question: Question, spec: ModelSpec, error: AutopickerError) -> None:
        self.state.failed = [*self.state.failed, f"{question.prompt_id} {spec.id}: {error}"]
        self.state.by_model[spec.id].failed += 1
        self.report()
