"""The model of faster-whisper, on the graphics card where there is one that works, else on the processor."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from faster_whisper import WhisperModel

_log = logging.getLogger(__name__)
_TRIED_FRAMES = 100  # a second of sound


def load_engine(folder: Path, *, compute: str, threads: int, card: bool) -> tuple[WhisperModel, str | None]:
    """The model, and why it is not on the graphics card; None where it is, or where there is none.

    A card without CUDA's libraries, or with its memory taken by a server of models, fails when it first computes: so
    it computes here, once.

    Args:
        folder: with the converted model.
        compute: type of CTranslate2 that it computes in, "auto" for the fastest.
        threads: CPU threads.
        card: whether a graphics card may be used.

    Raises:
        Exception: whatever ctranslate2, tokenizers and the file system raise where the model cannot be loaded.
    """
    from ctranslate2 import get_cuda_device_count
    from faster_whisper import WhisperModel

    why = None
    if card and get_cuda_device_count():
        try:
            model = WhisperModel(str(folder), device="cuda", compute_type=compute, cpu_threads=threads)
            _compute_once(model)
            return model, None
        except (RuntimeError, ValueError) as error:  # ValueError: a type that the card cannot compute in
            why = f"{error}"[:200]
            _log.warning("Whisper runs on the processor, since the graphics card fails: %s", why)
    return WhisperModel(str(folder), device="cpu", compute_type=compute, cpu_threads=threads), why


def _compute_once(model: WhisperModel) -> None:
    import numpy as np

    silence = np.zeros((model.feature_extractor.mel_filters.shape[0], _TRIED_FRAMES), np.float32)
    prompt = [model.hf_tokenizer.token_to_id("<|startoftranscript|>")]
    model.model.generate(model.encode(silence), [prompt], max_length=2)
