"""RapidOCR's two models, loaded when they are first used: one finds lines in a picture, the other reads them."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autopicker_lab.core.optional import require

_THREADS = 2
_SETTINGS = {
    "Global.log_level": "error",
    "Global.use_preprocess_img": False,  # pictures are scaled and padded by the caller
    "Global.min_height": 1,
    "Global.return_word_box": True,  # where each letter stands
    "Global.width_height_ratio": -1,
    "Rec.rec_batch_num": 2,  # lines at a time: more take memory, and no less time
    "Det.limit_type": "max",
    "Det.limit_side_len": 8000,
}


def has_rapid() -> bool:
    """Whether RapidOCR is installed."""
    return find_spec("rapidocr") is not None


@cache
def finder() -> Any:
    """The engine that finds lines, by its method `detect_and_crop`."""
    return _engine("Det")


@cache
def reader() -> Any:
    """The engine that reads lines, by its method `recognize_txt`."""
    return _engine("Rec")


def _engine(part: str) -> Any:
    require("rapidocr", "onnxruntime")
    import logging

    import onnxruntime
    from omegaconf import flag_override
    from rapidocr import RapidOCR

    onnxruntime.disable_telemetry_events()
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine = RapidOCR(params=_SETTINGS)
    model = _model(engine.cfg, part)
    if model.is_file():  # else it is loaded, if need be fetched, by RapidOCR itself
        with flag_override(engine.cfg[part], "allow_objects", True):
            engine.cfg[part].session = _session(model)
    return engine


def _model(settings: Any, part: str) -> Path:
    """The file of the model that RapidOCR would load."""
    from rapidocr.inference_engine.base import FileInfo, InferSession

    names = ("engine_type", "ocr_version", "task_type", "lang_type", "model_type")
    found = InferSession.get_model_url(FileInfo(**{name: settings[part][name] for name in names}))
    return Path(settings.Global.model_root_dir, Path(found["model_dir"]).name)


def _session(model: Path) -> Any:
    """A model whose threads sleep while they wait: spinning, as they do by themselves, takes half as much again."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    options.intra_op_num_threads = _THREADS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
