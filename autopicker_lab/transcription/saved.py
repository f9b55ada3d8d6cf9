"""Transcripts in a folder, one file for each recording, of which only those are made anew that changed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.runtime.atomic_write import atomic_write
from autopicker_lab.transcription.formats import FORMATS, SUFFIXES, Format, written

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.core import Transcript

_INDEX = ".transcripts.jsonl"


class SavedTranscripts:
    """The transcripts of a folder, and of which content and with which options each was made.

    Args:
        folder: made where it is not there.
        form: one of FORMATS.
        options: all that a transcript depends on beside its recording: model, language and so on.

    Raises:
        InvalidRequestError: an unknown format, or a folder that cannot be made.
    """

    def __init__(self, folder: Path, form: Format, options: dict[str, Any]):
        if form not in FORMATS:
            raise InvalidRequestError(f"unknown format '{form}'", f"use one of {', '.join(FORMATS)}", param="format")
        self._folder = folder
        self._form = form
        self._options = json.dumps(options, sort_keys=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidRequestError(f"cannot use '{folder}': {error.strerror}", "name a folder") from None
        self._made = self._read_index()

    def target(self, recording: Path) -> Path:
        """Where the transcript of a recording goes: its name with the ending of the format behind its own."""
        place = _place(recording)
        ending = SUFFIXES.get(self._form, f".{self._form}")
        own = self._folder / f"{recording.name}{ending}"
        taken = self._made.get(own.name, {}).get("place", place)
        return own if taken == place else own.with_name(f"{recording.stem}-{place}{recording.suffix}{ending}")

    def has(self, recording: Path) -> bool:
        """Whether the transcript of this content, with these options, is there."""
        target = self.target(recording)
        row = self._made.get(target.name, {})
        return target.exists() and (row.get("sha256"), row.get("options")) == (_sha256(recording), self._options)

    def save(self, recording: Path, transcript: Transcript, *, words: bool = False, task: str = "transcribe") -> Path:
        """Write a transcript; StorageError where that is not possible."""
        target = self.target(recording)
        with atomic_write(target) as scratch:
            scratch.write_text(written(transcript, self._form, words=words, task=task), encoding="utf-8")
        row = {"file": target.name, "place": _place(recording), "sha256": _sha256(recording), "options": self._options}
        self._made[target.name] = row
        with (self._folder / _INDEX).open("a", encoding="utf-8") as index:
            index.write(json.dumps(row) + "\n")
        return target

    def _read_index(self) -> dict[str, dict[str, str]]:
        try:
            lines = (self._folder / _INDEX).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return {}
        rows = (_row(line) for line in lines)
        return {row["file"]: row for row in rows if row is not None}


def _place(recording: Path) -> str:
    return hashlib.sha256(str(recording.parent.resolve()).encode()).hexdigest()[:8]


def _row(line: str) -> dict[str, str] | None:
    try:
        row = json.loads(line)
    except ValueError:  # the process ended while it wrote
        return None
    return row if isinstance(row, dict) and isinstance(row.get("file"), str) else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
