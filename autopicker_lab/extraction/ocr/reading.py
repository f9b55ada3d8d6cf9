"""The way of a picture through the engines: English first, then what its script, its size and its doubts ask for."""

from __future__ import annotations

import statistics
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.extraction.ocr import rapid, rapid_engine, tesseract
from autopicker_lab.extraction.ocr.coverage import uncovered
from autopicker_lab.extraction.ocr.figures import with_whole_figures, without_columns
from autopicker_lab.extraction.ocr.lines import (
    MIN_CONFIDENCE,
    OcrLine,
    OcrResult,
    are_level,
    mean_confidence,
    same_place,
    stands_on_end,
    without_twins,
)
from autopicker_lab.extraction.ocr.merging import (
    MOST_AGAIN,
    doubtful_lines,
    is_lost,
    is_sure_of,
    is_surer,
    read_doubtful_again,
    read_passed_over,
    with_spaces,
)
from autopicker_lab.extraction.ocr.pieces import read_in_pieces
from autopicker_lab.extraction.ocr.rejoining import rejoined
from autopicker_lab.extraction.ocr.scripts import (
    installed_for,
    is_foreign,
    is_known,
    is_legible,
    is_seen,
    leaves_out,
    looks_borrowed,
    partly_known,
    unread_note,
)
from autopicker_lab.extraction.ocr.tilt import tilt_of, turned_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

_LOCK = threading.Lock()
_SURE = 0.85  # Tesseract's confidence in a line from which it is seldom wrong
_TRUSTED = 0.75  # the same where nothing better is known
_SMALL = 24  # pixels of a line below which Tesseract reads better enlarged
_ENLARGED = 4
_HUGE = 90  # pixels of a line above which it reads better made smaller, to about the usual height
_USUAL = 40
_MOST_ENLARGED = 4000  # pixels of a side
_MUCH_MORE = 1.1
_TURN_GAIN = 0.1
_UPSIDE_DOWN = 180
_LEAST_CONTRAST = 8  # of 255, below which nobody reads anything
_MIN_SIDE = 5  # pixels: no letter stands in fewer


def engines() -> list[str]:
    """Names of the installed engines, Tesseract with its languages."""
    names = [f"tesseract ({', '.join(tesseract.installed_languages())})"] if tesseract.has_tesseract() else []
    return [*names, *(["rapidocr"] if rapid_engine.has_rapid() else [])]


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
        tilt = tilt_of(image)
        result = read_in_pieces(turned_level(image, tilt), lambda piece: _read(piece, languages))
    return replace(result, lines=tuple(with_whole_figures(result.lines)), tilt=tilt)


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
    if languages:
        return _result(tesseract.read_with_tesseract(image, languages), languages)
    first = _first_reading(image)
    if (result := _completed(image, first)) is not None:
        return result
    found = tesseract.orientation(image)
    turn = 0
    on_end = stands_on_end(first)
    looks_turned = on_end or (found.degrees and mean_confidence(first) < MIN_CONFIDENCE)
    pieces = rapid.read_with_rapidocr(image) if rapid_engine.has_rapid() and (looks_turned or not first) else []
    is_blank = rapid_engine.has_rapid() and not first and not pieces
    if looks_turned and not is_blank and not (found.degrees != _UPSIDE_DOWN and are_level(pieces)):
        least = 0.0 if on_end else mean_confidence(first) + _TURN_GAIN
        if found.degrees == _UPSIDE_DOWN and mean_confidence(pieces) >= MIN_CONFIDENCE:
            least = max(least, MIN_CONFIDENCE)  # what can be read as it stands is not turned for a few letters of noise
        for degrees in [found.degrees] if found.degrees else [90, 270]:
            turned = image.rotate(degrees, expand=True)
            second = tesseract.read_with_tesseract(turned, ("eng",))
            if mean_confidence(second) > least or found.confidence > 1:
                upright, first, turn, least = turned, second, degrees, mean_confidence(second)
        if turn:
            image = upright
            if (result := _completed(image, first)) is not None:
                return replace(result, rotation=turn)
    more = installed_for(found.script, tesseract.installed_languages())
    if more and more != ["eng"]:
        lines = tesseract.read_with_tesseract(image, more)
        if mean_confidence(lines) >= MIN_CONFIDENCE:
            return _result(lines, more, turn)
    return _judged(image, first, found.script, turn, None if first or turn else pieces)


