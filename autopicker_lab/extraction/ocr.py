"""Text in pictures, by RapidOCR on the PP-OCR weights that ship in its wheel."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_LOCK = threading.Lock()


@dataclass(frozen=True)
class Recognised:
    """Lines in reading order and their mean confidence, 0 to 1 (0 where nothing was found)."""

    lines: tuple[str, ...]
    confidence: float

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@cache
def _engine() -> Any:
    import logging

    import onnxruntime
    from rapidocr import RapidOCR

    onnxruntime.disable_telemetry_events()
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(params={"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": 2})


def read_text(image: Image) -> Recognised:
    """Recognise the text of an RGB image. One call runs at a time: the engine is not thread-safe."""
    import numpy

    pixels = numpy.asarray(image)[:, :, ::-1]
    with _LOCK:
        result = _engine()(pixels)
    if not result.txts:
        return Recognised((), 0.0)
    return Recognised(tuple(_rows(result.boxes, result.txts)), float(sum(result.scores) / len(result.scores)))


def _rows(boxes: Any, texts: tuple[str, ...]) -> list[str]:
    """Join boxes that stand on one line, left to right: recognised pieces of a row belong together."""
    items = sorted(
        (float(box[:, 1].mean()), float(box[:, 0].min()), float(box[:, 1].max() - box[:, 1].min()), text)
        for box, text in zip(boxes, texts, strict=True)
    )
    rows: list[list[tuple[float, float, float, str]]] = []
    for item in items:
        if rows and abs(item[0] - rows[-1][0][0]) < 0.5 * min(item[2], rows[-1][0][2]):
            rows[-1].append(item)
        else:
            rows.append([item])
    return ["  ".join(text for _, _, _, text in sorted(row, key=lambda i: i[1])) for row in rows]
