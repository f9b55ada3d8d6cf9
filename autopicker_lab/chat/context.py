"""Files into a model's token budget: whole where they fit, the passages that the retriever finds where not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.chat.fence import defuse, fence_mark
from autopicker_lab.chat.sources import is_far
from autopicker_lab.core import ContextReport, Document, ReadPassage
from autopicker_lab.core.show import html_table, html_text
from autopicker_lab.core.text import clip
from autopicker_lab.core.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import FileReading, Message
    from autopicker_lab.retrieval import ChosenPassage, Retriever
    from autopicker_lab.runtime.progress import Progress

_LABEL_CHARACTERS = 300
_EARLIER = 3  # questions of a conversation by which it is told whether anything near was found
_FAR = "nothing near to the question was found: its answer may not be in the files"


@dataclass(frozen=True)
class Context:
    """Text to put before a question, and the report on which passages it consists of.

    Attributes:
        mark: a word that stands in no passage: the labels of passages and the text's begin and end carry it.
        budget: tokens that it was to have at most.
        is_far: nothing near to the question was found in the files, so that its answer may not be in them.
        model: id of the model whose tokens they are; "" for none.
    """

    text: str
    report: ContextReport
    mark: str
    budget: int = 0
    model: str = ""
    is_far: bool = False

    def before(self, question: str) -> str:
        """The prompt: the text, whose end is where the mark says so and nowhere else, and the question after it."""
        text = f"Text {self.mark}:\n{self.text}\nEnd of text {self.mark}"
        else_say = " If the answer is not in the text, say that the files do not hold it." if self.is_far else ""
        return f"Answer the question from the text.{else_say}\n\n{text}\n\nQuestion: {question}"

    def to_dict(self) -> dict[str, Any]:
        """The context as JSON can hold it."""
        return {
            "text": self.text,
            "tokens": self.report.tokens,
            "budget": self.budget,
            "model": self.model or None,
            **self.report.to_dict(),
            "passages": [passage.to_dict() for passage in self.report.passages],
        }

    def _repr_html_(self) -> str:
        rows = [
            (f"{p.file}, {p.part}", p.why, f"{p.score:.2f}" if p.score else "", clip(p.text, 160))
            for p in self.report.passages
        ]
        notes = "".join(html_text(line) for line in (*self.report.left_out, *self.report.warnings))
        title = f"{self.report.tokens:,} tokens of at most {self.budget:,}"
        return html_table(["passage", "why", "score", "text"], rows, title) + notes


def fit(
    documents: Sequence[Document],
    question: str | Sequence[Message],
    budget: int,
    retriever: Retriever,
    progress: Progress | None = None,
) -> Context:
    """Cite `documents` in at most about `budget` tokens, each passage under its file and Part.

    Args:
        question: the question, or the messages of which it is the last.
        progress: told of what is waited for; False: go on without.
    """
    readable, warnings = readable_of(documents)
    found = retriever.select(question, readable, budget, progress=progress)
    passages = numbered(found.passages, readable)
    text, mark = cited(passages)
    far = all(passage.why == "near" for passage in passages) and is_far(_asked(question), passages)
    report = ContextReport(
        used=labels_of(passages),
        left_out=found.left_out,
        tokens=estimate_tokens(text),
        warnings=(*warnings, *found.warnings, *((_FAR,) if far else ())),
        passages=passages,
        coverage=covered(readable, found.coverage) if passages else (),
        method=found.method if passages else "",
        encoder=found.encoder,
    )
    return Context(text, report, mark, budget, is_far=far)


def readable_of(documents: Sequence[Document]) -> tuple[list[Document], tuple[str, ...]]:
    """The documents that have text, and a line for each of the others."""
    readable = [document for document in documents if document.text.strip()]
    return readable, tuple(f"{d.name}: no text was found in it" for d in documents if d not in readable)


def cited(passages: Sequence[ReadPassage]) -> tuple[str, str]:
    """Passages under their labels, as a model is given them, and the mark that labels carry."""
    texts = [defuse(passage.text) for passage in passages]
    mark = fence_mark(texts)
    return "\n\n".join(_blocks(passages, texts, mark)), mark


def labels_of(passages: Sequence[ReadPassage]) -> tuple[str, ...]:
    """The labels of passages, each once."""
    return tuple(dict.fromkeys(map(_label, passages)))


def covered(documents: Sequence[Document], shares: Sequence[float]) -> tuple[tuple[str, float], ...]:
    """The share of each document's text that is given, by its name."""
    return tuple((d.name, share) for d, share in zip(documents, shares, strict=True))


def _asked(question: str | Sequence[Message]) -> str:
    """What is asked, with the questions before it that it may refer to."""
    if isinstance(question, str):
        return question
    return "\n".join([message.text for message in question if message.role == "user"][-_EARLIER:])


def in_tokens_of(context: Context, model: str, budget: int, ratio: float) -> Context:
    """A context with its tokens as a model counts them, which finds `ratio` times as many as were estimated."""
    tokens = round(context.report.tokens * ratio)
    return replace(context, report=replace(context.report, tokens=tokens), budget=budget, model=model)


def with_reading(context: Context, reading: FileReading) -> Context:
    """A context whose report says what was done for it before: the whole was read in steps, the question rewritten."""
    report = context.report
    if reading.report is not None:
        report = replace(reading.report, tokens=report.tokens, method="steps")
    told = replace(
        report,
        warnings=(*report.warnings, *reading.warnings),
        question=reading.question,
        calls=reading.calls,
        charged_usd=reading.charged_usd,
    )
    return replace(context, report=told)


def numbered(chosen: Sequence[ChosenPassage], documents: Sequence[Document]) -> tuple[ReadPassage, ...]:
    """The passages in reading order; those of one label have one number, as they stand under it together."""
    numbers: dict[str, int] = {}
    passages = []
    for one in sorted(chosen, key=lambda one: one.passage.document):
        part = one.passage.part
        passage = ReadPassage(
            0, documents[one.passage.document].name, part.label, part.text, part.places, one.why, one.score, one.scores
        )
        number = numbers.setdefault(_label(passage), len(numbers) + 1)
        passages.append(replace(passage, number=number))
    return tuple(passages)


def _label(passage: ReadPassage) -> str:
    return clip(f"{passage.file}, {passage.part}", _LABEL_CHARACTERS)


def _blocks(passages: Sequence[ReadPassage], texts: Sequence[str], mark: str) -> list[str]:
    """Each passage, the first of a number under its label."""
    blocks = []
    headed: set[int] = set()
    for passage, text in zip(passages, texts, strict=True):
        head = f"[{mark} {passage.number}: {defuse(_label(passage))}]\n"
        blocks.append(text if passage.number in headed else head + text)
        headed.add(passage.number)
    return blocks
