"""The same work in processes here and on a real Dask cluster, which loses a worker in the middle."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.outcomes import table

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.extraction import extract_many
from autopicker_lab.runtime.executors import submit_all, worker_pool
from autopicker_lab.settings import ModelConfig
from autopicker_lab.transcription.many import transcribe_many
from autopicker_lab.tuning.grid import tune_grid

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Dask's own


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    small: Any = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(**small) as found, Client(found) as client:  # type: ignore[no-untyped-call]  # as they come
        yield client, found.scheduler_address


def slow(number: Any) -> Any:
    time.sleep(0.2)
    return number * 2, os.getpid()


def test_a_cluster_survives_a_worker_that_is_killed(cluster: Any) -> None:
    client, _ = cluster
    told = []
    with worker_pool(client) as (pool, at_once):
        assert at_once == 2
        found = {}
        for number, future, _ in submit_all(
            range(20), lambda n: pool.submit(slow, n), at_once, lambda done, total: told.append((done, total))
        ):
            result, pid = future.result()
            found[number] = result
            if len(found) == 4:
                os.kill(pid, signal.SIGKILL)
    assert found == {n: 2 * n for n in range(20)}
    assert told[-1] == (20, 20)
    deadline = time.monotonic() + 20
    while len(client.nthreads()) < 2 and time.monotonic() < deadline:  # its nanny starts another
        time.sleep(0.1)


def test_stopping_cancels_what_waits(cluster: Any) -> None:
    _, address = cluster
    begun = time.monotonic()
    with worker_pool(address) as (pool, at_once):
        seen = [n for n, _, _ in submit_all(range(500), lambda n: pool.submit(slow, n), at_once, lambda d, _: d < 3)]
    assert len(seen) == 3
    assert time.monotonic() - begun < 15


def test_extraction_on_a_cluster_is_the_same(cluster: Any, samples: Path) -> None:
    _, address = cluster
    names = [samples / name for name in ("notes.txt", "report.pdf", "stations.csv", "handbook.md")]
    here = {r.path: r.document for r in extract_many(names)}
    there = {r.path: r.document for r in extract_many(names, scheduler=address)}
    assert there == here
    assert len(here) == 4


def test_recordings_of_a_folder(cluster: Any, samples: Path, tmp_path: Path) -> None:
    _, address = cluster
    (tmp_path / "announcement.mp3").write_bytes((samples / "announcement.mp3").read_bytes())
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    told = []
    here = {r.path.name: r for r in transcribe_many([tmp_path], progress=lambda *done: told.append(done))}
    assert set(here) == {"announcement.mp3", "broken.wav"}
    assert here["broken.wav"].error is not None
    assert "ticket" in here["announcement.mp3"].transcript.text
    assert told[-1] == (2, 2)
    there = {r.path.name: r for r in transcribe_many([tmp_path], scheduler=address)}
    for name, found in here.items():
        assert (there[name].error is None) == (found.error is None)
        if found.transcript:
            assert there[name].transcript.text == found.transcript.text
    with pytest.raises(InvalidRequestError, match="no recording"):
        transcribe_many([samples / ".." / "answers"])


def test_a_grid_of_tunings(cluster: Any) -> None:
    _, address = cluster
    outcomes = table(100)
    grid = {"folds": [2, 99], "seed": [3]}
    here = tune_grid(outcomes, grid, jobs=1)
    assert list(here["folds"]) == [2, 99]
    assert list(here["error"].notna()) == [False, True]
    there = tune_grid(outcomes, grid, scheduler=address)
    assert there.equals(here)
    with ThreadPoolExecutor(1) as threads:
        several = {"folds": [99], "seed": range(50)}
        assert len(tune_grid(outcomes, several, scheduler=threads, progress=lambda *_: False)) == 1
    with pytest.raises(InvalidRequestError, match="cannot be varied"):
        tune_grid(outcomes, {"fold": [2]})


def test_outcomes_are_collected_by_the_workers_of_a_cluster(cluster: Any, tmp_path: Path) -> None:
    from support.upstream import TEXT, upstream

    _, address = cluster
    questions = tmp_path / "q.jsonl"
    rows = [{"prompt_id": f"q{i}", "prompt": f"Say {i}.", "grader": "exact", "answer": TEXT} for i in range(6)]
    questions.write_text("\n".join(json.dumps(row) for row in rows))
    with upstream() as up:
        made = Settings.load(models=(ModelConfig(name="m", type="openai", endpoint=up.url),), autopicker_home=tmp_path)
        with Workbench(made) as lab:
            state = lab.collect(questions, ["m"], tmp_path / "out.jsonl", scheduler=address)
            again = lab.collect(questions, ["m"], tmp_path / "out.jsonl", scheduler=address)
    assert (state.done, state.failed, again.skipped) == (6, [], 6)
    assert state.right == 6


def test_a_scheduler_that_is_not_there_is_named(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.runtime.executors._CONNECT_S", 1)
    with pytest.raises(InvalidRequestError, match="no Dask scheduler"):
        list(extract_many([samples / "notes.txt"], scheduler="tcp://127.0.0.1:1"))
