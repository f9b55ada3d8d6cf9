"""The measurements of benchmarks/transcription.ipynb: word errors and speed of Whisper."""

from __future__ import annotations

import json
import statistics
import time
import warnings
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from autopicker_lab import assets
from autopicker_lab.benchmark import speech_ratios
from autopicker_lab.benchmark.processes import cpu_s
from autopicker_lab.benchmark.speech import (
    AS_IT_IS,
    BESIDE_WORK,
    CONDITIONS,
    JOINED,
    OURS,
    WAYS,
    Engines,
    beside_work,
    chosen,
    format_of,
    joined,
    samples_of,
    under,
)
from autopicker_lab.benchmark.speech_ratios import ratios
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.figures import axes
from autopicker_lab.core.files import FORMATS, KIND_OF_SUFFIX
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import BLUE, ORANGE, frame
from autopicker_lab.extraction import open_source
from autopicker_lab.transcription.sound import RATE

__all__ = ["compare", "measure", "overhead", "plot", "plot_conditions", "ratios", "summary", "verdict", "word_errors"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.core import SourceFile


def word_errors(truth: str, text: str, language: str = "en") -> tuple[int, int]:
    """Count word errors (substitutions, deletions and insertions: Levenshtein's distance) and the words of the truth.

    Both texts are first normalised as Whisper's authors do (Radford et al. 2022, appendix C): without case and
    punctuation, English with one spelling and numbers as digits.
    """
    require("rapidfuzz", "whisper_normalizer")
    from rapidfuzz.distance import Levenshtein

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in its strings
        from whisper_normalizer.basic import BasicTextNormalizer
        from whisper_normalizer.english import EnglishTextNormalizer
    normalise = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    words = normalise(truth).split()
    return int(Levenshtein.distance(words, normalise(text).split())), len(words)


def measure(
    folder: str | Path = "",
    model: str = "",
    limit: int = 50,
    *,
    ways: str = OURS,
    conditions: str = AS_IT_IS,
    threads: int = 0,
    compute: str = "auto",
) -> pd.DataFrame:
    """Transcribe recordings with a known text, a row for each of them, each way and condition.

    Columns: file, format, way, condition, language, seconds, errors, words, wer, rtf, cpu_rtf (processor seconds for
    each second of sound, its decoder's included, which other work does not change), error. Ways take turns at each
    recording, so that other work burdens all alike; the first is transcribed once before, so that loading the models
    counts nowhere.

    Args:
        model: a faster-whisper model; "": that of the settings.
        limit: recordings at most.
        folder: recordings, each with its text in NAME.txt (of `NAME.wav`) or `NAME.wav.txt` beside it or in `truth/`
            below it or beside it, or listed with a `reference` in a manifest.json. "": the project's samples.
        ways: names of `speech.WAYS`, with commas between them.
        conditions: names of `speech.CONDITIONS`, likewise; under those of minutes recordings are joined.
        threads: of each model; 0: as many as there are cores.
        compute: type of CTranslate2, "int8" or "float32" for example.

    Raises:
        InvalidRequestError: no recording there has a text, or a way or condition is unknown.
    """
    place = Path(folder).expanduser() if folder else assets.samples()
    if limit < 1:
        raise InvalidRequestError(f"{limit} recordings are nothing to measure", "give a limit of at least 1")
    compared, befallen = chosen(ways, list(WAYS), "ways"), chosen(conditions, list(CONDITIONS), "conditions")
    cases = list(_cases(place))[:limit]
    if not cases:
        raise InvalidRequestError(f"no recording in '{place}' has a text", "put NAME.txt beside each NAME.wav")
    require("rapidfuzz", "whisper_normalizer", "faster_whisper", "av")
    engines = Engines.load(model, threads, compute)
    rows = []
    try:
        for way in compared:
            _measure_file(engines, way, AS_IT_IS, *cases[0])
        for path, truth in cases:
            short = [name for name in befallen if name not in JOINED]
            rows += [_measure_file(engines, way, name, path, truth) for name in short for way in compared]
        for name in (name for name in befallen if name in JOINED):
            with beside_work() if name == BESIDE_WORK else nullcontext():
                rows += [_row(engines, way, name, name, partial(joined, cases, JOINED[name])) for way in compared]
    finally:
        engines.close()
    return frame(rows)


def _measure_file(engines: Engines, way: str, condition: str, path: Path, truth: str) -> dict[str, Any]:
    return _row(engines, way, condition, path.name, lambda: (under(condition, open_source(path)), truth))


def _row(
    engines: Engines, way: str, condition: str, name: str, made: Callable[[], tuple[SourceFile, str]]
) -> dict[str, Any]:
    """How a recording was heard; `made` gives it, and what is said in it."""
    row: dict[str, Any] = {"file": name, "format": format_of(name), "way": way, "condition": condition}
    row |= dict.fromkeys(("language", "seconds", "errors", "words", "wer", "rtf", "cpu_rtf"))
    try:
        file, truth = made()
        seconds = len(samples_of(file)) / RATE
        started_at, cpu_at = time.perf_counter(), cpu_s(psutil.Process())
        text, language = engines.hear(way, file)
        taken, worked = time.perf_counter() - started_at, cpu_s(psutil.Process()) - cpu_at
    except Exception as error:  # the bare engine raises whatever its decoder does
        return row | {"error": f"{type(error).__name__}: {error}"[:200]}
    errors, words = word_errors(truth, text, language)
    wer = errors / words if words else float(bool(errors))
    row |= {"language": language, "seconds": seconds, "errors": errors, "words": words, "wer": wer, "error": ""}
    return row | {"rtf": taken / seconds, "cpu_rtf": worked / seconds} if seconds else row


def _cases(place: Path) -> Iterator[tuple[Path, str]]:
    manifest = place / "manifest.json"
    if manifest.exists():
        for entry in json.loads(manifest.read_text("utf-8"))["files"]:
            if entry.get("reference"):
                yield place / entry["file"], entry["reference"]
        return
    if not place.is_dir():
        raise InvalidRequestError(f"'{place}' is no folder", "name one with recordings and their texts")
    for path in sorted(place.iterdir()):
        kind = KIND_OF_SUFFIX.get(path.suffix.lower())
        if kind is None or FORMATS[kind].category != "audio":
            continue
        for folder in (place, place / "truth", place.parent / "truth"):
            truth = next((f for f in (folder / f"{path.name}.txt", folder / f"{path.stem}.txt") if f.exists()), None)
            if truth is not None:
                yield path, truth.read_text("utf-8")
                break


def overhead(folder: str | Path = "", model: str = "", threads: int = 0) -> dict[str, float]:
    """What is done around the engine at equal settings, see speech_ratios.overhead; of the recordings of `measure`."""
    return speech_ratios.overhead(
        list(_cases(Path(folder).expanduser() if folder else assets.samples())), model, threads
    )


def summary(results: pd.DataFrame) -> dict[str, Any]:
    """Sum up the table of `measure`.

    `recordings`, `failures`, `wer` over all words, `rtf_median` and `hours` are of our own recogniser as recordings
    are; `ways` has wer, rtf_median, cpu_rtf and failures of each way.
    """
    own = results[(results["way"] == OURS) & (results["condition"] == AS_IT_IS)]
    heard = own[own["error"] == ""]
    figures = _figures(own)
    return {
        "recordings": len(own),
        "failures": int((own["error"] != "").sum()),
        "wer": figures["wer"],
        "rtf_median": figures["rtf_median"],
        "hours": float(heard["seconds"].sum() / 3600),
        "ways": {way: _figures(rows) for way, rows in results.groupby("way", sort=False)},
    }


def verdict(figures: Mapping[str, Any]) -> str:
    """What the figures of `summary` come to, in a sentence."""
    if figures["wer"] is None:
        return "Nothing was heard: see the errors of the recordings."
    pace = f"{figures['rtf_median']:.2f} s for a second of sound"
    return f"{figures['wer']:.1%} of the words of {figures['recordings']} recordings are heard wrongly, in {pace}."


def _figures(results: pd.DataFrame) -> dict[str, Any]:
    read = results[(results["error"] == "") & results["rtf"].notna()]
    words, seconds = int(read["words"].sum()), float(read["seconds"].sum())
    return {
        "wer": float(read["errors"].sum() / words) if words else None,
        "rtf_median": statistics.median(read["rtf"]) if len(read) else None,
        "cpu_rtf": float((read["cpu_rtf"] * read["seconds"]).sum() / seconds) if seconds else None,
        "failures": int((results["error"] != "").sum()),
    }


def compare(results: pd.DataFrame, by: str = "condition") -> pd.DataFrame:
    """Words wrong (of all words), a row for each `condition`, `language` or `format`, a column a way."""
    read = results[results["error"] == ""].astype({"errors": float, "words": float})
    sums = read.groupby([by, "way"], sort=False)[["errors", "words"]].sum()
    return (sums["errors"] / sums["words"].where(sums["words"] > 0)).unstack("way")


def plot(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw words wrong against processor seconds for each second of sound: a point a way, over all recordings."""
    target = axes(ax, (7.0, 3.4))
    for at, (way, rows) in enumerate(results.groupby("way", sort=False)):
        figures = _figures(rows)
        if figures["wer"] is None:
            continue
        colour = BLUE if str(way).startswith(OURS) else ORANGE
        target.scatter(figures["cpu_rtf"], 100 * figures["wer"], s=60, color=colour)
        place = (figures["cpu_rtf"], 100 * figures["wer"])
        target.annotate(str(way), place, xytext=(6, 6 if at % 2 else -12), textcoords="offset points", fontsize=8)
    target.set(xlabel="processor seconds for each second of sound", ylabel="wrong words, %")
    target.set_xlim(left=0)
    target.set_ylim(bottom=0)
    target.margins(x=0.25, y=0.2)
    return target


def plot_conditions(results: pd.DataFrame, by: str = "condition", ax: Axes | None = None) -> Axes:
    """Draw words wrong as bars, a colour a way."""
    table = 100 * compare(results, by)
    target = axes(ax, (7.0, 0.8 + 0.28 * table.size))
    table.plot.barh(ax=target, width=0.8)
    target.invert_yaxis()
    target.set(xlabel="wrong words, %", ylabel="")
    target.legend(title="", fontsize=8)
    return target
