"""Which sound of many channels is heard: their mix, the centre of a film's, or each voice of a call for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.transcription.sound import RATE, SoundBlock
from autopicker_lab.transcription.voice import FRAME, VoiceDetector, raised, stretches

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

MIX = ""  # the lane of what is not heard apart
_CANCELLED = 0.1  # of the channels' power is left in their sum
_ALIKE = 0.6  # correlation of two channels' loudness, from which they hear the same voices
_SPOKEN_S = 0.5  # of voice on a channel, from which somebody speaks there
_CROSSTALK = 0.15  # of the other channel's level: what is below is heard through it
_SIDES = ("left", "right")


class Lanes:
    """Makes lanes of one channel out of blocks of many; what was found once (a call) is kept to the end."""

    def __init__(self) -> None:
        self._call = False

    def of(self, block: SoundBlock) -> dict[str, Samples]:
        """The lanes of a block, by name; `MIX` alone, or a lane for each side of a call."""
        channels = block.channels
        if len(channels) == 1:
            return {MIX: channels[0]}
        if len(channels) == 2:
            self._call = self._call or _is_call(channels)
            if self._call:
                left, right = _without_crosstalk(channels)
                return {_SIDES[0]: left, _SIDES[1]: right}
            return {MIX: _mixed(channels)}
        if "FC" in block.names and _speaks(centre := channels[block.names.index("FC")]):
            return {MIX: centre}
        heard = [c for c, name in zip(channels, block.names, strict=True) if not name.startswith("LFE")]
        return {MIX: _mixed(heard)}


def _mixed(channels: Samples | list[Samples]) -> Samples:
    """The mean of channels; where they cancel each other out, each is turned to agree with the loudest."""
    import numpy as np

    stack = np.asarray(channels)
    mix: Samples = stack.mean(axis=0)
    power = (stack**2).mean(axis=1)
    if (mix**2).mean() * len(stack) > _CANCELLED * power.sum() or not power.any():
        return mix
    loudest = stack[int(power.argmax())]
    signs = np.where(stack @ loudest < 0, -1.0, 1.0).astype(np.float32)
    agreed: Samples = (stack * signs[:, None]).mean(axis=0)
    return agreed


def _is_call(channels: Samples) -> bool:
    """Whether somebody speaks on each of two channels, and not the same at the same time."""
    import numpy as np

    left, right = _loudness(channels[0]), _loudness(channels[1])
    if len(left) < 2 or min(left.max(), right.max()) < 1e-5 or left.std() == 0 or right.std() == 0:
        return False
    return float(np.corrcoef(left, right)[0, 1]) < _ALIKE and all(map(_speaks, channels))


def _speaks(channel: Samples) -> bool:
    found = stretches(VoiceDetector().feed(raised(channel), last=True))
    return sum(b - a for a, b in found) * FRAME / RATE >= _SPOKEN_S


def _loudness(channel: Samples) -> npt.NDArray[np.float32]:
    import numpy as np

    whole = channel[: len(channel) // FRAME * FRAME].reshape(-1, FRAME)
    levels: Samples = np.sqrt((whole**2).mean(axis=1))
    return levels


def _without_crosstalk(channels: Samples) -> tuple[Samples, Samples]:
    """Both sides of a call, silent where they only carry the other's voice."""
    import numpy as np

    levels = [np.repeat(_smooth(_loudness(c)), FRAME) for c in channels]
    sides = []
    for own, other in ((0, 1), (1, 0)):
        side = channels[own].copy()
        covered = len(levels[own])
        side[:covered][levels[own] < _CROSSTALK * levels[other]] = 0.0
        sides.append(side)
    return sides[0], sides[1]


def _smooth(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The loudest of a quarter of a second around each frame."""
    import numpy as np

    padded = np.pad(levels, 4, mode="edge")
    loudest: Samples = np.lib.stride_tricks.sliding_window_view(padded, 9).max(axis=1)
    return loudest
