"""Reader for pictures: size, mode, EXIF without the place, dominant colours, and the text in them."""

from __future__ import annotations

import io
import warnings as python_warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, MissingPackageError, Part, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image as Picture


NO_TEXT = "no text was recognised in the picture"
NOT_READ = "the text in the picture was not read"

MAX_PIXELS = 80_000_000
OCR_SIDE = 3000
VISION_SIDE = 1568  # pixels; hosted models scale larger pictures down to about this
_FRAMES_CHECKED = 200
_UNCERTAIN = 0.7
_GPS_IFD = 0x8825
_ORIENTATION = 0x0112
_WEB_KINDS = frozenset({"jpg", "png", "gif", "webp"})


def read_image(file: SourceFile) -> Document:
    """The text in a picture; its size, colours, EXIF and the recognised lines with their boxes as metadata."""
    from autopicker_lab.extraction.ocr import OcrResult, read_text

    picture = open_image(file)
    frames = int(getattr(picture, "n_frames", 1))
    rgb = to_rgb(picture)
    reduced = rgb.copy()
    reduced.thumbnail((OCR_SIDE, OCR_SIDE))
    unread: tuple[str, ...] = ()
    try:
        result = read_text(reduced, file.options.languages)
    except MissingPackageError as error:  # what else is known of a picture is worth having without its text
        if file.options.languages:
            raise
        result, unread = OcrResult(()), (f"{NOT_READ}: {error}",)
    colours = _colours(rgb)
    description = f"{picture.format} image, {rgb.width} x {rgb.height} pixels; main colours {', '.join(colours)}"
    meta: dict[str, Any] = {
        "description": description,
        "width": rgb.width,
        "height": rgb.height,
        "format": picture.format,
        "mode": picture.mode,
        "frames": frames,
        "exif": _exif(picture, file.options.place),
        "dominant_colours": colours,
        "ocr_engine": result.engine,
        "ocr_confidence": round(result.confidence, 3) if result.lines else None,
        "ocr_lines": [
            {
                "text": line.text,
                "box": _scale_box(line.box, rgb.width / reduced.width),
                "confidence": round(line.confidence, 3),
            }
            for line in result.lines
        ],
    }
    warnings: tuple[str, ...] = (f"only the first of {frames} frames was read",) if frames > 1 else ()
    if not result.lines:
        return Document(
            file.name, file.kind, (Part("picture", description),), meta, (*warnings, *(unread or (NO_TEXT,)))
        )
    uncertain = sum(line.confidence < _UNCERTAIN for line in result.lines)
    if not result.is_confident:
        warnings += (result.warning,)
    elif uncertain:
        warnings += (f"lines recognised with a confidence below {_UNCERTAIN}: {uncertain} of {len(result.lines)}",)
    part = Part("text in the picture", result.text, (), result.places(reduced.size))
    return Document(file.name, file.kind, (part,), meta, warnings)


def downscale(file: SourceFile, side: int = VISION_SIDE) -> SourceFile:
    """A picture prepared for a vision model: upright, at most `side` pixels long, in a format for the web.

    The place where it was taken is removed unless the options ask for it. A picture that needs none of this stays as
    it is, byte for byte.
    """
    picture = _header(file)
    with _corrupt_on_failure(file):
        exif = picture.getexif()
    upright = exif.get(_ORIENTATION, 1) == 1 and (file.options.place or _GPS_IFD not in exif)
    if file.kind in _WEB_KINDS and upright and max(picture.size) <= side and picture.mode != "CMYK":
        return file
    rgb = to_rgb(open_image(file))
    rgb.thumbnail((side, side))
    out = io.BytesIO()
    kind = "jpg" if file.kind == "jpg" else "png"
    rgb.save(out, "JPEG" if kind == "jpg" else "PNG", quality=90)
    return replace(file, data=out.getvalue(), kind=kind)


def _scale_box(box: tuple[int, int, int, int], factor: float) -> list[int]:
    return [round(edge * factor) for edge in box]


def open_image(file: SourceFile) -> Picture:
    """The decoded picture.

    Raises:
        CorruptFileError: it is broken, or one of its frames has more than 80 megapixels.
    """
    picture = _header(file)
    with _corrupt_on_failure(file):
        area = max(picture.width * picture.height, 1)
        frame_limit = max(min(_FRAMES_CHECKED, MAX_PIXELS // area), 2)
        for frame in range(1, min(int(getattr(picture, "n_frames", 1)), frame_limit)):
            picture.seek(frame)  # a later frame may be the bomb
        picture.seek(0)
        picture.load()
    return picture


def _header(file: SourceFile) -> Picture:
    """The picture, of which only the header has been read."""
    from PIL import Image

    with _corrupt_on_failure(file):
        picture = Image.open(io.BytesIO(file.data))
    if picture.width * picture.height > MAX_PIXELS:
        raise CorruptFileError(
            f"'{file.name}' has {picture.width:,} x {picture.height:,} pixels",
            f"scale it down to at most {MAX_PIXELS // 10**6} megapixels",
        )
    return picture


@contextmanager
def _corrupt_on_failure(file: SourceFile) -> Iterator[None]:
    """Turn the exceptions of Pillow into CorruptFileError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        detail = "" if isinstance(error, UnidentifiedImageError) else f": {error}"
        raise CorruptFileError(f"'{file.name}' is not a readable image{detail}", "save it again") from None


def to_rgb(picture: Picture) -> Picture:
    """The picture as RGB: upright, eight bits a channel, transparency over white."""
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I") or upright.mode == "F":
        low, high = upright.convert("F").getextrema()
        span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type]  # one-band images give one pair
        upright = upright.convert("F").point(lambda v: v * (255 / span) - float(low) * 255 / span).convert("L")  # type: ignore[arg-type]
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        white = Image.new("RGBA", upright.size, "white")
        return Image.alpha_composite(white, upright.convert("RGBA")).convert("RGB")
    return upright.convert("RGB")


def _colours(picture: Picture, count: int = 4) -> list[str]:
    """Hexadecimal codes of the commonest colours, most frequent first."""
    small = picture.resize((64, 64)).quantize(count)
    palette = small.getpalette() or []
    ranked: list[tuple[int, int]] = sorted(small.getcolors() or [], reverse=True)  # type: ignore[arg-type]  # palette
    triples = (palette[3 * index : 3 * index + 3] for _, index in ranked)
    return ["#" + "".join(f"{channel:02x}" for channel in triple) for triple in triples]


def _exif(picture: Picture, place: bool) -> dict[str, str]:
    from PIL import ExifTags

    exif = picture.getexif()
    tags = {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in exif.items() if tag != _GPS_IFD}
    if place:
        tags |= {ExifTags.GPSTAGS.get(tag, str(tag)): value for tag, value in exif.get_ifd(_GPS_IFD).items()}
    return {name: str(value)[:200] for name, value in tags.items() if not isinstance(value, bytes)}
