"""RapidOCR: the pieces of lines that it finds in a picture, those that it cannot read among them."""

from __future__ import annotations

import itertools
import math
import re
import statistics
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.ocr.coverage import uncovered
from autopicker_lab.extraction.ocr.lines import OcrLine, mean_confidence, meeting, overlap
from autopicker_lab.extraction.ocr.rapid_engine import finder, reader
from autopicker_lab.extraction.ocr.spacing import gap_shares
from autopicker_lab.extraction.ocr.strips import cut_across, cut_strips
from autopicker_lab.runtime.memory import release_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image


_TEXT_HEIGHT = 26  # pixels at which letters are found best
_LARGE = 80  # pixels: letters are not made smaller where they would be smaller than the model finds them in pictures
_AT_ONCE = 1_000_000  # pixels searched at once: a megapixel takes about 400 MB
_STRIP_AREA = 450_000  # pixels of the strips of a larger picture
_MAX_WIDTH = 2400
_WIDEST = 3_600  # pixels: of what is wider even the lowest strip takes more than the memory of a megapixel
_SMALL_SIDE = 960
_SEARCHED = 1280  # pixels of a side
_DOUBTFUL = 0.8
_TURN_GAIN = 0.1
_SURE = 0.95  # confidence from which no other size is tried
_MUCH_SMALLER = 0.7
_OVER = 0.2  # share of a piece that lies in another from which they are of one word
_LONG = 24  # line heights
_CROP_MARGIN = 0.2  # line heights
_BOTH_WAYS = frozenset("0156689SIOHNXZlosxz.,:;-|()[]!")  # look like letters when they stand on their heads
_MARGIN = 32  # pixels; the model looks for letters away from the edge
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_AMONG_DIGITS = re.compile(r"(?<!\S)[\dIlO]*\d[\dIlO]*\d(?!\S)")  # what stands last may be a unit
_DIGITS = str.maketrans("IlO", "110")
_WIDE = (*range(0xFF01, 0xFF5F), *range(0xFFE0, 0xFFE7))
_NARROW = {0x2032: "'", 0x2033: '"'} | {wide: unicodedata.normalize("NFKC", chr(wide)) for wide in _WIDE}


def read_with_rapidocr(image: Image, text_height: float = 0) -> list[OcrLine]:
    """The pieces of lines in a picture; the text of one that was found and not read is empty.

    Args:
        text_height: pixels of a line, where it is known, so that letters are searched at the size they are found best.
    """
    scale = _scale(image, text_height)
    return _read_at(image, scale) if text_height else _read_unseen(image, scale)


def _read_unseen(image: Image, scale: float) -> list[OcrLine]:
    """A picture of whose letters nothing is known: made smaller first, and as large as they or what is left ask for."""
    first = min(scale, _SEARCHED / max(image.size))
    pieces = _read_at(image, first)
    if first < _MUCH_SMALLER * scale and uncovered(image, pieces):
        first, pieces = scale, _read_at(image, scale)
    if mean_confidence(pieces) >= _SURE and not _cut_apart(pieces):
        return pieces
    smaller = _scale(image, _text_height(pieces)) if pieces else _SMALL_SIDE / 3 / max(image.size)
    if smaller > _MUCH_SMALLER * first:
        return pieces
    again = _read_at(image, smaller)  # letters as large as the picture
    return again if _is_better(again, pieces) else pieces


def _text_height(lines: Sequence[OcrLine]) -> float:
    return statistics.median(line.height for line in lines)


def _is_better(lines: Sequence[OcrLine], others: Sequence[OcrLine]) -> bool:
    """Whether a reading is surer than another, or whole where the other is cut apart, and no mere piece of it."""
    letters, theirs = (sum(len(line.text) for line in reading) for reading in (lines, others))
    is_whole = _cut_apart(others) and not _cut_apart(lines) and mean_confidence(lines) >= _DOUBTFUL
    return 2 * letters >= theirs and (is_whole or mean_confidence(lines) > mean_confidence(others))


def _cut_apart(pieces: Sequence[OcrLine]) -> bool:
    """Whether pieces lie over each other, as those of a word whose letters are too large to be found as one."""
    return any(overlap(one, other) > _OVER for one, other in meeting(pieces))


def read_places(image: Image, lines: Sequence[OcrLine]) -> list[OcrLine]:
    """Lines as they are read in the places of others, so that nothing has to be searched for."""
    import numpy

    crops = []
    for left, top, right, bottom in (line.box for line in lines):
        margin = round(_CROP_MARGIN * (bottom - top))
        crop = image.crop((max(left - margin, 0), max(top - margin, 0), right + margin, bottom + margin))
        crops.append(numpy.asarray(crop)[:, :, ::-1])
    return [
        replace(line, text=_plain_text(read), confidence=read.confidence, gaps=read.gaps)
        for line, read in zip(lines, _read_lines(crops), strict=True)
    ]


def _scale(image: Image, text_height: float) -> float:
    if text_height:
        return min(max(_TEXT_HEIGHT / text_height, min(0.4, _LARGE / text_height)), 3)
    return min(max(_SMALL_SIDE / max(image.size), 1), 3, max(_MAX_WIDTH / image.width, 0.4))


def _read_at(image: Image, scale: float) -> list[OcrLine]:
    from PIL import Image as Pictures

    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    scaled = image if size == image.size else image.resize(size, Pictures.Resampling.BICUBIC)
    lines: list[OcrLine] = []
    for left, right in cut_across(scaled, _MAX_WIDTH if scaled.width > _WIDEST else scaled.width):
        part = scaled if right - left == scaled.width else scaled.crop((left, 0, right, scaled.height))
        lines += [line.moved(right=left) for line in _read_part(part)]
    return [line.moved(scale=1 / scale) for line in lines]


