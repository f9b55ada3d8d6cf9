"""How many words of drawn pictures engines read, and how fast: ours, and each engine alone."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.benchmark.pictures.camera import CONDITIONS
from autopicker_lab.benchmark.pictures.drawing import KINDS, NEEDED
from autopicker_lab.benchmark.pictures.fonts import Fonts
from autopicker_lab.core import StoppedError
from autopicker_lab.core.figures import axes
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import BLUE, GREY, ORANGE
from autopicker_lab.runtime.progress import Progress, report_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from PIL.Image import Image

_TABLE_MARKS = re.compile(r"\||:?-{3,}:?|\*\*|<br>|\\")
_UNIT = re.compile("[\u3400-\u9fff]|[^\\s\u3400-\u9fff]+")  # a word, or a Chinese letter


class Photograph(NamedTuple):
    """A drawn picture as it was photographed, and the lines in it."""

    kind: str
    condition: str
    image: Image
    lines: tuple[str, ...]


def photographs(count: int = 200, seed: int = 0, fonts: str | Path = "") -> Iterator[Photograph]:
    """Pictures of all kinds in turn, each kind in all conditions in turn; the same for the same seed and fonts."""
    found = Fonts(fonts)
    kinds = [kind for kind in KINDS if kind not in NEEDED or found.has(NEEDED[kind])]
    for index in range(count):
        chance = random.Random(f"{seed}-{index}")
        kind, condition = kinds[index % len(kinds)], list(CONDITIONS)[index // len(kinds) % len(CONDITIONS)]
        drawn = KINDS[kind](found, chance)
        yield Photograph(kind, condition, CONDITIONS[condition](drawn.image, chance), tuple(drawn.lines))


def _ours(image: Image) -> str:
    from autopicker_lab.extraction.ocr import read_text
    from autopicker_lab.extraction.pdf.recognised import arrange

    return arrange(read_text(image), "", 1, image.size).text


def _tesseract_alone(image: Image) -> str:
    import tesserocr

    from autopicker_lab.extraction.ocr.tesseract import data_folder

    with tesserocr.PyTessBaseAPI(path=str(data_folder()), lang="eng") as engine:
        engine.SetImage(image)
        return str(engine.GetUTF8Text())


def _rapidocr_alone() -> Callable[[Image], str]:
    import logging

    import numpy
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine = RapidOCR(params={"Global.log_level": "error"})

    def read(image: Image) -> str:
        found: Any = engine(numpy.asarray(image)[:, :, ::-1])
        return "\n".join(found.txts or ())

    return read


ENGINES: dict[str, Callable[[], Callable[[Image], str]]] = {
    "autopicker": lambda: _ours,
    "tesseract": lambda: _tesseract_alone,
    "rapidocr": _rapidocr_alone,
}


def measure_pictures(
    count: int = 200,
    engines: Sequence[str] = tuple(ENGINES),
    *,
    seed: int = 0,
    fonts: str | Path = "",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read drawn pictures with each engine.

    Args:
        fonts: a folder of further fonts; without one for Chinese or one that looks written these kinds are left out.
        progress: called with (pictures read, pictures in all).

    Returns:
        A row a picture and engine: kind, condition, engine, words (F1 of the words found, 0 to 1), rows (share of the
        lines found whole, so that what stands beside is read beside), seconds (of processor time), text, truth.

    Raises:
        StoppedError: `progress` returned False.
    """
    require("pandas", "rapidocr", "tesserocr")
    import pandas

    readers = {name: ENGINES[name]() for name in engines}
    rows: list[dict[str, Any]] = []
    for done, shot in enumerate(photographs(count, seed, fonts), 1):
        for name, read in readers.items():
            if done == 1:
                read(shot.image)  # loads its models
            started_at = time.process_time()
            text = read(shot.image)
            seconds = time.process_time() - started_at
            scores = {"words": word_accuracy(text, shot.lines), "rows": _rows_found(text, shot.lines)}
            named = {"kind": shot.kind, "condition": shot.condition, "engine": name}
            rows.append(named | scores | {"seconds": seconds, "text": text, "truth": "\n".join(shot.lines)})
        if not report_progress(progress, done, count):
            raise StoppedError.of("the reading of pictures")
    return pandas.DataFrame(rows)


def _units(text: str) -> list[str]:
    return _UNIT.findall(_TABLE_MARKS.sub(" ", text))


def word_accuracy(text: str, lines: Sequence[str]) -> float:
    """F1 of the words of a reading against those that stand in the picture, 0 to 1; a Chinese letter is a word."""
    found, wanted = Counter(_units(text)), Counter(_units("\n".join(lines)))
    return 2 * (found & wanted).total() / max(found.total() + wanted.total(), 1)


def _rows_found(text: str, lines: Sequence[str]) -> float:
    whole = ["".join(_units(line)) for line in text.splitlines()]
    return sum(any("".join(_units(line)) in row for row in whole) for line in lines) / len(lines)


def summarise(results: pd.DataFrame, by: str = "kind") -> pd.DataFrame:
    """Means by kind (or "condition") and engine: words, rows, seconds, the engines beside each other."""
    import pandas

    every = results.assign(**{by: "all"})
    both = pandas.concat([results, every])
    return both.pivot_table(index=by, columns="engine", values=["words", "rows", "seconds"], sort=False)


def plot_accuracy(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Word accuracy by kind as bars, an engine a colour."""
    colours = dict(zip(ENGINES, (BLUE, ORANGE, GREY), strict=True))
    words = summarise(results)["words"]
    ax = axes(ax, (8.0, 5.0))
    words.plot.barh(ax=ax, color=[colours[name] for name in words.columns], width=0.8)
    ax.invert_yaxis()
    ax.set(xlabel="words read, F1", ylabel="", xlim=(0, 1))
    ax.legend(loc="lower left", title="")
    return ax


def plot_speed(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Word accuracy against seconds a picture: a point a kind and engine, and a large one for the engine's mean."""
    colours = dict(zip(ENGINES, (BLUE, ORANGE, GREY), strict=True))
    table = summarise(results)
    ax = axes(ax, (8.0, 5.0))
    for name in table["words"].columns:
        words, seconds = table["words"][name], table["seconds"][name]
        ax.scatter(seconds[:-1], words[:-1], s=18, alpha=0.6, color=colours[name])
        ax.scatter(seconds[-1:], words[-1:], s=140, color=colours[name], label=name)
    ax.set(xlabel="processor seconds a picture", ylabel="words read, F1", xscale="log", ylim=(0, 1.03))
    ax.legend(loc="lower right", title="")
    return ax
