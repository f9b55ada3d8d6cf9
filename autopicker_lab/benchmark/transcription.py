"""The measurements of benchmarks/transcription.ipynb: word errors and speed of Whisper."""

from __future__ import annotations

import json
import statistics
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab import assets
from autopicker_lab.core import AutopickerError, InvalidRequestError
from autopicker_lab.core.files import FORMATS, KIND_OF_SUFFIX
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import BLUE, axes, frame
from autopicker_lab.extraction import open_source
from autopicker_lab.settings import Settings
from autopicker_lab.transcription import WhisperTranscriber

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.axes import Axes


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


def measure(folder: str | Path = "", model: str = "", limit: int = 50) -> pd.DataFrame:
    """Transcribe recordings with a known text, a row each: file, seconds, errors, words, wer, rtf, language, error.

    The first recording is transcribed once before, so that loading the model counts nowhere.

    Args:
        model: a faster-whisper model; "": that of the settings.
        limit: recordings at most.
        folder: recordings, each with its text in NAME.txt (of `NAME.wav`) or `NAME.wav.txt` beside it or in `truth/`
            below it or beside it, or listed with a `reference` in a manifest.json. "": the project's samples.

    Raises:
        InvalidRequestError: no recording there has a text.
    """
    place = Path(folder).expanduser() if folder else assets.samples()
    if limit < 1:
        raise InvalidRequestError(f"{limit} recordings are nothing to measure", "give a limit of at least 1")
    cases = list(_cases(place))[:limit]
    if not cases:
        raise InvalidRequestError(f"no recording in '{place}' has a text", "put NAME.txt beside each NAME.wav")
    transcriber = WhisperTranscriber(model or Settings.load().whisper_model)
    rows = []
    try:
        transcriber.transcribe(open_source(cases[0][0]))  # the model is loaded now
        for path, truth in cases:
            rows.append(_measure_file(transcriber, path, truth))
    finally:
        transcriber.release()
    return frame(rows)


def _measure_file(transcriber: WhisperTranscriber, path: Path, truth: str) -> dict[str, Any]:
    row: dict[str, Any] = {"file": path.name, "seconds": None, "errors": None, "words": None, "wer": None}
    row |= {"rtf": None, "language": None, "error": ""}
    try:
        transcript = transcriber.transcribe(open_source(path))
    except AutopickerError as error:
        return row | {"error": str(error)}
    errors, words = word_errors(truth, transcript.text, transcript.language or "")
    wer = errors / words if words else float(bool(errors))
    row |= {"seconds": transcript.duration, "errors": errors, "words": words, "wer": wer}
    return row | {"rtf": transcript.real_time_factor, "language": transcript.language}


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


def summary(results: pd.DataFrame) -> dict[str, Any]:
    """Sum up the table of `measure`: recordings, failures, WER over all words, median RTF, and hours of sound."""
    read = results[results["error"] == ""]
    words = int(read["words"].sum())
    return {
        "recordings": len(results),
        "failures": int((results["error"] != "").sum()),
        "wer": float(read["errors"].sum() / words) if words else None,
        "rtf_median": statistics.median(read["rtf"]) if len(read) else None,
        "hours": float(read["seconds"].sum() / 3600),
    }


def plot(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw word error rate against real-time factor, a dot a recording."""
    target = axes(ax, (7.0, 3.0))
    read = results[results["error"] == ""]
    target.scatter(read["rtf"], 100 * read["wer"].astype(float), s=20, color=BLUE)
    target.set(xlabel="real-time factor (below 1 is faster than speech)", ylabel="wrong words, %")
    target.set_xlim(left=0)
    target.set_ylim(-1, max(5.0, 110 * float(read["wer"].max() or 0)))
    return target
