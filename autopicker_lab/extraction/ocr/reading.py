"""The way of a picture through the engines: English first, then what its script, its size and its doubts ask for."""

from __future__ import annotations

import statistics
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.extraction.ocr import rapid, tesseract
from autopicker_lab.extraction.ocr.coverage import uncovered
from autopicker_lab.extraction.ocr.lines import MIN_CONFIDENCE, OcrLine, OcrResult, mean_confidence
from autopicker_lab.extraction.ocr.scripts import (
    installed_for,
    is_foreign,
    is_legible,
    is_seen,
    leaves_out,
    looks_borrowed,
    partly_known,
    unread_note,
)
from autopicker_lab.extraction.ocr.strips import cut_strips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

_LOCK = threading.Lock()
_TALL = 2  # times as high as wide: such a picture is cut into strips
_STRIP = 1600  # pixels
_MAX_STRIPS = 40
_SURE = 0.85  # Tesseract's confidence in a line from which it is seldom wrong
_TRUSTED = 0.75  # the same where nothing better is known
_SMALL = 20  # pixels of a line below which Tesseract reads better enlarged
_ENLARGED = 3
_MUCH_MORE = 1.1
_TURN_GAIN = 0.1
_LEAST_CONTRAST = 8  # of 255, below which nobody reads anything
_MIN_SIDE = 5  # pixels: no letter stands in fewer


def engines() -> list[str]:
    """Names of the installed engines, Tesseract with its languages."""
    names = [f"tesseract ({', '.join(tesseract.installed_languages())})"] if tesseract.has_tesseract() else []
    return [*names, *(["rapidocr"] if rapid.has_rapid() else [])]


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
    _check_installed(languages)
    if min(image.size) < _MIN_SIDE:
        return OcrResult(())
    with _LOCK:
        if image.height < _TALL * image.width or image.height < _TALL * _STRIP:
            return _read(image, languages)
        lines: list[OcrLine] = []
        engine: dict[str, None] = {}
        doubts: dict[str, None] = {}
        for index, strip in enumerate(cut_strips(image, _STRIP)):
            if index == _MAX_STRIPS:
                doubts[f"only the first {strip.first:,} of {image.height:,} rows of pixels were read"] = None
                break
            result = _read(strip.crop(image), languages)
            moved = (line.moved(strip.top) for line in result.lines)
            lines += [line for line in moved if strip.owns(line.box)]
            engine |= dict.fromkeys([result.engine] if result.lines else [])
            doubts |= dict.fromkeys(result.doubts)
    return OcrResult(tuple(lines), ", ".join(engine), doubts=tuple(doubts))


def _check_installed(languages: Sequence[str]) -> None:
    known = tesseract.installed_languages() if tesseract.has_tesseract() else ()
    missing = [name for name in languages if name not in known]
    if missing:
        installed = ", ".join(known) or "none, since Tesseract is missing"
        raise InvalidRequestError(
            f"no Tesseract data for '{missing[0]}' (installed: {installed})",
            f"install it: apt-get install tesseract-ocr-{missing[0]}",
        )


def _is_blank(image: Image) -> bool:
    """Whether a picture is of one colour, as most of a damaged or endless one is."""
    bands: Any = image.getextrema()
    return all(high - low < _LEAST_CONTRAST for low, high in bands)


def _read(image: Image, languages: Sequence[str]) -> OcrResult:
    if _is_blank(image):
        return OcrResult(())
    if not tesseract.has_tesseract():
        return _judged(image, [], "", 0)
    first = tesseract.read_with_tesseract(image, languages or ("eng",))
    if languages or _is_sure(image, first):
        return _result(first, languages or ("eng",))
    found = tesseract.orientation(image)
    turn = 0
    on_end = _stands_on_end(first)
    if on_end or (found.degrees and mean_confidence(first) < MIN_CONFIDENCE):
        least = 0.0 if on_end else mean_confidence(first) + _TURN_GAIN
        for degrees in [found.degrees] if found.degrees else [90, 270]:
            turned = image.rotate(degrees, expand=True)
            second = tesseract.read_with_tesseract(turned, ("eng",))
            if mean_confidence(second) > least or found.confidence > 1:
                upright, first, turn, least = turned, second, degrees, mean_confidence(second)
        if turn:
            image = upright
            if _is_sure(image, first):
                return _result(first, ("eng",), turn)
    more = installed_for(found.script, tesseract.installed_languages())
    if more and more != ["eng"]:
        lines = tesseract.read_with_tesseract(image, more)
        if mean_confidence(lines) >= MIN_CONFIDENCE:
            return _result(lines, more, turn)
    height = _text_height(first)
    if 0 < height < _SMALL and not rapid.has_rapid() and max(image.size) * _ENLARGED < 4000:
        larger = image.resize((image.width * _ENLARGED, image.height * _ENLARGED))
        lines = [line.moved(scale=1 / _ENLARGED) for line in tesseract.read_with_tesseract(larger, ("eng",))]
        if _is_sure(image, lines):
            return _result(lines, ("eng",), turn)
    return _judged(image, first, found.script, turn)


