"""How often a context holds what it must, by ranking, kind and budget."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.passages.rankings import PRODUCT, PRODUCT_WORDS, TRIGRAMS, Rankings, remembered
from autopicker_lab.core import StoppedError
from autopicker_lab.core.figures import grid
from autopicker_lab.core.show import SERIES, frame
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.retrieval import Retriever
from autopicker_lab.retrieval.index import PassageIndex
from autopicker_lab.retrieval.retriever import LABEL_TOKENS
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.tuning import bootstrap
from autopicker_lab.tuning.metrics import interval_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.benchmark.passages.asks import Ask
    from autopicker_lab.core import Document
    from autopicker_lab.retrieval import Encoder
    from autopicker_lab.workbench import Workbench

_WAIT_S = 3600.0  # for the vectors of a file


class Corpus:
    """The files of some asks, read once; the passages of some together.

    Args:
        beside: of the other files, how many stand beside an ask's own.
    """

    def __init__(self, lab: Workbench, asks: Sequence[Ask], beside: int = 0):
        paths = list(dict.fromkeys(path for ask in asks for path in ask.files))
        self._documents = {path: lab.extract(path) for path in paths}
        self._indexes: dict[tuple[Path, ...], PassageIndex] = {}
        self._beside = beside

    def documents(self, ask: Ask) -> list[Document]:
        """An ask's files, with those beside them."""
        return [self._documents[path] for path in self._paths(ask)]

    def index(self, ask: Ask) -> PassageIndex:
        """Their passages."""
        paths = self._paths(ask)
        if paths not in self._indexes:
            self._indexes[paths] = PassageIndex.of(self.documents(ask))
        return self._indexes[paths]

    def _paths(self, ask: Ask) -> tuple[Path, ...]:
        others = [path for path in self._documents if path not in ask.files]
        return (*ask.files, *others[: self._beside])


