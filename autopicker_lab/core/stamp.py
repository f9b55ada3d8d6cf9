"""RunStamp: what must be known about a run for its figures to mean anything later."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGES = ("autopicker-lab", "faster-whisper", "xllamacpp", "ollama", "pypdfium2", "pandas", "numpy")


@dataclass(frozen=True)
class RunStamp:
    """The circumstances of a run: code, packages, machine, time and data.

    Attributes:
        commit, dirty: of the checkout that the code runs from; None outside one.
        machine: operating system, processor architecture and cores.
        packages: versions by name.
        utc: when the stamp was made, ISO 8601.
        data: SHA-256 by file name of what the run read.
    """

    commit: str | None
    dirty: bool | None
    python: str
    machine: str
    packages: Mapping[str, str]
    utc: str
    seed: int | None = None
    data: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def collect(cls, *paths: str | Path, seed: int | None = None) -> RunStamp:
        """The stamp of this moment, with the SHA-256 of each file in `paths`."""
        commit = _git("rev-parse", "HEAD")
        return cls(
            commit=commit,
            dirty=None if commit is None else bool(_git("status", "--porcelain")),
            python=platform.python_version(),
            machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            packages={name: version for name in _PACKAGES if (version := _version(name))},
            utc=datetime.now(UTC).isoformat(timespec="seconds"),
            seed=seed,
            data={Path(p).name: hashlib.sha256(Path(p).read_bytes()).hexdigest() for p in paths},
        )

    def to_dict(self) -> dict[str, Any]:
        """One JSON object with all fields."""
        return asdict(self)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(*words: str) -> str | None:
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        process = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() if process.returncode == 0 else None
