"""What benchmarks/transcription.ipynb measures: the words that Whisper gets wrong, and the time it takes."""

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


def word_errors(truth: str, said: str, language: str = "en") -> tuple[int, int]:
    """Words substituted, missing or too many (Levenshtein's distance), and the words of the truth.

    Both as Whisper's own normaliser has them (Radford et al. 2022, appendix C): without case and punctuation, English
    with one spelling and numbers as digits.
    """
    require("rapidfuzz", "whisper_normalizer")
    from rapidfuzz.distance import Levenshtein

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in its strings
        from whisper_normalizer.basic import BasicTextNormalizer
        from whisper_normalizer.english import EnglishTextNormalizer
    plain = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    wanted = plain(truth).split()
    return int(Levenshtein.distance(wanted, plain(said).split())), len(wanted)


def measure(folder: str | Path = "", model: str = "", limit: int = 50) -> pd.DataFrame:
    """One row a recording: file, seconds, errors, words, wer, rtf (after one to warm up), language, error.

    Args:
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
            rows.append(_one(transcriber, path, truth))
    finally:
        transcriber.release()
    return frame(rows)


def _one(transcriber: WhisperTranscriber, path: Path, truth: str) -> dict[str, Any]:
    row: dict[str, Any] = {"file": path.name, "seconds": None, "errors": None, "words": None, "wer": None}
    row |= {"rtf": None, "language": None, "error": ""}
    try:
        found = transcriber.transcribe(open_source(path))
    except AutopickerError as error:
        return row | {"error": str(error)}
    wrong, wanted = word_errors(truth, found.text, found.language or "")
    share = wrong / wanted if wanted else float(bool(wrong))
    row |= {"seconds": found.duration, "errors": wrong, "words": wanted, "wer": share, "rtf": found.real_time_factor}
    return row | {"language": found.language}


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
    """Recordings, failures, WER over all words, and the median RTF."""
    read = results[results["error"] == ""]
    wanted = int(read["words"].sum())
    return {
        "recordings": len(results),
        "failures": int((results["error"] != "").sum()),
        "wer": float(read["errors"].sum() / wanted) if wanted else None,
        "rtf_median": statistics.median(read["rtf"]) if len(read) else None,
        "hours": float(read["seconds"].sum() / 3600),
    }


def plot(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Word error rate and real-time factor of each recording."""
    target = axes(ax, (7.0, 3.0))
    read = results[results["error"] == ""]
    target.scatter(read["rtf"], 100 * read["wer"].astype(float), s=20, color=BLUE)
    target.set(xlabel="real-time factor (below 1 is faster than speech)", ylabel="wrong words, %")
    target.set_xlim(left=0)
    target.set_ylim(-1, max(5.0, 110 * float(read["wer"].max() or 0)))
    return target