def measure(
    corpus: Corpus,
    asks: Sequence[Ask],
    budgets: Sequence[int],
    names: Sequence[str],
    *,
    other: Encoder | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Whether each ask's context holds what it must: a row for each ask, ranking and budget.

    Rankings alone are given the last question, and fill the budget with the nearest passages; all cut files alike.

    Args:
        budgets: tokens, as they are estimated for no model.
        names: of rankings, the two of the retriever among them.
        other: the encoder of the ranking "other encoder".
        progress: told how many asks were measured.

    Returns:
        Columns kind, language, question, ranking, budget, right (0 or 1).

    Raises:
        StoppedError: `progress` returned False.
    """
    reading, rows = _Reading(corpus, other), []
    for done, ask in enumerate(asks, 1):
        for name in names:
            for budget, text in zip(budgets, reading.of(ask, name, budgets), strict=True):
                said = {"kind": ask.kind, "language": ask.language, "question": ask.question}
                rows.append({**said, "ranking": name, "budget": budget, "right": int(ask.is_met(text))})
        if not report_progress(progress, done, len(asks)):
            raise StoppedError.of("the measurement of passages")
    return frame(rows)


class _Reading:
    """What a model is given to read, by ranking."""

    def __init__(self, corpus: Corpus, other: Encoder | None):
        self._corpus = corpus
        self._rankings = Rankings(other)
        self._retrievers = {PRODUCT: Retriever(remembered()), PRODUCT_WORDS: Retriever()}

    def of(self, ask: Ask, name: str, budgets: Sequence[int]) -> list[str]:
        """The text for each budget."""
        if name in self._retrievers:
            return [self._retrieved(self._retrievers[name], ask, budget) for budget in budgets]
        index = self._corpus.index(ask)
        order = self._rankings.of(name, index.texts, id(index)).scores(ask.question).argsort()[::-1]
        return ["\n\n".join(_filled(index, order, budget)) for budget in budgets]

    def _retrieved(self, retriever: Retriever, ask: Ask, budget: int) -> str:
        documents = self._corpus.documents(ask)
        retriever.prepare(documents, wait_s=_WAIT_S)
        found = retriever.select(ask.messages, documents, budget)
        return "\n\n".join(f"{one.passage.part.label}\n{one.passage.part.text}" for one in found.passages)


def _filled(index: PassageIndex, order: Iterable[int], budget: int) -> list[str]:
    """The first passages of an order that fit a budget, in reading order; the first one in any case."""
    kept: dict[int, str] = {}
    spent = 0
    for i in order:
        part = index.passages[int(i)].part
        cost = estimate_tokens(part.text) + LABEL_TOKENS
        if kept and spent + cost > budget:
            break
        kept[int(i)] = f"{part.label}\n{part.text}"
        spent += cost
    return [kept[i] for i in sorted(kept)]


def by_kind(results: pd.DataFrame) -> pd.DataFrame:
    """Shares that are right with their 95 % intervals (Wilson): a row for each kind, ranking and budget."""
    from scipy.stats import binomtest

    rows = []
    for (kind, ranking, budget), found in results.groupby(["kind", "ranking", "budget"], sort=False):
        right, n = int(found["right"].sum()), len(found)
        low, high = binomtest(right, n).proportion_ci(method="wilson")
        rows.append(
            {"kind": kind, "ranking": ranking, "budget": budget, "n": n, "right": right / n, "low": low, "high": high}
        )
    return frame(rows)


def leads(results: pd.DataFrame, ranking: str = PRODUCT, over: str = TRIGRAMS, seed: int = 0) -> pd.DataFrame:
    """How far a ranking is ahead of another on the same asks, with its 95 % interval: a row a kind and budget.

    Columns kind, over, budget, n, ahead (a share of the asks), low, high.
    """
    import numpy as np

    rows = []
    for (kind, budget), found in results.groupby(["kind", "budget"], sort=False):
        right = {name: np.array(some["right"], float) for name, some in found.groupby("ranking")}
        ahead = right[ranking] - right[over]
        interval = interval_of(bootstrap(partial(_mean_of, ahead), len(ahead), seed=seed))
        ends = (interval.low, interval.high) if interval else (None, None)
        said = {"kind": kind, "over": over, "budget": budget, "n": len(ahead), "ahead": float(ahead.mean())}
        rows.append({**said, "low": ends[0], "high": ends[1]})
    return frame(rows)


def figures(table: pd.DataFrame, ahead: pd.DataFrame, costs: pd.DataFrame, right: pd.Series[float]) -> dict[str, Any]:
    """What a run found, by name.

    Args:
        table: of `by_kind`. ahead: of `leads`. costs: of `index_costs`.
        right: by what a model was given, the share of its answers that are right.
    """
    mean = table.groupby(["ranking", "budget"], sort=False)["right"].mean().unstack("ranking")
    return {
        "right": {name: mean[name].to_dict() for name in mean},
        "ahead_least": float(ahead["ahead"].min()),
        "index_s": float(costs["seconds"][0]),
        "index_mib": float(costs["peak_mib"][0]),
        "answers": right.to_dict(),
    }


def verdict(ahead: pd.DataFrame, ranking: str = PRODUCT) -> str:
    """A sentence of where a ranking is ahead of each of some others, by its `leads`."""
    return " ".join(_sentence(found["ahead"], ranking, str(over)) for over, found in ahead.groupby("over", sort=False))


def _sentence(ahead: pd.Series[float], ranking: str, over: str) -> str:
    more, less = int((ahead > 0).sum()), int((ahead < 0).sum())
    return (
        f"Of {len(ahead)} kinds and budgets, {ranking} is ahead of {over} in {more} and behind in {less}; at worst "
        f"by {100 * float(ahead.min()):+.1f} points of the questions."
    )


def _mean_of(values: Any, rows: Any) -> float:
    return float(values[rows].mean())


def plot(results: pd.DataFrame, kinds: Sequence[str] = ()) -> Any:
    """Shares that are right by budget, a line for each ranking with its interval, a panel a kind; the figure."""
    table = by_kind(results)
    kinds = list(kinds) or list(dict.fromkeys(table["kind"]))
    columns = min(len(kinds), 4)
    lines = -(-len(kinds) // columns)
    panels = grid(lines, columns, (1.5 + 2.8 * columns, 2.6 * lines), sharey=True)
    fig = panels[0, 0].figure
    for ax, kind in zip(panels.flat, kinds, strict=False):
        _panel(ax, table[table["kind"] == kind], kind)
    for ax in list(panels.flat)[len(kinds) :]:
        ax.set_axis_off()
    handles, labels = panels.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, frameon=False, loc="outside right upper")
    return fig


def _panel(ax: Axes, table: pd.DataFrame, kind: str) -> None:
    looks = ((colour, style) for style in cycle(("-", "--")) for colour in SERIES)
    for (ranking, found), (colour, style) in zip(table.groupby("ranking", sort=False), looks, strict=False):
        line = found.sort_values("budget")
        width = 2.5 if ranking == PRODUCT else 1.2
        ax.plot(line["budget"], line["right"], f"o{style}", color=colour, label=ranking, lw=width, ms=4)
        if ranking in (PRODUCT, TRIGRAMS):
            ax.fill_between(line["budget"], line["low"], line["high"], color=colour, alpha=0.15)
    ax.set(title=kind, xscale="log", xlabel="tokens", ylim=(-0.03, 1.03))
    budgets = sorted(table["budget"].unique())
    ax.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
    ax.minorticks_off()
