from pathlib import Path

import pytest

from autopicker_lab.core import InvalidRequestError, Segment, Transcript
from autopicker_lab.transcription.formats import FORMATS, written
from autopicker_lab.transcription.saved import SavedTranscripts

TRANSCRIPT = Transcript("a.wav", "Hi.", "en", 2.0, (Segment(0, 1, "Hi.", 0.9),))


def test_only_what_changed_is_made_anew(tmp_path: Path) -> None:
    recording = tmp_path / "a.wav"
    recording.write_bytes(b"one")
    saved = SavedTranscripts(tmp_path / "out", "srt", {"language": None})
    assert not saved.has(recording)
    assert saved.save(recording, TRANSCRIPT).read_text().startswith("1\n00:00:00,000")
    for again in (saved, SavedTranscripts(tmp_path / "out", "srt", {"language": None})):
        assert again.has(recording)
    assert not SavedTranscripts(tmp_path / "out", "srt", {"language": "de"}).has(recording)
    assert not SavedTranscripts(tmp_path / "out", "vtt", {"language": None}).has(recording)
    recording.write_bytes(b"two")
    assert not saved.has(recording)
    with (tmp_path / "out" / ".transcripts.jsonl").open("a") as index:
        index.write('{"file": "a.w')  # the process ended here
    recording.write_bytes(b"one")
    again = SavedTranscripts(tmp_path / "out", "srt", {"language": None})
    assert again.has(recording)
    again.target(recording).unlink()
    assert not again.has(recording)


def test_equal_names_of_two_folders_are_two_files(tmp_path: Path) -> None:
    saved = SavedTranscripts(tmp_path / "out", "text", {})
    targets = set()
    for place in ("x", "y"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.wav").write_bytes(place.encode())
        targets.add(saved.save(tmp_path / place / "a.wav", TRANSCRIPT))
    assert len(targets) == 2
    assert all(saved.has(tmp_path / place / "a.wav") for place in ("x", "y"))


def test_an_unknown_format_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="docx"):
        SavedTranscripts(tmp_path, "docx", {})  # type: ignore[arg-type]
    (tmp_path / "file").touch()
    with pytest.raises(InvalidRequestError, match="file"):
        SavedTranscripts(tmp_path / "file", "srt", {})


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_has_the_text(form: str) -> None:
    assert "Hi." in written(TRANSCRIPT, form)  # type: ignore[arg-type]
