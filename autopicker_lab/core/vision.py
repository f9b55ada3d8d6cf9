"""What pictures a model takes: its Vision."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Vision:
    """How pictures are made ready for a model that sees.

    Attributes:
        raw: they are sent as they came.
        side: pixels that a picture's longer side has at most; hosted models scale larger ones down to about this.
        max_bytes: of one picture, before base64 makes a third more of it.
        pictures: that one request may hold; None: it is not known.
        formats: that its server takes, of jpg, png and webp; none: what servers of its provider take.
    """

    raw: bool = False
    side: int = 1568
    max_bytes: int = 3_750_000
    pictures: int | None = None
    formats: tuple[str, ...] = ()

    def both(self, other: Vision) -> Vision:
        """What two servers both take."""
        limits = [vision.pictures for vision in (self, other) if vision.pictures is not None]
        formats = tuple(kind for kind in self.formats if kind in other.formats) or self.formats or other.formats
        return replace(
            self,
            raw=self.raw and other.raw,
            side=min(self.side, other.side),
            max_bytes=min(self.max_bytes, other.max_bytes),
            pictures=min(limits, default=None),
            formats=formats,
        )
