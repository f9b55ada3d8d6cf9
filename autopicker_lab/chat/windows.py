"""Windows: files cut into stretches that a model reads one at a time, and what that takes of calls, tokens and USD."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.chat.context import covered, numbered
from autopicker_lab.core import InvalidRequestError, ReadingPlan
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.retrieval import ChosenPassage, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.core import ChatRequest, Document, FileReading, ModelSpec, ReadPassage
    from autopicker_lab.retrieval import Retriever

NOTE_TOKENS = 200  # of what is noted of a window
PROMPT_TOKENS = 120  # of what a window stands in, beside the question
_WINDOW_TOKENS = 4_000  # longer ones are read less well (Liu et al. 2023, arXiv:2307.03172), and noted in fewer words
LABEL_TOKENS = 12
_FEWER = 0.95


class Sizes(NamedTuple):
    """Tokens, as a model counts them: of a window, its note, all notes together, the question with what it stands in.

    `ratio` is how many times as many the model finds as are estimated.
    """

    window: int
    note: int
    notes: int
    question: int
    ratio: float

    @classmethod
    def of(cls, spec: ModelSpec, question_tokens: int, room: int, ratio: float) -> Sizes:
        """For a model, and a question whose context has so much room; InvalidRequestError where that is too little."""
        question = question_tokens + PROMPT_TOKENS
        note = min(NOTE_TOKENS, room // 6, spec.max_output)
        window = min(_WINDOW_TOKENS, room - question - note)
        if window < 2 * note or note < 1:
            hint = "shorten the question, or name a model with a larger window"
            raise InvalidRequestError(f"{spec.id} has no room to read files in steps", hint)
        return cls(window, note, room, question, ratio)

    @property
    def joined(self) -> int:
        """How many notes are joined at once."""
        return max(self.window // (self.note + LABEL_TOKENS), 2)

    @property
    def estimated_window(self) -> int:
        """Tokens of a window as they are estimated."""
        return max(int(self.window / self.ratio), 1)


@dataclass(frozen=True)
class Windows:
    """Stretches of files, with what they are of; `coverage` as of `Retrieved`."""

    plan: ReadingPlan
    sizes: Sizes
    stretches: Sequence[Sequence[ReadPassage]]
    documents: Sequence[Document]
    left_out: tuple[str, ...] = ()


def joins_of(windows: int, sizes: Sizes) -> int:
    """Calls that join the notes of so many windows, until they have room together."""
    calls, notes = 0, windows
    while notes > 1 and notes * sizes.note > sizes.notes:
        notes = math.ceil(notes / sizes.joined)
        calls += notes
    return calls


def windows_of(
    spec: ModelSpec, request: ChatRequest, documents: Sequence[Document], sizes: Sizes, retriever: Retriever
) -> Windows:
    """The windows that a request's bounds allow: all, or of what the retriever finds in as many as they do.

    Raises:
        InvalidRequestError: the bounds do not allow a single one.
    """
    assert request.reading is not None  # it asks for it
    every = list(_packed(_pieces(documents, sizes.estimated_window), documents, sizes.estimated_window))
    answer = min(request.max_tokens or spec.max_output, spec.max_output)
    allowed = _allowed(spec, request.reading, sizes, answer, len(every))
    if allowed >= len(every):
        plan = _plan(spec, sizes, answer, (len(every), len(every)), covered(documents, [1.0] * len(documents)))
        return Windows(plan, sizes, every, documents)
    budget = allowed * sizes.estimated_window
    while True:
        found = retriever.select(request.messages, documents, budget)
        kept = list(_packed(found.passages, documents, sizes.estimated_window))
        if len(kept) <= allowed or not budget:
            break
        budget = min(int(budget * _FEWER), budget * allowed // len(kept))
    kept = kept[:allowed]  # of very many files a word each is more than the windows hold
    shares = covered(documents, found.coverage)
    return Windows(_plan(spec, sizes, answer, (len(kept), len(every)), shares), sizes, kept, documents, found.left_out)


def _allowed(spec: ModelSpec, reading: FileReading, sizes: Sizes, answer: int, windows: int) -> int:
    """How many windows may be read, of so many."""
    for count in range(windows, 0, -1):
        plan = _plan(spec, sizes, answer, (count, windows), ())
        if plan.calls <= reading.max_calls and (reading.max_usd is None or plan.cost_usd <= reading.max_usd):
            return count
    one = _plan(spec, sizes, answer, (1, windows), ())
    raise InvalidRequestError(
        f"reading in steps takes at least {one.calls} calls and {one.cost_usd:.2g} USD with {spec.id}",
        "allow more (max_calls, max_usd), name a cheaper model, or ask without reading the whole",
    )


def _plan(
    spec: ModelSpec, sizes: Sizes, answer: int, windows: tuple[int, int], coverage: tuple[tuple[str, float], ...]
) -> ReadingPlan:
    """What reading so many windows, of all, takes at most."""
    steps = windows[0] + joins_of(windows[0], sizes)
    prompt = steps * (sizes.question + sizes.window)
    last = sizes.question + min(windows[0] * sizes.note, sizes.notes)
    cost = spec.cost_usd(prompt + last, steps * sizes.note + answer)
    return ReadingPlan(spec.id, *windows, steps + 1, prompt + last, steps * sizes.note + answer, cost, coverage)


def _pieces(documents: Sequence[Document], tokens: int) -> Iterator[ChosenPassage]:
    """All of the documents, in pieces that fit a window."""
    for number, document in enumerate(documents):
        for index, part in enumerate(document.parts):
            for piece in part.passages(max(tokens - LABEL_TOKENS, 1)) if part.text.strip() else ():
                yield ChosenPassage(Passage(number, index, piece), "all")


def _packed(
    chosen: Iterator[ChosenPassage] | Sequence[ChosenPassage], documents: Sequence[Document], tokens: int
) -> Iterator[Sequence[ReadPassage]]:
    """Passages in runs of at most so many estimated tokens, each at least one."""
    run: list[ChosenPassage] = []
    spent = 0
    for one in chosen:
        cost = estimate_tokens(one.passage.part.text) + LABEL_TOKENS
        if run and spent + cost > tokens:
            yield numbered(run, documents)
            run, spent = [], 0
        run.append(one)
        spent += cost
    if run:
        yield numbered(run, documents)
