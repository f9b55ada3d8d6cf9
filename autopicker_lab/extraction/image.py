"""Pictures: size, mode, EXIF without the place, dominant colours, and the text in them."""

from __future__ import annotations

import io
import warnings as python_warnings
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 80_000_000
OCR_SIDE = 3000
_GPS_IFD = 0x8825


def read_image(file: SourceFile) -> Document:
    from autopicker_lab.extraction.ocr import read_text

    picture = open_image(file)
    frames = int(getattr(picture, "n_frames", 1))
    meta: dict[str, Any] = {
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "mode": picture.mode,
        "frames": frames,
        "exif": _exif(picture),
    }
    flat = to_rgb(picture)
    meta["dominant_colours"] = _colours(flat)
    small = flat.copy()
    small.thumbnail((OCR_SIDE, OCR_SIDE))
    found = read_text(small)
    meta["ocr_confidence"] = round(found.confidence, 3) if found.lines else None
    colours = ", ".join(meta["dominant_colours"])
    about = f"{picture.format} image, {picture.width} x {picture.height} pixels; main colours {colours}"
    warnings: tuple[str, ...] = (f"only the first of {frames} frames was read",) if frames > 1 else ()
    if not found.lines:
        warnings += ("no text was recognised in the picture",)
    parts = (Part("text in the picture", found.text), Part("picture", about))
    return Document(file.name, file.kind, parts, meta, warnings)


def open_image(file: SourceFile) -> Picture:
    """The decoded picture; CorruptFileError for a broken one or one of more than 80 megapixels."""
    from PIL import Image, UnidentifiedImageError

    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(file.data))
            if picture.width * picture.height > MAX_PIXELS:
                raise CorruptFileError(
                    f"'{file.name}' has {picture.width:,} x {picture.height:,} pixels",
                    f"scale it down to at most {MAX_PIXELS // 10**6} megapixels",
                )
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        what = "" if isinstance(error, UnidentifiedImageError) else f": {error}"
        raise CorruptFileError(f"'{file.name}' is not a readable image{what}", "save it again") from None
    return picture


def to_rgb(picture: Picture) -> Picture:
    """Upright, eight bits a channel, transparency over white."""
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
    """Hexadecimal names of the commonest colours, most frequent first."""
    small = picture.resize((64, 64)).quantize(count)
    palette = small.getpalette() or []
    ranked: list[tuple[int, int]] = sorted(small.getcolors() or [], reverse=True)  # type: ignore[arg-type]  # palette
    triples = (palette[3 * index : 3 * index + 3] for _, index in ranked)
    return ["#" + "".join(f"{channel:02x}" for channel in triple) for triple in triples]


def _exif(picture: Picture) -> dict[str, str]:
    from PIL import ExifTags

    tags = {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in picture.getexif().items() if tag != _GPS_IFD}
    return {name: str(value)[:200] for name, value in tags.items() if not isinstance(value, bytes)}
