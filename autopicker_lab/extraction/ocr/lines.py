"""What is recognised in a picture: lines, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MIN_CONFIDENCE = 0.6  # confidence below which another reading is tried

_WITHIN = 0.7  # share of its box that lies in the box of the line that it repeats

PixelBox = tuple[int, int, int, int]


@dataclass(frozen=True)
class OcrLine:
    """A recognised piece of a line, without a wide gap in it.

    Attributes:
        box: (left, top, right, bottom) in pixels of the picture as it was turned to read it.
        confidence: 0 to 1.
        base: where its base line stands, in pixels from the top.
        weakest: the confidence of the word that is least sure; 1 where words have none of their own.
        gaps: how wide the gap before each letter is, in gaps between its words; empty where that is not known.
        words: each by itself; empty where that is not known.
    """

    text: str
    box: PixelBox
    confidence: float
    base: float = 0.0
    weakest: float = 1.0
    gaps: tuple[float, ...] = ()
    words: tuple[OcrLine, ...] = ()

    @property
    def height(self) -> int:
        """Pixels from its top to its bottom."""
        return self.box[3] - self.box[1]

    @property
    def width(self) -> int:
        """Pixels from its left to its right edge."""
        return self.box[2] - self.box[0]

    def moved(self, down: int = 0, scale: float = 1.0, right: int = 0) -> OcrLine:
        """The line in a picture that is `scale` times as large, and begins so many pixels further left and up."""
        left, top, across, bottom = (round(edge * scale) for edge in self.box)
        box = (left + right, top + down, across + right, bottom + down)
        words = tuple(word.moved(down, scale, right) for word in self.words)
        return replace(self, box=box, base=self.base * scale + down, words=words)


@dataclass(frozen=True)
class OcrResult:
    """The text recognised in one picture.

    Attributes:
        lines: from top to bottom; `pdf.recognised.arrange` puts them in reading order.
        engine: "tesseract eng" or "rapidocr".
        rotation: degrees, counter-clockwise, by which the picture was turned to read it.
        doubts: what was seen and not read, one line each, with the next step.
        tilt: degrees, counter-clockwise, by which it was turned first since it stood askew.
    """

    lines: tuple[OcrLine, ...]
    engine: str = ""
    rotation: int = 0
    doubts: tuple[str, ...] = ()
    tilt: float = 0.0

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(line.text for line in self.lines)

    @property
    def confidence(self) -> float:
        """Mean confidence over the lines, weighted by their length, 0 to 1; 0 where no text was recognised."""
        return mean_confidence(self.lines)

    @property
    def is_confident(self) -> bool:
        """Whether the text needs no check."""
        return self.confidence >= MIN_CONFIDENCE

    @property
    def warning(self) -> str:
        """What to tell the user about text that was recognised badly, with the next step."""
        return (
            f"the text was recognised with a confidence of only {self.confidence:.2f}: check it, or install its "
            "language for Tesseract (tesseract-ocr-kor, say)"
        )


def joined_box(boxes: Iterable[PixelBox]) -> PixelBox:
    """The box around boxes."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def mean_confidence(lines: Iterable[OcrLine]) -> float:
    """Confidence over lines, weighted by their length; 0 where there is none."""
    lines = tuple(lines)
    letters = sum(len(line.text) for line in lines)
    return sum(line.confidence * len(line.text) for line in lines) / letters if letters else 0.0


def same_place(line: OcrLine, other: OcrLine) -> bool:
    """Whether two readings are of one line, by their boxes."""
    across = min(line.box[2], other.box[2]) - max(line.box[0], other.box[0])
    down = min(line.box[3], other.box[3]) - max(line.box[1], other.box[1])
    return across > 0 and down > 0.5 * min(line.height, other.height)


def overlap(line: OcrLine, other: OcrLine) -> float:
    """The share of the smaller of two boxes that lies in the other, 0 to 1."""
    return _shared(line, other) / max(min(_area(line), _area(other)), 1)


def without_twins(lines: Sequence[OcrLine]) -> list[OcrLine]:
    """Lines without those that were found a second time: one of a huge word's letters, or the whole, less surely."""
    return _without(_without(lines, _is_less_sure), _is_part)


def meeting(lines: Iterable[OcrLine]) -> Iterator[tuple[OcrLine, OcrLine]]:
    """The pairs of lines that share rows of pixels; few where most lines stand below each other."""
    ordered = sorted(lines, key=lambda line: line.box[1])
    for i, line in enumerate(ordered):
        for j in range(i + 1, len(ordered)):
            if ordered[j].box[1] >= line.box[3]:
                break
            yield line, ordered[j]


def _without(lines: Sequence[OcrLine], is_twin: Callable[[OcrLine, OcrLine], bool]) -> list[OcrLine]:
    pairs = [pair for one, other in meeting(lines) for pair in ((one, other), (other, one))]
    twins = {id(line) for line, other in pairs if is_twin(line, other)}
    return [line for line in lines if id(line) not in twins]


def _is_less_sure(line: OcrLine, other: OcrLine) -> bool:
    return line.confidence < other.confidence and _shared(line, other) > _WITHIN * max(_area(line), _area(other))


def _is_part(line: OcrLine, other: OcrLine) -> bool:
    is_shorter = len(line.text) < len(other.text) and line.text in other.text
    return is_shorter and _shared(line, other) > _WITHIN * _area(line)


def _shared(line: OcrLine, other: OcrLine) -> int:
    across = min(line.box[2], other.box[2]) - max(line.box[0], other.box[0])
    down = min(line.box[3], other.box[3]) - max(line.box[1], other.box[1])
    return max(across, 0) * max(down, 0)


def _area(line: OcrLine) -> int:
    return line.width * line.height


def stands_on_end(lines: Sequence[OcrLine]) -> bool:
    """Whether most lines run up or down the picture."""
    words = [line for line in lines if len(line.text) > 3]
    return 2 * sum(line.height > line.box[2] - line.box[0] for line in words) > len(words)


def are_level(pieces: Sequence[OcrLine]) -> bool:
    """Whether RapidOCR's lines run across the picture, where Tesseract took columns of figures for lines on end."""
    words = [piece for piece in pieces if len(piece.text) > 2]
    return 2 * sum(word.width > word.height for word in words) > len(words)
