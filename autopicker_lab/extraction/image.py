"""Reader for pictures: size, mode, EXIF without the place, dominant colours, and the text in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Document, MissingPackageError, Part, SourceFile
from autopicker_lab.extraction.frames import distinct_frames, frames_at
from autopicker_lab.extraction.ocr.lines import OcrResult
from autopicker_lab.extraction.raster import DAMAGED, directory_of, exif_of, frame_count, open_image, stored_size
from autopicker_lab.extraction.seen import seen_size, to_rgb
from autopicker_lab.extraction.shrinking import scaled
from autopicker_lab.extraction.wrapped import bare_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image as Picture

NO_TEXT = "no text was recognised in the picture"
NOT_READ = "the text in the picture was not read"

OCR_SIDE = 3000  # pixels; larger pictures are scaled down to be read
_MAX_FRAMES = 24  # of an animation
_NO_SMALLER = 0.999  # share of its sides from which a picture stays as it is
_ASPECT = 2  # sides that differ more: the shorter one counts, so that long screenshots keep their letters
_UNCERTAIN = 0.7
_GPS_IFD = 0x8825
_EXIF_IFD = 0x8769
_POINTERS = frozenset({_GPS_IFD, _EXIF_IFD, 0xA005, 0x927C, 0x9286})  # other directories, and makers' own bytes
_OF_TIFF = frozenset({*range(0x100, 0x10D), 0x111, *range(0x115, 0x119), 0x11C, *range(0x13D, 0x15C), 0x8773})


def read_image(file: SourceFile) -> Document:
    """The text in a picture; its size, colours, EXIF and the recognised lines with their boxes as metadata.

    Of an animation, the frames that differ are read, at most 24, of a file of pages as many as of a scanned PDF; a
    line comes once.
    """
    file = bare_picture(file)
    stored = stored_size(file)
    picture, warnings = open_image(file, int(1 / _read_share(*stored)))
    width, height = seen_size(stored, picture)
    frames = frame_count(picture)
    rgb = to_rgb(picture)
    colours = _colours(rgb)
    description = f"{picture.format} image, {width} x {height} pixels; main colours {', '.join(colours)}"
    meta: dict[str, Any] = {
        "description": description,
        "width": width,
        "height": height,
        "format": picture.format,
        "mode": picture.mode,
        "frames": frames,
        "exif": _exif(picture, file.options.place),
        "dominant_colours": colours,
    }
    frames_read: list[_Frame] = []
    if frames == 1:
        picture = rgb = _as_read(rgb)  # so that the pixels of a large one go
    chosen = distinct_frames(picture, rgb, file.options.ocr_pages if picture.format == "TIFF" else _MAX_FRAMES)
    try:
        for number, pixels in frames_at(picture, rgb, chosen.numbers):
            frames_read.append(_read_frame(pixels, number, chosen.named, file.options.languages, width))
    except MissingPackageError as error:  # what else is known of a picture is worth having without its text
        if file.options.languages:
            raise
        warnings += (f"{NOT_READ}: {error}",)
    if frames > 1 and len(frames_read) < frames:
        shown = ", ".join(str(frame.number) for frame in frames_read)
        warnings += (f"{frames} {chosen.named}s, of which {chosen.differ} differ: read {shown}",)
    if chosen.is_cut and DAMAGED not in warnings:
        warnings += (DAMAGED,)
    first = frames_read[0].result if frames_read else OcrResult(())
    meta |= {
        "ocr_engine": first.engine,
        "ocr_confidence": round(first.confidence, 3) if first.lines else None,
        "ocr_lines": [line for frame in frames_read for line in frame.metadata],
    }
    parts = _new_parts(frames_read)
    for frame in frames_read:
        warnings += frame.warnings
    if not parts:
        nothing = (NO_TEXT,) if frames_read else ()
        return Document(file.name, file.kind, (Part("picture", description),), meta, (*warnings, *nothing))
    return Document(file.name, file.kind, parts, meta, tuple(dict.fromkeys(warnings)))


@dataclass(frozen=True)
class _Frame:
    """A frame of a picture, from 1, with what was recognised in it; `scale` is its pixels to those that were read."""

    number: int
    result: OcrResult
    part: Part
    scale: float

    @property
    def metadata(self) -> list[dict[str, Any]]:
        """The lines with their boxes in pixels of the picture."""
        return [
            {
                "text": line.text,
                "box": [round(edge * self.scale) for edge in line.box],
                "confidence": round(line.confidence, 3),
            }
            for line in self.result.lines
        ]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is doubtful about its text."""
        lines, doubts = self.result.lines, self.result.doubts
        uncertain = sum(line.confidence < _UNCERTAIN for line in lines)
        if lines and not self.result.is_confident:
            return (self.result.warning, *doubts)
        if uncertain:
            return (f"lines recognised with a confidence below {_UNCERTAIN}: {uncertain} of {len(lines)}", *doubts)
        return doubts


def _read_share(width: int, height: int) -> float:
    """The share of a picture's sides at which it is read, 1 at most."""
    longest = min(max(width, height), _ASPECT * min(width, height))
    return min(OCR_SIDE / longest, 1.0) if longest else 1.0


def _as_read(rgb: Picture) -> Picture:
    """A picture at the size at which it is read."""
    share = _read_share(*rgb.size)
    if share > _NO_SMALLER:
        return rgb
    return scaled(rgb, (max(round(rgb.width * share), 1), max(round(rgb.height * share), 1)))


def _read_frame(rgb: Picture, number: int, named: str, languages: Sequence[str], width: int) -> _Frame:
    from autopicker_lab.extraction.ocr import read_text
    from autopicker_lab.extraction.pdf.recognised import arrange

    reduced = _as_read(rgb)
    result = read_text(reduced, languages)
    label = "text in the picture" if number == 1 else f"text in {named} {number}"
    text, tables, places = arrange(result, label, number, reduced.size)
    return _Frame(number, result, Part(label, text, tables, places), width / reduced.width)


def _new_parts(frames: Sequence[_Frame]) -> tuple[Part, ...]:
    """The parts of frames, without those whose lines all came before."""
    seen: set[str] = set()
    parts: list[Part] = []
    for frame in frames:
        lines = {line.text for line in frame.result.lines}
        if lines - seen:
            parts.append(frame.part)
        seen |= lines
    return tuple(parts)


def _colours(picture: Picture, count: int = 4) -> list[str]:
    """Hexadecimal codes of the commonest colours, most frequent first."""
    small = picture.resize((64, 64)).quantize(count)
    palette = small.getpalette() or []
    ranked: list[tuple[int, int]] = sorted(small.getcolors() or [], reverse=True)  # type: ignore[arg-type]  # palette
    triples = (palette[3 * index : 3 * index + 3] for _, index in ranked)
    return ["#" + "".join(f"{channel:02x}" for channel in triple) for triple in triples]


def _exif(picture: Picture, place: bool) -> dict[str, str]:
    from PIL import ExifTags

    exif = exif_of(picture)
    values = {**exif, **directory_of(exif, _EXIF_IFD)}
    hidden = _POINTERS | _OF_TIFF if picture.format == "TIFF" else _POINTERS
    tags = {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in values.items() if tag not in hidden}
    if place:
        tags |= {ExifTags.GPSTAGS.get(tag, str(tag)): value for tag, value in directory_of(exif, _GPS_IFD).items()}
    return {name: str(value)[:200] for name, value in tags.items() if not isinstance(value, bytes)}
