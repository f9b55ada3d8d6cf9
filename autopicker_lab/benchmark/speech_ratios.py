"""Our transcriber beside the best that its bare engine can be set to: ratios, and what all around the engine takes."""

from __future__ import annotations

import io
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.speech import OURS, Engines, joined, samples_of
from autopicker_lab.core import SpeechOptions
from autopicker_lab.core.show import frame
from autopicker_lab.extraction import open_source
from autopicker_lab.transcription.recordings import open_recording
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from autopicker_lab.core import SourceFile

_REPEATS = 9  # of a short recording; the median counts
_SHORT_S, _LONG_S = 5.0, 120.0
_OF_ENGINE = ("encode", "generate", "align", "detect_language")  # methods of CTranslate2's model


def ratios(results: pd.DataFrame) -> pd.DataFrame:
    """Our own choice of settings by the best of the others, of the table of `transcription.measure`.

    A row for each condition, short recordings in English and in other languages apart. Columns: condition, language,
    errors and `best` (words wrong of all, and the fewest of the others), `time` and `cpu` (ours by the fastest of the
    others, by the wall clock and in processor time).
    """
    read = results[results["error"] == ""].astype({"errors": float, "words": float})
    english = read.groupby("file")["language"].agg(lambda found: found.mode()[0] == "en")
    read = read.assign(group=read["file"].map(english).map({True: "English", False: "others"}))
    rows = []
    for (condition, group), part in read.groupby(["condition", "group"], sort=False):
        sums = part.assign(taken=part["rtf"] * part["seconds"], worked=part["cpu_rtf"] * part["seconds"])
        ways = sums.groupby("way", sort=False)[["errors", "words", "taken", "worked"]].sum()
        others = ways[[not str(way).startswith(OURS) for way in ways.index]]
        if OURS not in ways.index or others.empty:
            continue
        own, wrong = ways.loc[OURS], others["errors"] / others["words"]
        rows.append(
            {
                "condition": condition,
                "language": group,
                "errors": own["errors"] / own["words"],
                "best": wrong.min(),
                "time": own["taken"] / others["taken"].min(),
                "cpu": own["worked"] / others["worked"].min(),
            }
        )
    return frame(rows)


def overhead(cases: Sequence[tuple[Path, str]], model: str = "", threads: int = 0) -> dict[str, float]:
    """What is done around the engine at equal settings (a beam of one, English, no second try), ours less bare's.

    `short_ms`: milliseconds of a warm recording of five seconds. `long`: share of the time of two minutes.
    """
    engines = Engines.load(model, threads, "auto")
    try:
        file, _ = joined(cases, _LONG_S)
        short = open_recording(samples_of(open_source(cases[0][0]))[: round(_SHORT_S * RATE)], RATE)
        around = {name: _around(engines, name, short, _REPEATS) for name in ("ours", "bare")}
        longer = {name: _around(engines, name, file, 1) for name in ("ours", "bare")}
        return {
            "short_ms": 1000 * (around["ours"][0] - around["bare"][0]),
            "long": (longer["ours"][0] - longer["bare"][0]) / longer["bare"][1],
        }
    finally:
        engines.close()


def _around(engines: Engines, name: str, file: SourceFile, repeats: int) -> tuple[float, float]:
    """Median seconds outside of the engine, and in all; one more run goes before."""

    def hear_ours() -> object:
        return engines.ours.transcribe(file, SpeechOptions(language="en", beam=1, temperature=0.0))

    def hear_bare() -> object:
        options = {"language": "en", "beam_size": 1, "temperature": 0.0, "vad_filter": True}
        segments, _ = engines.bare.transcribe(io.BytesIO(file.data), **options)
        return list(segments)

    hear = hear_ours if name == "ours" else hear_bare
    hear()
    engine = engines.ours.engine if name == "ours" else engines.bare
    found = []
    for _ in range(repeats):
        with _timed(engine) as spent:
            started_at = time.perf_counter()
            hear()
            taken = time.perf_counter() - started_at
        found.append((taken - sum(spent), taken))
    return statistics.median(one for one, _ in found), statistics.median(whole for _, whole in found)


@contextmanager
def _timed(engine: Any) -> Iterator[list[float]]:
    """Seconds of each call of the model of a WhisperModel, of the methods that compute."""
    spent: list[float] = []
    model = engine.model

    class Timed:
        def __getattr__(self, name: str) -> Any:
            found = getattr(model, name)
            return timed(found) if name in _OF_ENGINE else found

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            started_at = time.perf_counter()
            try:
                return method(*arguments, **options)
            finally:
                spent.append(time.perf_counter() - started_at)

        return call

    engine.model = Timed()
    try:
        yield spent
    finally:
        engine.model = model