def _read_part(image: Image) -> list[OcrLine]:
    """A picture that is not too wide to be read in strips."""
    lines: list[OcrLine] = []
    pixels = image.width * image.height
    area = _STRIP_AREA if pixels > _AT_ONCE else _AT_ONCE
    for strip in cut_strips(image, max(area // (image.width + 2 * _MARGIN), 200)):
        found = _read_strip(strip.crop(image))
        if pixels > _STRIP_AREA:
            release_memory(collect=False)
        lines += [line for line in (piece.moved(strip.top) for piece in found) if strip.owns(line.box)]
    return lines


def _read_strip(image: Image) -> list[OcrLine]:
    import numpy
    from PIL import ImageOps
    from rapidocr.main import RapidOCRError

    # A thin picture would be scaled to no height at all.
    below = max(image.width // 20 - image.height, 0)
    corner = tuple(image.crop((0, 0, 1, 1)).tobytes())
    padded = ImageOps.expand(image, (_MARGIN, _MARGIN, _MARGIN, _MARGIN + below), corner)
    try:
        crops, found = finder().detect_and_crop(numpy.asarray(padded)[:, :, ::-1], {"preprocess": {}})
    except RapidOCRError:  # this is how it reports that there is no text
        return []
    texts = _read_lines(crops)
    level = _levelled([box - _MARGIN for box in found.boxes])
    return [_piece(box, read) for box, read in zip(level, texts, strict=True)]


class _Read(NamedTuple):
    """What was read of a line; `gaps` as of an OcrLine."""

    text: str
    confidence: float
    gaps: tuple[float, ...] = ()


def _read_lines(crops: list[Any]) -> list[_Read]:
    """What is read of each line, turned upside down where that reads better.

    The engine's own classifier of what is upside down errs on long lines, so it is not asked.
    """
    read = _recognised(crops)
    doubtful = [i for i, line in enumerate(read) if line.confidence < _DOUBTFUL]
    turned = _recognised([crops[i][::-1, ::-1] for i in doubtful])
    for index, again in zip(doubtful, turned, strict=True):
        surer = again.confidence > read[index].confidence + _TURN_GAIN
        if surer and len(again.text) > 1 and not _BOTH_WAYS.issuperset(again.text):
            read[index] = again
    return read


def _recognised(lines: list[Any]) -> list[_Read]:
    cut = [_cut_long(line) for line in lines]
    if not cut:
        return []
    pieces = [piece for pieces in cut for piece in pieces]
    found = reader().recognize_txt(pieces)
    texts = iter(
        [
            _Read(text, float(score), gap_shares(text, pixels, _columns(places, pixels.shape[1])))
            for text, score, pixels, places in zip(found.txts, found.scores, pieces, found.word_results, strict=True)
        ]
    )
    return [_rejoined(list(itertools.islice(texts, len(pieces)))) for pieces in cut]


def _columns(places: Any, width: int) -> list[float]:
    """Where the letters of a line were recognised, in pixels of its width."""
    if not places.word_cols:
        return []
    return [(column + 0.5) / places.line_txt_len * width for word in places.word_cols for column in word]


def _rejoined(pieces: list[_Read]) -> _Read:
    if len(pieces) == 1:
        return pieces[0]
    letters = sum(len(piece.text) for piece in pieces)
    score = sum(piece.confidence * len(piece.text) for piece in pieces) / letters if letters else 0.0
    return _Read(" ".join(piece.text for piece in pieces), score)


def _cut_long(line: Any) -> list[Any]:
    """A line's pixels, in pieces where it is long, cut at its blank places: of a longer one the model loses letters."""
    import numpy

    height, width = line.shape[:2]
    count = math.ceil(width / height / _LONG)
    if count < 2:
        return [line]
    busy = line.astype(numpy.float32).std(axis=0).mean(axis=1)
    blank = max(height // 4, 1)
    busy = numpy.convolve(busy, numpy.ones(blank), "same")
    cuts = [0]
    for index in range(1, count):
        low = max(index * width // count - 4 * height, cuts[-1] + height)
        cuts.append(low + int(busy[low : low + 8 * height].argmin()))
    return [line[:, start:end] for start, end in itertools.pairwise([*cuts, width])]


def _levelled(boxes: list[Any]) -> list[Any]:
    """The corners of lines, turned about the picture's corner so that lines photographed askew stand level."""
    import numpy

    angles = [
        math.atan2(box[1][1] - box[0][1], box[1][0] - box[0][0])
        for box in boxes
        if numpy.linalg.norm(box[1] - box[0]) > 3 * numpy.linalg.norm(box[3] - box[0])
    ]
    angle = statistics.median(angles) if angles else 0.0
    if not math.radians(1.5) < abs(angle) < math.radians(30):
        return boxes
    turn = numpy.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return [box @ turn for box in boxes]


def _piece(corners: Any, read: _Read) -> OcrLine:
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    base = (top + bottom) / 2 + 0.3 * (bottom - top)
    box = (int(left), int(top), int(right), int(bottom))
    return OcrLine(_plain_text(read), box, read.confidence, float(base), gaps=read.gaps)


def _plain_text(read: _Read) -> str:
    """A line in narrow forms, without the letters that it is not sure of among digits, where they look like one."""
    text = _in_narrow_forms(read.text)
    if read.confidence >= _SURE:
        return text
    return _AMONG_DIGITS.sub(lambda found: found[0].translate(_DIGITS), text)


def _in_narrow_forms(text: str) -> str:
    """Words of Latin letters without the wide forms that stand beside Chinese ones, which the model likes."""
    words = text.split()
    if not _EAST_ASIAN.search(text):
        words = [word.translate(_NARROW) for word in words]
    return " ".join(words)
