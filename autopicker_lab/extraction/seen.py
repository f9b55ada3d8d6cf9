"""Pictures as they are seen: upright, eight bits a channel, in sRGB, what is transparent over a background."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from autopicker_lab.extraction.raster import exif_of, frame_count

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_ORIENTATION = 0x0112
_TURNS = {  # by orientation, what makes it upright
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_ON_END = (5, 6, 7, 8)  # orientations of pictures that are stored lying
_SHOWN = 32  # alpha from which a pixel counts as visible
_CONTRAST = 64  # levels of 255 that a pixel must differ from its background to be seen
_SEEN = 0.9


def seen_size(stored: tuple[int, int], picture: Picture) -> tuple[int, int]:
    """Width and height in pixels as a decoded picture is to be seen, of those that it is stored with."""
    width, height = stored
    if picture.format == "TIFF":
        return picture.size  # Pillow has turned it
    return (height, width) if exif_of(picture).get(_ORIENTATION, 1) in _ON_END else (width, height)


def to_rgb(picture: Picture) -> Picture:
    """The picture as RGB: upright, eight bits a channel, over white, or what its visible pixels show against."""
    return _opaque(_eight_bits(_upright(picture)))


def to_srgb(picture: Picture) -> Picture:
    """The picture as by to_rgb, in the colours that its profile means."""
    return _opaque(_in_srgb(_eight_bits(_upright(picture)), picture.info.get("icc_profile")))


def is_upright(picture: Picture) -> bool:
    """Whether a picture is stored as it is to be seen."""
    return exif_of(picture).get(_ORIENTATION, 1) not in _TURNS


def _upright(picture: Picture) -> Picture:
    from PIL.Image import Transpose

    if not is_upright(picture):
        return picture.transpose(Transpose[_TURNS[exif_of(picture)[_ORIENTATION]]])
    is_frame = picture.tell() > 0 or frame_count(picture) > 1
    return picture.copy() if is_frame else picture  # its next frame would take the place of this one


def _eight_bits(picture: Picture) -> Picture:
    if not picture.mode.startswith("I") and picture.mode != "F":
        return picture
    low, high = picture.convert("F").getextrema()
    span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type]  # one-band images give one pair
    return picture.convert("F").point(lambda v: v * (255 / span) - float(low) * 255 / span).convert("L")  # type: ignore[arg-type]


def _in_srgb(picture: Picture, profile: bytes | None) -> Picture:
    """The picture, in sRGB where a profile says that its numbers mean other colours."""
    if not profile:
        return picture
    from PIL import ImageCms

    if picture.mode in ("P", "PA"):
        picture = picture.convert("RGBA" if _has_alpha(picture) else "RGB")
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changed = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture  # the profile is damaged, or another kind of picture's
    return changed or picture


def _has_alpha(picture: Picture) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _opaque(picture: Picture) -> Picture:
    """The picture as RGB; a transparent one over the shade that it is seen on."""
    from PIL import Image

    if not _has_alpha(picture):
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    shade = _shade(picture)
    if shade is None:
        return picture.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", picture.size, (shade, shade, shade, 255)), picture).convert("RGB")


def shade_behind(picture: Picture) -> int | None:
    """The first of white (255), black and grey that a picture's visible pixels stand out from; None: it is opaque."""
    return _shade(picture.convert("RGBA")) if _has_alpha(picture) else None


def _shade(picture: Picture) -> int | None:
    alpha = picture.getchannel("A")
    low, high = alpha.getextrema()
    if low == 255 or high == 0:
        return None  # programs leave the fourth byte unused: nobody draws what nobody sees
    visible = alpha.point([255 * (level >= _SHOWN) for level in range(256)])
    counts = picture.convert("L").histogram(visible)
    total = sum(counts) or 1

    def seen(background: int) -> float:
        return sum(n for level, n in enumerate(counts) if abs(level - background) >= _CONTRAST) / total

    shades = (255, 0, 128)
    return next((shade for shade in shades if seen(shade) >= _SEEN), max(shades, key=seen))
