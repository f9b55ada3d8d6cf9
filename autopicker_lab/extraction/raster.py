"""Pictures as pixels: decoded within bounds, upright, eight bits a channel, what is transparent over a background."""

from __future__ import annotations

import io
import threading
import warnings as python_warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autopicker_lab.core import CorruptFileError, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image as Picture

MAX_PIXELS = 80_000_000
FRAMES_CHECKED = 200
_TOLERANT = threading.Lock()  # held while Pillow's one switch for damaged files is on
_SHOWN = 32  # alpha from which a pixel counts as visible
_CONTRAST = 64  # levels of 255 that a pixel must differ from its background to be seen
_SEEN = 0.9


def open_image(file: SourceFile) -> tuple[Picture, tuple[str, ...]]:
    """The decoded picture, and a warning where the file is damaged and was read as far as it goes.

    Raises:
        CorruptFileError: nothing of it can be read, or one of its frames has more than 80 megapixels.
    """
    try:
        return _decoded(file), ()
    except CorruptFileError as error:
        if not isinstance(error.__cause__, OSError | SyntaxError | ValueError):
            raise  # no picture at all, or too large
    with _TOLERANT:
        from PIL import ImageFile

        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            picture = _decoded(file)
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    if _is_empty(picture):
        raise CorruptFileError(f"'{file.name}' is damaged: none of its pixels can be read", "save it again")
    return picture, ("the file is damaged or cut off: read as far as it goes",)


def _is_empty(picture: Picture) -> bool:
    """Whether all pixels are alike, as they are where a damaged file has none."""
    extrema = picture.convert("RGB").getextrema()
    return all(low == high for low, high in extrema)  # type: ignore[misc]  # three bands give three pairs


def _decoded(file: SourceFile) -> Picture:
    picture = open_header(file)
    with corrupt_on_failure(file):
        area = max(picture.width * picture.height, 1)
        frame_limit = max(min(FRAMES_CHECKED, MAX_PIXELS // area), 2)
        for frame in range(1, min(frame_count(picture), frame_limit)):
            picture.seek(frame)  # a later frame may be the bomb
            _check_pixels(picture, file)
        picture.seek(0)
        picture.load()
    return picture


def open_header(file: SourceFile) -> Picture:
    """The picture, of which only the header has been read."""
    from PIL import Image

    with corrupt_on_failure(file):
        picture = Image.open(io.BytesIO(file.data))
    _check_pixels(picture, file)
    return picture


def _check_pixels(picture: Picture, file: SourceFile) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise CorruptFileError(
            f"'{file.name}' has {picture.width:,} x {picture.height:,} pixels",
            f"scale it down to at most {MAX_PIXELS // 10**6} megapixels",
        )


@contextmanager
def corrupt_on_failure(file: SourceFile) -> Iterator[None]:
    """Turn the exceptions of Pillow into CorruptFileError, whose cause is the exception of a damaged picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        detail = "" if isinstance(error, UnidentifiedImageError) else f": {error}"
        raise CorruptFileError(f"'{file.name}' is not a readable image{detail}", "save it again") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise CorruptFileError(f"'{file.name}' is not a readable image: {error}", "save it again") from error


def frame_count(picture: Picture) -> int:
    """Frames of an animation; 1 for a telephone's photograph, which carries a smaller copy of itself."""
    return 1 if picture.format == "MPO" else int(getattr(picture, "n_frames", 1))


def to_rgb(picture: Picture) -> Picture:
    """The picture as RGB: upright, eight bits a channel, over white, or what its visible pixels show against."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I") or upright.mode == "F":
        low, high = upright.convert("F").getextrema()
        span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type]  # one-band images give one pair
        upright = upright.convert("F").point(lambda v: v * (255 / span) - float(low) * 255 / span).convert("L")  # type: ignore[arg-type]
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        return _over_background(upright.convert("RGBA"), is_bitmap=picture.format == "BMP")
    return upright.convert("RGB")


def _over_background(picture: Picture, is_bitmap: bool) -> Picture:
    """A transparent picture over the first of white, black and grey that its visible pixels stand out from."""
    from PIL import Image

    alpha = picture.getchannel("A")
    if is_bitmap and alpha.getextrema() == (0, 0):
        return picture.convert("RGB")  # programs leave the fourth byte of a bitmap unused
    visible = alpha.point([255 * (level >= _SHOWN) for level in range(256)])
    counts = picture.convert("L").histogram(visible)
    total = sum(counts) or 1
    if alpha.getextrema()[0] == 255:
        return picture.convert("RGB")

    def seen(background: int) -> float:
        return sum(n for level, n in enumerate(counts) if abs(level - background) >= _CONTRAST) / total

    shades = (255, 0, 128)
    shade = next((shade for shade in shades if seen(shade) >= _SEEN), max(shades, key=seen))
    return Image.alpha_composite(Image.new("RGBA", picture.size, (shade, shade, shade, 255)), picture).convert("RGB")
