import hashlib
import threading
from pathlib import Path
from typing import Any

import faster_whisper
import psutil
import pytest
from faster_whisper import utils

from autopicker_lab.core import ModelUnavailableError
from autopicker_lab.runtime.fair_lock import LockShare
from autopicker_lab.transcription import local_models
from autopicker_lab.transcription.local_models import check_memory, describe, folder_of
from autopicker_lab.transcription.whisper import WhisperTranscriber


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a converted model."""
    place = tmp_path / "converted"
    place.mkdir()
    (place / "model.bin").write_bytes(b"weights")
    (place / "config.json").write_text("{}")
    return place


def test_a_folder_is_described_with_size_and_sum(folder: Path, tmp_path: Path) -> None:
    found = describe(str(folder), tmp_path)
    assert (found.folder, found.size, found.published) == (folder, 7, None)
    assert found.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert found.sha256[:16] in str(found)


@pytest.mark.parametrize("name", ["ggml-base.bin", "large-v3.pt", "model.safetensors"])
def test_models_of_other_engines_are_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"weights")
    for given in (tmp_path, tmp_path / name):
        with pytest.raises(ModelUnavailableError, match="another engine") as told:
            folder_of(str(given), tmp_path)
        assert "ct2-transformers-converter" in told.value.hint


def test_a_folder_without_a_model_says_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(ModelUnavailableError, match=r"no config\.json"):
        folder_of(str(folder), tmp_path)


def test_what_was_downloaded_needs_no_network_and_an_unknown_size_no_try(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def download(name: str, local_files_only: bool = False) -> str:
        asked.append(local_files_only)
        if name == "new" and local_files_only:
            raise OSError("not in the cache")
        if name == "huge":
            raise ValueError("Invalid model size 'huge', expected one of: tiny")
        return str(folder)

    monkeypatch.setattr(utils, "download_model", download)
    assert folder_of("small", tmp_path) == folder
    assert asked == [True]
    assert folder_of("new", tmp_path) == folder
    assert asked == [True, True, False]
    with pytest.raises(ModelUnavailableError, match="expected one of: tiny"):
        folder_of("huge", tmp_path)
    assert len(asked) == 4


def test_a_model_without_room_in_memory_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_memory("small", folder)

    class Little:
        available = 1

    monkeypatch.setattr(psutil, "virtual_memory", Little)
    with pytest.raises(ModelUnavailableError, match="memory"):
        check_memory("small", folder)


def test_first_requests_at_once_load_the_model_once_and_it_is_let_go_in_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(source: str, **_: Any) -> object:
        loaded.append(source)
        return object()

    monkeypatch.setattr(faster_whisper, "WhisperModel", load)
    transcriber = WhisperTranscriber(str(folder), tmp_path, keep_warm_s=0.2)

    def use() -> None:
        with transcriber._lent(LockShare()):
            pass

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == [str(folder)]
    timer: Any = transcriber._timer
    timer.join(5)
    assert transcriber._loaded is None
    use()
    assert len(loaded) == 2
    transcriber.release()


def test_what_hugging_face_has_downloaded_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(local_models.downloaded(), list)
    for owner, file in (("Systran--faster-whisper-small", "model.bin"), ("openai--whisper-tiny", "model.safetensors")):
        snapshot = tmp_path / f"models--{owner}" / "snapshots" / "abc"
        snapshot.mkdir(parents=True)
        (snapshot / file).write_bytes(b"weights")
    import huggingface_hub

    real = huggingface_hub.scan_cache_dir
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", lambda: real(tmp_path))
    assert local_models.downloaded() == [("Systran/faster-whisper-small", 7)]