def _first_reading(image: Image) -> list[OcrLine]:
    """Tesseract's lines, of a picture with small or huge letters at the size at which it reads more of them."""
    from PIL import Image as Pictures

    lines = tesseract.read_with_tesseract(image, ("eng",))
    height = _text_height(lines)
    if _SMALL <= height <= _HUGE or sum(not is_sure_of(line) for line in lines) <= MOST_AGAIN * len(lines):
        return lines
    scale = min(_USUAL / height, _ENLARGED)
    size = round(image.width * scale), round(image.height * scale)
    if min(size) < _MIN_SIDE or max(size) > _MOST_ENLARGED:
        return lines
    scaled = image.resize(size, Pictures.Resampling.BICUBIC)
    again = [line.moved(scale=1 / scale) for line in tesseract.read_with_tesseract(scaled, ("eng",))]
    return max(lines, again, key=_weight)


def _completed(image: Image, lines: list[OcrLine]) -> OcrResult | None:
    """Tesseract's lines where they are all that looks like text, in English, those in doubt read again.

    None where more is to be done: places are not covered, or too much is in doubt.
    """
    if not lines or looks_borrowed(lines) or stands_on_end(lines):
        return None
    lines = without_columns(lines)
    found = rejoined(lines, uncovered(image, lines))
    if found is None:
        return None
    lines, alone = found
    few = len(lines) // 10
    if len(alone) > max(few, 1) or (alone and not rapid_engine.has_rapid()):
        return None
    lost = read_passed_over(image, alone)
    doubtful = doubtful_lines(image, lines)
    if not lost and (not doubtful or (len(doubtful) <= few and not rapid_engine.has_rapid())):
        return _result(lines, ("eng",))
    again = read_doubtful_again(image, lines, doubtful)
    return None if again is None else OcrResult((*again, *lost), "tesseract eng, rapidocr")


def _result(lines: Sequence[OcrLine], languages: Sequence[str], turn: int = 0) -> OcrResult:
    return OcrResult(tuple(lines), f"tesseract {'+'.join(languages)}", turn)


def _text_height(lines: Sequence[OcrLine]) -> float:
    return statistics.median(line.height for line in lines) if lines else 0.0


def _judged(
    image: Image, first: list[OcrLine], script: str, turn: int, pieces: list[OcrLine] | None = None
) -> OcrResult:
    """RapidOCR's reading where it can be believed, else Tesseract's; what neither could read is told.

    Args:
        pieces: RapidOCR's reading, where it is known.
    """
    foreign = is_foreign(script)
    trusted = [line for line in first if line.confidence >= (_SURE if foreign else _TRUSTED)]
    if foreign and looks_borrowed(first):
        return OcrResult((), "", turn, (unread_note(len(first), script),))
    if not rapid_engine.has_rapid():
        kept = trusted if foreign else first
        doubts = [unread_note(len(first) - len(kept), script)] if len(kept) < len(first) else []
        return OcrResult(tuple(kept), "tesseract eng", turn, tuple(doubts))
    legible: list[OcrLine] = []
    unread: list[OcrLine] = []
    if pieces is None:
        pieces = rapid.read_with_rapidocr(image, _text_height(first))
    foreign = foreign and not is_known(pieces)
    for piece in pieces:
        there = [line for line in first if same_place(line, piece)]
        other = " ".join(line.text for line in there)
        if len(there) == 1 and is_surer(there[0], piece):
            legible.append(there[0])
        elif is_legible(piece, other, foreign) and not (len(there) == 1 and leaves_out(piece, there[0])):
            legible.append(with_spaces(piece, other, min((line.weakest for line in there), default=0.0)))
        elif is_seen(piece, other) or not tesseract.has_tesseract():
            unread.append(piece)
    if not foreign:
        legible += [line for line in first if is_lost(line, pieces)]
    lines, engine = without_twins(legible), "rapidocr"
    if _weight(trusted) > _MUCH_MORE * _weight(lines):
        lines, engine = trusted, "tesseract eng"
        unread = [line for line in unread if not any(same_place(line, other) for other in trusted)]
    if unread and not foreign and tesseract.has_tesseract():
        script = tesseract.orientation(_stacked(image, unread)).script
    language = partly_known(lines)
    doubts = [unread_note(len(unread), script)] if unread else []
    doubts += [unread_note(len(lines), language)] if language else []
    return OcrResult(tuple(lines), engine, turn, tuple(doubts))


def _weight(lines: Sequence[OcrLine]) -> float:
    return sum(len(line.text) * line.confidence for line in lines)


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
