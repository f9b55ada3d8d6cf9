"""Where the weights of a Whisper model are on this machine, how large, and with which sum."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from autopicker_lab.core import ModelUnavailableError
from autopicker_lab.transcription.weights import SHA256, assemble

BUNDLED_MODEL = "base"
_WEIGHTS = "model.bin"
_NEEDED = (_WEIGHTS, "config.json")
_LEAST_SHARE = 0.5  # of the file's size in memory: weights of 16 bits become such of 8
_OTHER_ENGINES = (".pt", ".safetensors", ".gguf", ".onnx", ".nemo")
_HINT = f"use WHISPER_MODEL={BUNDLED_MODEL}, which needs no network, or a folder with a converted model"
_CONVERT = "convert it: ct2-transformers-converter --model NAME --output_dir FOLDER --copy_files tokenizer.json"


@dataclass(frozen=True)
class WhisperWeights:
    """The weights of a model on this machine.

    Attributes:
        size: of its weights, bytes.
        sha256: of its weights.
        published: whether that is the sum published for the weights that ship; None for other models.
    """

    name: str
    folder: Path
    size: int
    sha256: str
    published: bool | None

    def __str__(self) -> str:
        told = {True: ", as published", False: ", NOT as published", None: ""}[self.published]
        return f"{self.size / 1e6:,.0f} MB in {self.folder}, sha256 {self.sha256[:16]}{told}"


def describe(name: str, cache: Path) -> WhisperWeights:
    """What there is of a model; its weights are read for the sum.

    Raises:
        MissingPackageError, ModelUnavailableError: as of `folder_of`.
    """
    folder = folder_of(name, cache)
    weights = folder / _WEIGHTS
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    published = digest == SHA256[_WEIGHTS] if name == BUNDLED_MODEL else None
    return WhisperWeights(name, folder, weights.stat().st_size, digest, published)


def folder_of(name: str, cache: Path) -> Path:
    """The folder with a model: put together, named, downloaded before, or downloaded now.

    Args:
        name: as WhisperTranscriber takes it.
        cache: where the weights that ship are put together, in `whisper-base`.

    Raises:
        MissingPackageError: the packages with the weights are not installed.
        ModelUnavailableError: it is not there and cannot be had, or is no model of faster-whisper.
    """
    if name == BUNDLED_MODEL:
        return assemble(cache / "whisper-base")
    place = Path(name).expanduser()
    if place.exists():
        return _checked(place)
    from faster_whisper.utils import download_model

    try:
        try:
            return Path(download_model(name, local_files_only=True))
        except ValueError:  # no such size
            raise
        except Exception:  # huggingface_hub raises several where it was not downloaded before
            return Path(download_model(name))
    except Exception as error:
        raise unavailable(name, str(error)) from error


def unavailable(name: str, why: str) -> ModelUnavailableError:
    """The error for a model that cannot be loaded."""
    return ModelUnavailableError(f"the Whisper model '{name}' could not be loaded: {why[:200]}", _HINT)


def _checked(place: Path) -> Path:
    if place.is_dir() and all((place / file).is_file() for file in _NEEDED):
        return place
    names = [place.name] if place.is_file() else sorted(file.name for file in place.iterdir())
    foreign = [name for name in names if name.endswith(_OTHER_ENGINES) or name.startswith("ggml")]
    if foreign:
        raise ModelUnavailableError(f"'{foreign[0]}' is a model of another engine than faster-whisper", _CONVERT)
    lacking = ", ".join(file for file in _NEEDED if file not in names)
    raise ModelUnavailableError(f"'{place}' is no folder with a Whisper model: it has no {lacking}", _HINT)


def check_memory(name: str, folder: Path) -> None:
    """ModelUnavailableError where a model has surely no room in the memory that is free."""
    import psutil

    needed = _LEAST_SHARE * (folder / _WEIGHTS).stat().st_size
    free = psutil.virtual_memory().available
    if needed > free:
        detail = f"the Whisper model '{name}' needs at least {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} are free"
        raise ModelUnavailableError(detail, f"use a smaller one, or WHISPER_MODEL={BUNDLED_MODEL}")


def downloaded() -> list[tuple[str, int]]:
    """Names and sizes in bytes of models for faster-whisper that Hugging Face's cache has."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir().repos
    except (CacheNotFound, OSError):
        return []
    found = ((repo.repo_id, repo.size_on_disk, repo.revisions) for repo in repos if "whisper" in repo.repo_id.lower())
    return sorted((n, size) for n, size, revisions in found if any(_has_weights(r.files) for r in revisions))


def _has_weights(files: frozenset[object]) -> bool:
    return any(getattr(file, "file_name", "") == _WEIGHTS for file in files)
