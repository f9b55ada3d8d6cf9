"""WholeReader: files read from end to end, a window at a time; the model answers from what it noted of each."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.chat.context import cited, covered, labels_of, readable_of
from autopicker_lab.chat.fence import defuse, fence_mark
from autopicker_lab.chat.file_context import room_for, token_ratio
from autopicker_lab.chat.side_calls import SideCalls
from autopicker_lab.chat.windows import Sizes, Windows, windows_of
from autopicker_lab.core import AutopickerError, BudgetError, ChatRequest, ContextReport, Document, Part
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.known_models import token_family
from autopicker_lab.runtime.progress import report_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.chat.holding import ModelSource
    from autopicker_lab.core import FileReading, ReadingPlan, ReadPassage, Route
    from autopicker_lab.retrieval import Retriever

_AT_ONCE = 4  # windows that a model reads at the same time
_NOTHING = "NONE"  # what a model is asked to say of a window that holds nothing
_NOTE = (
    "This is stretch {number} of {count} of what is asked about. Note what in it helps to answer the question: "
    "a few words for each thing, names and numbers as they stand there. If nothing in it does, say "
    f"{_NOTHING}.\n\nText {{mark}}:\n{{text}}\nEnd of text {{mark}}\n\nQuestion: {{question}}"
)
_JOIN = (
    "These notes were taken for a question. Write them together, shorter, and keep every name and number that helps "
    "to answer it.\n\nNotes {mark}:\n{text}\nEnd of notes {mark}\n\nQuestion: {question}"
)
_ALL_SILENT = "In none of the {count} stretches that were read anything was found that helps to answer the question."


class WholeReader:
    """Reads the whole of files in steps, for requests that ask for it.

    Args:
        source: asks models: the pipeline. retriever: chooses, where the bounds do not allow all.
    """

    def __init__(self, source: ModelSource, retriever: Retriever):
        self._source, self._retriever = source, retriever

    async def plan(self, model: str, request: ChatRequest, documents: Sequence[Document]) -> ReadingPlan:
        """What reading takes at most; asks no model.

        Raises:
            InvalidRequestError: the bounds do not allow a single window.
        """
        return (await self._windows(model, request, readable_of(documents)[0])).plan

    async def read(self, route: Route, request: ChatRequest, documents: Sequence[Document]) -> ChatRequest:
        """The request with notes in place of its files.

        A window that no model of the route answers for is left out, and said so.

        Raises:
            InvalidRequestError: as `plan`. AutopickerError: no window could be read.
        """
        reading = request.reading
        assert reading is not None  # it asks for it
        readable, warnings = readable_of(documents)
        if not readable:
            return request
        windows = await self._windows(route.model, request, readable)
        spec = self._source.catalogue.get(route.model).describe()
        calls = SideCalls(self._source, route, request)
        at_once = 1 if spec.provider == "local" else min(_AT_ONCE, spec.max_concurrency or _AT_ONCE)
        noting = _Noting(calls, windows, request.question, reading)
        return replace(request, reading=noting.told(await noting.all(at_once), warnings))

    async def _windows(self, model: str, request: ChatRequest, documents: Sequence[Document]) -> Windows:
        chat = self._source.catalogue.get(model)
        spec = chat.describe()
        ratio, exact = await token_ratio(chat, documents)
        question = ChatRequest.of(request.question).tokens_by(token_family(spec))
        sizes = Sizes.of(spec, question, room_for(spec, request, exact), ratio)
        return await asyncio.to_thread(windows_of, spec, request, documents, sizes, self._retriever)


class _Note(NamedTuple):
    """What was noted of some windows, given by their numbers."""

    text: str
    windows: tuple[int, ...]


class _Noting:
    """One reading: the notes of its windows."""

    def __init__(self, calls: SideCalls, windows: Windows, question: str, reading: FileReading):
        self._calls, self._windows, self._question, self._reading = calls, windows, question, reading
        self._noted: dict[int, str] = {}
        self._failures: list[AutopickerError] = []
        self._stopped = ""

    async def all(self, at_once: int) -> list[_Note]:
        """Notes of the windows in reading order, joined until they have room together."""
        gate = asyncio.Semaphore(at_once)

        async def note(number: int) -> None:
            async with gate:
                if not self._stopped and self._may_ask():
                    await self._note(number)

        async with asyncio.TaskGroup() as group:
            for number in range(len(self._windows.stretches)):
                group.create_task(note(number))
        if self._failures and not self._noted:
            raise self._failures[0]
        found = [_Note(text, (number,)) for number, text in sorted(self._noted.items()) if _says_something(text)]
        return await self._with_room(found)

    def _may_ask(self) -> bool:
        """Whether one more call is within the bound; the plan is, but a model that stands in may be dearer."""
        costs, most = [call.cost_usd for call in self._calls.calls], self._reading.max_usd
        if most is not None and sum(costs) + max(costs, default=0.0) > most:
            self._stopped = f"a model that stood in costs more, and {most:g} USD are the bound"
        return not self._stopped

    async def _note(self, number: int) -> None:
        stretches = self._windows.stretches
        text, mark = cited(stretches[number])
        about = {"number": number + 1, "count": len(stretches), "mark": mark, "text": text, "question": self._question}
        try:
            self._noted[number] = await self._calls.ask(_NOTE.format(**about), self._windows.sizes.note)
        except AutopickerError as error:
            self._failures.append(error)
            if isinstance(error, BudgetError):
                self._stopped = error.detail
        done = len(self._noted) + len(self._failures)
        if not report_progress(self._reading.progress, done, len(stretches)):
            self._stopped = "it was stopped"

    async def _with_room(self, notes: list[_Note]) -> list[_Note]:
        """The notes, joined by runs for as long as they have no room; where that fails, as they are."""
        sizes = self._windows.sizes
        room = int(sizes.notes / sizes.ratio)
        while len(notes) > 1 and sum(estimate_tokens(one.text) for one in notes) > room and self._may_ask():
            runs = [notes[start : start + sizes.joined] for start in range(0, len(notes), sizes.joined)]
            try:
                notes = [await self._joined(run) for run in runs]
            except AutopickerError as error:
                self._failures.append(error)
                break
        return notes

    async def _joined(self, notes: Sequence[_Note]) -> _Note:
        if len(notes) == 1:
            return notes[0]
        text = defuse("\n\n".join(f"[{self._span(one)}]\n{one.text}" for one in notes))
        prompt = _JOIN.format(mark=fence_mark([text]), text=text, question=self._question)
        joined = await self._calls.ask(prompt, self._windows.sizes.note)
        return _Note(joined, tuple(number for one in notes for number in one.windows))

    def _span(self, note: _Note) -> str:
        """From where to where a note is of: "report.pdf, page 1 to page 12"."""
        first, last = self._windows.stretches[note.windows[0]][0], self._windows.stretches[note.windows[-1]][-1]
        start = f"{first.file}, {first.part}"
        if first.file != last.file:
            return f"{start} to {last.file}, {last.part}"
        return start if first.part == last.part else f"{start} to {last.part}"

    def told(self, notes: Sequence[_Note], warnings: tuple[str, ...]) -> FileReading:
        """The reading with its notes, and the report on what they are of."""
        windows, count, planned = self._windows, len(self._noted), len(self._windows.stretches)
        read = self._numbered(notes)
        if count < planned:
            warnings += (f"{count} of {planned} stretches were read: {self._stopped or self._failures[0].detail}",)
        report = ContextReport(
            used=labels_of(read),
            left_out=windows.left_out,
            warnings=warnings,
            passages=read,
            coverage=windows.plan.coverage if count == planned else _shares(read, windows.documents),
        )
        parts = [Part(self._span(one), one.text) for one in notes]
        parts = parts or [Part("all that was read", _ALL_SILENT.format(count=count))]
        text = "\0".join(f"{part.label}\0{part.text}" for part in parts)
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return replace(
            self._reading,
            notes=Document("notes", "txt", tuple(parts), sha256=digest),
            report=report,
            calls=(*self._reading.calls, *self._calls.calls),
            charged_usd=self._reading.charged_usd + self._calls.charged_usd,
        )

    def _numbered(self, notes: Sequence[_Note]) -> tuple[ReadPassage, ...]:
        """What was read, under the numbers by which the prompt knows the notes of it; the rest after these."""
        numbers = {window: number for number, note in enumerate(notes, 1) for window in note.windows}
        return tuple(
            replace(passage, number=numbers.setdefault(window, len(numbers) + 1))
            for window in sorted(self._noted)
            for passage in self._windows.stretches[window]
        )


def _says_something(note: str) -> bool:
    return bool(note) and note.strip(".*\"'` \n").upper() != _NOTHING


def _shares(read: Sequence[ReadPassage], documents: Sequence[Document]) -> tuple[tuple[str, float], ...]:
    given = Counter[str]()
    for passage in read:
        given[passage.file] += len(passage.text)
    return covered(documents, [min(1.0, given[d.name] / max(len(d.text), 1)) for d in documents])
