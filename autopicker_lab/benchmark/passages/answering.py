"""How often a model's answer is right: with what the retriever finds, with the passage that holds it, with none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.core import StoppedError
from autopicker_lab.core.show import frame
from autopicker_lab.runtime.progress import Progress, report_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from autopicker_lab.benchmark.passages.asks import Ask
    from autopicker_lab.benchmark.passages.measuring import Corpus
    from autopicker_lab.workbench import Workbench

OURS, GOLD, NONE = "found", "gold passage", "none"
CONTEXTS = (OURS, GOLD, NONE)
_PROMPT = "Answer the question from the text, in a few words.\n\nText:\n{text}\n\nQuestion: {question}"


def answers(
    lab: Workbench,
    corpus: Corpus,
    asks: Sequence[Ask],
    model: str,
    *,
    budget: int = 600,
    max_tokens: int = 48,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """What a model answers, each ask with each of three contexts: a row each.

    Returns:
        Columns kind, question, context ("found", "gold passage", "none"), right (1 where the answer has the right
        words), answer. Asks without known answers are left out.

    Raises:
        StoppedError: `progress` returned False.
    """
    asks = [ask for ask in asks if ask.answer and ask.gold]
    rows = []
    for done, ask in enumerate(asks, 1):
        for context in CONTEXTS:
            text = _text(lab, corpus, ask, context, budget)
            prompt = _PROMPT.format(text=text, question=ask.question) if text else ask.question
            reply = lab.ask(prompt, model=model, max_tokens=max_tokens, temperature=0.0)
            right = int(ask.answer.casefold() in reply.text.casefold())
            said = {"kind": ask.kind, "question": ask.question, "context": context}
            rows.append({**said, "right": right, "answer": reply.text})
        if not report_progress(progress, done, len(asks)):
            raise StoppedError.of("the asking of a model")
    return frame(rows)


def _text(lab: Workbench, corpus: Corpus, ask: Ask, context: str, budget: int) -> str:
    if context == NONE:
        return ""
    if context == OURS:
        return lab.context(ask.question, list(ask.files), budget=budget).text
    passages = (f"{one.part.label}\n{one.part.text}" for one in corpus.index(ask).passages)
    return "\n\n".join(text for text in passages if ask.is_met(text))
