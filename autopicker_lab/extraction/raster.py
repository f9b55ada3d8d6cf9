"""Pictures as pixels: decoded within bounds, what is damaged as far as it goes."""

from __future__ import annotations

import io
import struct
import threading
import warnings as python_warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.core import CorruptFileError, SourceFile
from autopicker_lab.extraction.picture_ends import ends_early
from autopicker_lab.extraction.picture_repair import repaired
from autopicker_lab.extraction.shrinking import decoded_smaller, reduced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Exif
    from PIL.Image import Image as Picture

_T = TypeVar("_T")

DAMAGED = "the file is damaged or cut off: read as far as it goes"
MAX_PIXELS = 80_000_000
_SMALLER = f"scale it down to at most {MAX_PIXELS // 10**6} megapixels"
FRAMES_CHECKED = 200
_FORMATS = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "AVIF")  # others start programs, or are seldom
_LARGE = 16_000_000  # pixels from which a picture may be opened smaller
_REDUCED = ("PNG", "WEBP", "BMP", "DIB", "AVIF")  # whose metadata stay when Pillow makes them smaller
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, struct.error)  # of what is damaged
_TOLERANT = threading.Lock()  # held while Pillow's one switch for damaged files is on


def open_image(file: SourceFile, smaller: int = 1) -> tuple[Picture, tuple[str, ...]]:
    """The decoded picture, and a warning where the file is damaged and was read as far as it goes.

    Args:
        smaller: a whole factor by which the sides of a large picture (over 16 megapixels) may shrink on the way, which
            takes less memory; a JPEG shrinks by two, four or eight.

    Raises:
        CorruptFileError: nothing of it can be read, or one of its frames has more than 80 megapixels.
    """
    picture, is_damaged = _read_as_far_as_it_goes(file, lambda tried: _decoded(tried, smaller))
    if is_damaged and _is_empty(picture):
        raise CorruptFileError(f"'{file.name}' is damaged: none of its pixels can be read", "save it again")
    return picture, ((DAMAGED,) if is_damaged or ends_early(file.data) else ())


def _read_as_far_as_it_goes(file: SourceFile, read: Callable[[SourceFile], _T]) -> tuple[_T, bool]:
    """What `read` makes of a picture, and whether some of its pixels are damaged or missing.

    Raises:
        CorruptFileError: nothing can be made of it, or it is too large.
    """
    try:
        return read(file), False
    except CorruptFileError as error:
        if error.__cause__ is None:
            raise  # too large
    mended = repaired(file.data)
    file = SourceFile(file.name, mended.data, file.kind)
    if mended.is_whole:
        try:
            return read(file), False
        except CorruptFileError as error:
            if error.__cause__ is None:
                raise
    with _tolerating():
        return read(file), True


@contextmanager
def _tolerating() -> Iterator[None]:
    """Read damaged pictures as far as they go."""
    from PIL import ImageFile

    with _TOLERANT:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False


def _is_empty(picture: Picture) -> bool:
    """Whether all pixels are alike, as they are where a damaged file has none."""
    extrema = picture.convert("RGB").getextrema()
    return all(low == high for low, high in extrema)  # type: ignore[misc]  # three bands give three pairs


def stored_size(file: SourceFile) -> tuple[int, int]:
    """Width and height in pixels as a picture is stored; CorruptFileError as by open_image."""
    return _read_as_far_as_it_goes(file, open_header)[0].size


