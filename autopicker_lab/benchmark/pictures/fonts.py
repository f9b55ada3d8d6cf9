"""Fonts to draw with, by what they are used for: those of matplotlib, of the system, and of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    import random

    from PIL.ImageFont import FreeTypeFont

_STEMS = {
    "sans": ("DejaVuSans", "LiberationSans-Regular", "Roboto-Regular", "LiberationSansNarrow-Regular"),
    "bold": ("DejaVuSans-Bold", "LiberationSans-Bold", "Roboto-Black"),
    "serif": ("DejaVuSerif", "LiberationSerif-Regular", "EBGaramond12-Regular"),
    "mono": ("DejaVuSansMono", "LiberationMono-Regular", "Inconsolata"),
    "hand": ("ComicNeue-Regular", "DancingScript-Regular"),
    "chinese": ("wqy-microhei",),
}


class Fonts:
    """Fonts that were found, by use: sans, bold, serif, mono, hand, chinese.

    Args:
        folder: searched with all below it, beside the system's folder and matplotlib's fonts.
    """

    def __init__(self, folder: str | Path = ""):
        require("matplotlib")
        import matplotlib

        folders = [Path(matplotlib.get_data_path(), "fonts/ttf"), Path("/usr/share/fonts")]
        places = [*folders, *([Path(folder)] if folder else [])]
        found = {path.stem: path for place in places for path in sorted(place.rglob("*.[to]t[fc]"))}
        self._paths = {use: [found[stem] for stem in stems if stem in found] for use, stems in _STEMS.items()}

    def has(self, use: str) -> bool:
        """Whether there is a font for a use."""
        return bool(self._paths[use])

    def pick(self, use: str, size: int, chance: random.Random) -> FreeTypeFont:
        """One of the fonts for a use, `size` pixels high."""
        from PIL import ImageFont

        return ImageFont.truetype(str(chance.choice(self._paths[use])), size)