def _result(lines: Sequence[OcrLine], languages: Sequence[str], turn: int = 0) -> OcrResult:
    return OcrResult(tuple(lines), f"tesseract {'+'.join(languages)}", turn)


def _text_height(lines: Sequence[OcrLine]) -> float:
    return statistics.median(line.height for line in lines) if lines else 0.0


def _is_sure(image: Image, lines: list[OcrLine]) -> bool:
    """Whether Tesseract read all that looks like text, in English, and is sure of it, but for a line in ten."""
    if not lines or looks_borrowed(lines) or _stands_on_end(lines):
        return False
    unsure = sum(line.confidence < _SURE or _has_accents(line.text) for line in lines)
    return unsure <= len(lines) // 10 and unsure + uncovered(image, lines) <= len(lines) // 10


def _stands_on_end(lines: Sequence[OcrLine]) -> bool:
    """Whether most lines run up or down the picture."""
    words = [line for line in lines if len(line.text) > 3]
    return 2 * sum(line.height > line.box[2] - line.box[0] for line in words) > len(words)


def _has_accents(text: str) -> bool:
    """Whether there are letters of other languages than English, of which its data know few."""
    return any(c.isalpha() and not c.isascii() for c in text)


def _judged(image: Image, first: list[OcrLine], script: str, turn: int) -> OcrResult:
    """RapidOCR's reading where it can be believed, else Tesseract's; what neither could read is told."""
    foreign = is_foreign(script)
    trusted = [line for line in first if line.confidence >= (_SURE if foreign else _TRUSTED)]
    if foreign and looks_borrowed(first):
        return OcrResult((), "", turn, (unread_note(len(first), script),))
    if not rapid.has_rapid():
        kept = trusted if foreign else first
        doubts = [unread_note(len(first) - len(kept), script)] if len(kept) < len(first) else []
        return OcrResult(tuple(kept), "tesseract eng", turn, tuple(doubts))
    legible: list[OcrLine] = []
    unread: list[OcrLine] = []
    for piece in rapid.read_with_rapidocr(image, _text_height(first)):
        there = [line for line in first if _same_place(line, piece)]
        other = " ".join(line.text for line in there)
        if is_legible(piece, other, foreign) and not (len(there) == 1 and leaves_out(piece, there[0])):
            legible.append(_spaced(piece, other) if len(there) == 1 else piece)
        elif is_seen(piece, other) or not tesseract.has_tesseract():
            unread.append(piece)
    lines, engine = legible, "rapidocr"
    if _weight(trusted) > _MUCH_MORE * _weight(legible):
        lines, engine = trusted, "tesseract eng"
        unread = [line for line in unread if not any(_same_place(line, other) for other in trusted)]
    if unread and not foreign and tesseract.has_tesseract():
        script = tesseract.orientation(_stacked(image, unread)).script
    language = partly_known(lines)
    doubts = [unread_note(len(unread), script)] if unread else []
    doubts += [unread_note(len(lines), language)] if language else []
    return OcrResult(tuple(lines), engine, turn, tuple(doubts))


def _spaced(piece: OcrLine, other: str) -> OcrLine:
    """A piece with Tesseract's spaces where both read the same letters: RapidOCR loses some between words."""
    same = "".join(other.split()) == "".join(piece.text.split())
    return replace(piece, text=other) if same else piece


def _weight(lines: Sequence[OcrLine]) -> float:
    return sum(len(line.text) * line.confidence for line in lines)


def _same_place(line: OcrLine, other: OcrLine) -> bool:
    """Whether two readings are of one line, by their boxes."""
    across = min(line.box[2], other.box[2]) - max(line.box[0], other.box[0])
    down = min(line.box[3], other.box[3]) - max(line.box[1], other.box[1])
    return across > 0 and down > 0.5 * min(line.height, other.height)


def _stacked(image: Image, lines: Sequence[OcrLine]) -> Image:
    """The places of lines, one below the other."""
    from PIL import Image as Pictures

    crops = [image.crop(line.box) for line in lines]
    stack = Pictures.new("RGB", (max(c.width for c in crops), sum(c.height for c in crops)), "white")
    top = 0
    for crop in crops:
        stack.paste(crop, (0, top))
        top += crop.height
    return stack