def _decoded(file: SourceFile, smaller: int) -> Picture:
    picture = open_header(file)
    if picture.width * picture.height < _LARGE or frame_count(picture) > 1:
        smaller = 1
    with corrupt_on_failure(file):
        area = max(picture.width * picture.height, 1)
        frame_limit = max(min(FRAMES_CHECKED, MAX_PIXELS // area), 2)
        for frame in range(1, min(frame_count(picture), frame_limit)):
            if not seek_frame(picture, frame):
                break  # cut off: those before it are sound
            _check_pixels(picture, file)  # a later frame may be the bomb
        picture.seek(0)
        if smaller > 1 and (small := decoded_smaller(picture, file.data, smaller)) is not None:
            return small
        if smaller > 1:
            picture.draft(None, (picture.width // smaller, picture.height // smaller))  # does nothing but to a JPEG
        picture.load()
    return reduced(picture, smaller) if smaller > 1 and picture.format in _REDUCED else picture


def open_header(file: SourceFile) -> Picture:
    """The picture, of which only the header has been read."""
    from PIL import Image

    with corrupt_on_failure(file):
        picture = Image.open(io.BytesIO(file.data), formats=_known())
    _check_pixels(picture, file)
    return picture


def is_picture(data: bytes) -> bool:
    """Whether bytes begin as a picture of a format that is opened here."""
    return _begins_as_one(data) or _begins_as_one(repaired(data).data)


def _begins_as_one(data: bytes) -> bool:
    from PIL import Image, UnidentifiedImageError

    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        try:
            Image.open(io.BytesIO(data), formats=_known())
        except UnidentifiedImageError:
            return False
        except (*UNREADABLE, Image.DecompressionBombError):
            pass  # one that is damaged, or too large
    return True


def sound_header(file: SourceFile) -> Picture | None:
    """The picture, of which only the header has been read; None where it must be mended first.

    Raises:
        CorruptFileError: it has more than 80 megapixels.
    """
    try:
        return open_header(file)
    except CorruptFileError as error:
        if error.__cause__ is None:
            raise
        return None


def _known() -> list[str]:
    """The formats that are opened, as far as this Pillow can."""
    from PIL import Image

    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _check_pixels(picture: Picture, file: SourceFile) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise CorruptFileError(
            f"'{file.name}' has {picture.width:,} x {picture.height:,} pixels",
            _SMALLER,
        )


@contextmanager
def corrupt_on_failure(file: SourceFile) -> Iterator[None]:
    """Turn the exceptions of Pillow into CorruptFileError, whose cause is the exception of a damaged picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")  # of large pictures, and of damaged metadata
            yield
    except Image.DecompressionBombError as error:
        raise CorruptFileError(f"'{file.name}' is not a readable image: {error}", _SMALLER) from None
    except UnidentifiedImageError as error:  # its words name a buffer in memory
        raise CorruptFileError(f"'{file.name}' is not a readable image", "save it again") from error
    except UNREADABLE as error:
        raise CorruptFileError(f"'{file.name}' is not a readable image: {error}", "save it again") from error


def frame_count(picture: Picture) -> int:
    """Frames of an animation; 1 for a telephone's photograph, which carries a smaller copy of itself."""
    if picture.format == "MPO":
        return 1
    shown = picture.tell()
    with suppress(*UNREADABLE):
        return int(getattr(picture, "n_frames", 1))
    whole = next(number for number in range(1, FRAMES_CHECKED + 1) if not seek_frame(picture, number))
    picture.seek(shown)
    return whole + 1  # the last one is cut off


def seek_frame(picture: Picture, number: int) -> bool:
    """Go to a frame, from 0; False where the file ends, or is damaged, before it."""
    with suppress(*UNREADABLE):
        picture.seek(number)
        return True
    return False


def exif_of(picture: Picture) -> Exif:
    """What EXIF says of a picture; of one that is damaged nothing."""
    from PIL.Image import Exif

    with _passing_over_damage():
        return picture.getexif()
    return Exif()


def directory_of(exif: Exif, pointer: int) -> dict[int, Any]:
    """Another directory of EXIF, by the tag that points to it; empty where it is missing or damaged."""
    with _passing_over_damage():
        return dict(exif.get_ifd(pointer))
    return {}


@contextmanager
def _passing_over_damage() -> Iterator[None]:
    """Say and raise nothing where metadata are damaged."""
    with (
        python_warnings.catch_warnings(),
        suppress(OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error),
    ):
        python_warnings.simplefilter("ignore")
        yield
