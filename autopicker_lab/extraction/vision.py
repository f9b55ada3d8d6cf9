"""Pictures as models that see are sent them: upright, sRGB, eight bits, within bounds, and without any metadata."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core import SourceFile, UnsupportedFileError, Vision
from autopicker_lab.core.files import FORMATS
from autopicker_lab.extraction.foreign import FOREIGN, foreign_error
from autopicker_lab.extraction.frames import distinct_frames, frames_at
from autopicker_lab.extraction.picture_bytes import holds_pixels_alone
from autopicker_lab.extraction.raster import DAMAGED, frame_count, is_picture, open_image, sound_header, stored_size
from autopicker_lab.extraction.seen import is_upright, seen_size, shade_behind, to_srgb
from autopicker_lab.extraction.sniff import content_kind
from autopicker_lab.extraction.tiles import cut_tiles
from autopicker_lab.extraction.wrapped import unwrapped

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_KINDS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp"}
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
_QUALITIES = (90, 75, 50)
_SMALLER = 0.7
_MAX_FRAMES = 8
NOT_A_PICTURE = "is nothing that can be read here: sent as it came"


class VisionPictures(NamedTuple):
    """A picture as it is sent: one or several files, and what was changed, in words."""

    files: tuple[SourceFile, ...]
    changes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)


def as_it_came(data: bytes, name: str, vision: Vision) -> VisionPictures | None:
    """A picture that needs no change, told by its head; None for one that does, or may.

    Raises:
        UnsupportedFileError, CorruptFileError: it is something else, or larger than is read.
    """
    if not is_picture(data):
        if unwrapped(data, "png")[1]:
            return None
        _refuse_known(data, name)
        return VisionPictures((SourceFile(name, data, "png"),), (NOT_A_PICTURE,))
    picture = sound_header(SourceFile(name, data, "png"))
    if (
        picture is None
        or not _is_as_wanted(picture, data, vision)
        or "A" in picture.mode
        or "transparency" in picture.info
    ):
        return None  # what is transparent may not be seen on white
    return VisionPictures((SourceFile(name, data, _KINDS[picture.format or ""]),))


def _is_as_wanted(picture: Picture, data: bytes, vision: Vision) -> bool:
    kind = _KINDS.get(picture.format or "", "")
    within = max(picture.size) <= vision.side and len(data) <= vision.max_bytes
    if not within or kind not in vision.formats or picture.mode not in _MODES or frame_count(picture) > 1:
        return False
    return holds_pixels_alone(data, kind) and is_upright(picture)


def _refuse_known(data: bytes, name: str) -> None:
    """Say of what is no picture what it is, as far as that is known.

    Raises:
        UnsupportedFileError: it is a format that models are not sent as a picture.
    """
    kind = content_kind(data, name)
    if kind in FOREIGN:
        raise foreign_error(name, kind)
    if kind and kind != "txt" and FORMATS[kind].category != "image":
        detail = f"'{name}' is no picture but {kind.upper()}"
        raise UnsupportedFileError(detail, "upload it and name it in file_ids, or send it as a `file` part")


def prepare(data: bytes, name: str, vision: Vision, room: int = 1) -> VisionPictures:
    """A picture made ready for a model.

    Args:
        vision: what the model takes; its `formats` are named.
        room: pictures that one may become: tiles of a long one, frames of an animation that differ.

    Raises:
        UnsupportedFileError, CorruptFileError: it is no picture, or none that can be read.
    """
    data, unusual = unwrapped(data, "png")
    if ready := as_it_came(data, name, vision):
        return ready._replace(changes=unusual + ready.changes)
    file = SourceFile(name, data, "png")
    stored = stored_size(file)
    smaller = max((min(stored) - 1) // vision.side, 1)  # still larger than what is sent
    picture, warnings = open_image(file, smaller)
    width, height = seen_size(stored, picture)
    source = _KINDS.get(picture.format or "", "")
    shade = shade_behind(picture)
    is_sound = not warnings and sound_header(file) is not None
    if is_sound and shade in (None, 255) and _is_as_wanted(picture, data, vision):
        return VisionPictures((SourceFile(name, data, source),), unusual)
    changes = [*unusual, *warnings, *_changes(data, picture, source, shade)]
    first = to_srgb(picture)
    frames = [first]
    if (count := frame_count(picture)) > 1:
        chosen = distinct_frames(picture, first, min(room, _MAX_FRAMES))
        frames = [frame for _, frame in frames_at(picture, first, chosen.numbers)]
        changes += [DAMAGED] if chosen.is_cut and DAMAGED not in changes else []
        changes.append(f"{len(frames)} of {count} frames sent")
    tiles = [tile for frame in frames for tile in cut_tiles(frame, vision.side, room // len(frames))]
    if len(tiles) > len(frames):
        changes.append(f"{width} x {height} pixels cut into {len(tiles)} pictures")
    elif tiles[0].size != (width, height):
        changes.append(f"{width} x {height} pixels scaled down to {tiles[0].width} x {tiles[0].height}")
    files = tuple(_encoded(tile, name, source == "jpg", vision) for tile in tiles)
    if files[0].kind != source:
        changes.append(f"{picture.format} made {files[0].kind.upper()}")
    return VisionPictures(files, tuple(changes or ["encoded again"]))


def _changes(data: bytes, picture: Picture, kind: str, shade: int | None) -> list[str]:
    """What to_srgb does to a picture, and that its metadata are lost, in words."""
    said = []
    if not is_upright(picture):
        said.append("turned upright")
    if picture.info.get("icc_profile"):
        said.append("colours made sRGB")
    if kind and not holds_pixels_alone(data, kind) and frame_count(picture) == 1:
        said.append("metadata removed")
    if shade not in (None, 255):
        said.append("put on black" if shade == 0 else "put on grey")
    return said


def _encoded(picture: Picture, name: str, is_photograph: bool, vision: Vision) -> SourceFile:
    """A picture as PNG, a photograph or one too large for that as JPEG; smaller until it is within the bytes."""
    while True:
        if not is_photograph and "png" in vision.formats:
            data = _saved(picture, "PNG", optimize=False)
            if len(data) <= vision.max_bytes:
                return SourceFile(name, data, "png")
        for quality in _QUALITIES:
            data = _saved(picture, "JPEG", quality=quality)
            if len(data) <= vision.max_bytes or max(picture.size) < 64:
                return SourceFile(name, data, "jpg")
        width, height = picture.size
        picture = picture.resize((max(int(width * _SMALLER), 1), max(int(height * _SMALLER), 1)))


def _saved(picture: Picture, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    picture.info = {}  # of which Pillow would write profiles and comments again
    picture.save(out, form, **options)
    return out.getvalue()
