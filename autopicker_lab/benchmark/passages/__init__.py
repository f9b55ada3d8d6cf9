"""The measurements of benchmarks/passages.ipynb: whether what a model is given has the passage that holds an answer.

Questions are asked of files whose answers are known (`asks`), by rankings alone and fused (`rankings`) and by the
Retriever, within budgets of tokens (`measuring`); what an index takes (`costs`), and how often a model's answer is
right (`answering`).
"""

from autopicker_lab.benchmark.passages.answering import CONTEXTS, answers
from autopicker_lab.benchmark.passages.asks import Ask, answerable, asks_of, read_asks, write_surveys
from autopicker_lab.benchmark.passages.costs import index_costs
from autopicker_lab.benchmark.passages.measuring import Corpus, by_kind, figures, leads, measure, plot, verdict
from autopicker_lab.benchmark.passages.rankings import (
    OTHER,
    PRODUCT,
    PRODUCT_WORDS,
    RANKINGS,
    TRIGRAMS,
    available,
    encoder_in,
)

__all__ = [
    "CONTEXTS",
    "OTHER",
    "PRODUCT",
    "PRODUCT_WORDS",
    "RANKINGS",
    "TRIGRAMS",
    "Ask",
    "Corpus",
    "answerable",
    "answers",
    "asks_of",
    "available",
    "by_kind",
    "encoder_in",
    "figures",
    "index_costs",
    "leads",
    "measure",
    "plot",
    "read_asks",
    "verdict",
    "write_surveys",
]
