"""What an index of many pages takes: seconds and memory, each measured in a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.extraction import peak_mib
from autopicker_lab.benchmark.passages.surveys import survey
from autopicker_lab.core import Document, Part
from autopicker_lab.core.show import frame

if TYPE_CHECKING:
    import pandas as pd

_QUESTIONS = 20
_PLACES, _EACH = 7, 28  # of a page: places, and paragraphs
OURS, BM25S = "retriever", "bm25s on the same n-grams"


def index_costs(pages: int = 2_000) -> pd.DataFrame:
    """What is taken by our index, and by bm25s given the same n-grams: a row each.

    Columns engine, passages, seconds (of one core), peak_mib (beside what the pages take themselves), ms (of one core,
    the median question).
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        return frame([pool.submit(_cost, engine, pages).result() for engine in (OURS, BM25S)])


def _cost(engine: str, pages: int) -> dict[str, Any]:
    import statistics

    document = made_pages(pages)
    before = peak_mib()
    begun = time.process_time()
    ask, passages = (_ours if engine == OURS else _bm25s)(document)
    seconds, peak = time.process_time() - begun, peak_mib() - before
    facts = survey("en", 40, seed=2)[:_QUESTIONS]
    times = []
    for fact in facts:
        begun = time.process_time()
        ask(fact.asked_in("en"))
        times.append(1000 * (time.process_time() - begun))
    ms = statistics.median(times)
    return {"engine": engine, "passages": passages, "seconds": seconds, "peak_mib": peak, "ms": ms}


def made_pages(pages: int) -> Document:
    """A document of so many pages of about 2,500 characters."""
    facts = [fact.text for fact in survey("en", _PLACES * pages, seed=1)]
    parts = tuple(Part(f"page {n + 1}", " ".join(facts[_EACH * n : _EACH * (n + 1)])) for n in range(pages))
    return Document("pages.txt", "txt", parts, sha256=f"made pages {pages}")


def _ours(document: Document) -> tuple[Any, int]:
    from autopicker_lab.retrieval import Retriever, passages_of

    retriever = Retriever()
    retriever.prepare([document])
    return lambda question: retriever.select(question, [document], 1_000), len(passages_of(document))


def _bm25s(document: Document) -> tuple[Any, int]:
    from autopicker_lab.retrieval import passages_of
    from autopicker_lab.retrieval.ngrams import ngrams

    bm25s: Any = import_module("bm25s")
    passages = passages_of(document)
    names: dict[int, int] = {}
    rows = [[names.setdefault(gram, len(names)) for gram in ngrams(one.part.text).tolist()] for one in passages]
    found = bm25s.BM25(method="lucene")
    found.index(
        bm25s.tokenization.Tokenized(ids=rows, vocab={str(g): i for g, i in names.items()}), show_progress=False
    )

    def ask(question: str) -> Any:
        return found.get_scores_from_ids([names[g] for g in set(ngrams(question).tolist()) if g in names])

    return ask, len(passages)
