"""What happens to a picture on its way: askew, out of focus, grainy, compressed, in shadow, seen from the side."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from PIL.Image import Image


def _corner(image: Image) -> Any:
    return image.getpixel((1, 1))


def tilted(image: Image, chance: random.Random) -> Image:
    """Turned by 2 to 12 degrees."""
    from PIL import Image as Pictures

    degrees = chance.choice((-1, 1)) * chance.uniform(2, 12)
    return image.rotate(degrees, Pictures.Resampling.BICUBIC, expand=True, fillcolor=_corner(image))


def blurred(image: Image, chance: random.Random) -> Image:
    """Out of focus, by a small part of a letter."""
    from PIL import ImageFilter

    small = min(image.size) < 260
    return image.filter(ImageFilter.GaussianBlur(chance.uniform(0.4, 0.7) if small else chance.uniform(0.8, 1.6)))


def noisy(image: Image, chance: random.Random) -> Image:
    """Grain as of a dark room."""
    import numpy
    from PIL import Image as Pictures

    grain = numpy.random.default_rng(chance.randrange(2**32)).normal(0, chance.uniform(10, 25), (*image.size[::-1], 1))
    return Pictures.fromarray((numpy.asarray(image) + grain).clip(0, 255).astype(numpy.uint8))


def compressed(image: Image, chance: random.Random) -> Image:
    """JPEG of a low quality."""
    from PIL import Image as Pictures

    out = io.BytesIO()
    image.save(out, "JPEG", quality=chance.randint(15, 40))
    return Pictures.open(io.BytesIO(out.getvalue())).convert("RGB")


def shadowed(image: Image, chance: random.Random) -> Image:
    """A shadow that grows across the picture."""
    import numpy
    from PIL import Image as Pictures

    across = numpy.linspace(1, chance.uniform(0.25, 0.5), image.width)
    down = numpy.linspace(1, chance.uniform(0.6, 1), image.height)
    shade = across[None, :, None] * down[:, None, None]
    return Pictures.fromarray((numpy.asarray(image) * shade).astype(numpy.uint8))


def from_the_side(image: Image, chance: random.Random) -> Image:
    """A sheet that does not lie square to the camera."""
    import cv2
    import numpy

    width, height = image.size
    far = [chance.uniform(0.01, 0.06) for _ in range(8)]
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    corners = numpy.array([(0, 0), (width, 0), (width, height), (0, height)], numpy.float32)
    moved = corners + numpy.array(
        [(sx * far[2 * i] * width, sy * far[2 * i + 1] * height) for i, (sx, sy) in enumerate(signs)]
    )
    turn = cv2.getPerspectiveTransform(corners, moved.astype(numpy.float32))
    seen = cv2.warpPerspective(
        numpy.asarray(image), turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=_corner(image)
    )
    from PIL import Image as Pictures

    return Pictures.fromarray(seen)


def as_it_is(image: Image, _: random.Random) -> Image:
    """A screenshot."""
    return image


CONDITIONS: dict[str, Callable[[Image, random.Random], Image]] = {
    "as it is": as_it_is,
    "tilt": tilted,
    "blur": blurred,
    "noise": noisy,
    "JPEG": compressed,
    "shadow": shadowed,
    "perspective": from_the_side,
}
