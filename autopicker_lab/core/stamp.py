"""RunStamp: what must be known of a run for its figures to mean anything later."""

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
    """What a run was made with.

    Attributes:
        commit, dirty: of the checkout the code runs from; None outside one.
        data: sha256 by name of what the run read.
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
        """Stamp of this moment, with the sha256 of each file in `paths`."""
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
        """One JSON object."""
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
        done = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
