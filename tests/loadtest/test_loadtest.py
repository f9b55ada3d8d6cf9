"""The load tester against servers whose behaviour is known, and against those that misbehave."""

import asyncio
import itertools
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.serving import free_port, serving
from support.upstream import soon, upstream

from autopicker_lab import Workbench, loadtest
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.loadtest import (
    IN_PROCESS,
    Chat,
    Closed,
    Constant,
    Distribution,
    Kind,
    LoadPlan,
    LoadReport,
    Poisson,
    Ramp,
    Slo,
    Steps,
    Trace,
    measure,
    run,
)
from autopicker_lab.loadtest.distributed import run_distributed
from autopicker_lab.loadtest.recorder import Recorder
from autopicker_lab.loadtest.sample import Sample


@contextmanager
def reference_server(service_ms: Any, **options: Any) -> Iterator[Any]:
    """The address of a server whose latencies are known, in a process of its own."""
    port = free_port()
    more = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [
        sys.executable,
        "-m",
        "autopicker_lab.benchmark.loadgen.reference_server",
        str(port),
        str(service_ms),
        *more,
    ]
    process = subprocess.Popen(command)
    try:
        assert soon(lambda: _listens(port), 20)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: Any) -> Any:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def target() -> Iterator[Any]:
    """A server with known faults: a counter, a path that fails every third time, and one that is slow."""
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse, Response

    app = FastAPI()
    app.state.seen = []

    @app.get("/ok")
    async def ok() -> Any:
        app.state.seen.append(asyncio.get_running_loop().time())
        return {}

    @app.get("/third")
    async def third() -> Any:
        app.state.seen.append(0)
        return Response(status_code=500 if len(app.state.seen) % 3 == 0 else 200)

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(0.2)

    @app.post("/v1/chat/completions")
    async def html() -> Any:
        return HTMLResponse("<html>welcome</html>")

    with serving(app) as address:
        yield app, address


# schedules


def due(arrivals: Any, seconds: Any, seed: int = 0) -> Any:
    return list(arrivals.due_times(seconds, random.Random(seed)))


def test_schedules_are_what_they_say() -> None:
    assert due(Constant(4), 1) == [0, 0.25, 0.5, 0.75]
    times = due(Poisson(100), 60)
    assert len(times) == pytest.approx(6000, rel=0.05)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert sum(gap < 0.01 for gap in gaps) / len(gaps) == pytest.approx(0.632, abs=0.02)  # exponential
    assert due(Poisson(100), 60) == times
    ramp = due(Ramp(0, 100), 10)
    assert len(ramp) == 500
    assert sum(at < 5 for at in ramp) == pytest.approx(125, abs=1)  # half the time, a quarter of the area
    assert len(due(Ramp(50, 50), 2)) == 100
    assert sum(at < 5 for at in due(Ramp(100, 0), 10)) == pytest.approx(375, abs=1)
    steps = due(Steps((10, 20), 2), 10)
    assert [sum(low <= at < low + 2 for at in steps) for low in (0, 2, 4)] == [20, 40, 0]
    assert due(Trace((5.0, 3.0, 4.0), speed=2), 10) == [0, 0.5, 1]
    for ordered in (times, ramp, steps):
        assert ordered == sorted(ordered)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: LoadPlan("ftp://x"),
        lambda: LoadPlan(IN_PROCESS),
        lambda: LoadPlan("http://x", requests=0),
        lambda: LoadPlan("http://x", duration_s=-1),
        lambda: LoadPlan("http://x", duration_s=3, warm_up_s=2, cool_down_s=1),
        lambda: LoadPlan("http://x", Ramp(1, 2)),
        lambda: LoadPlan("http://x", max_cost_usd=1),
        lambda: LoadPlan("http://x:99999/"),
        lambda: LoadPlan("http:///path"),
        lambda: LoadPlan("http://x/\u65e5"),
        lambda: LoadPlan("http://" + "a" * 64 + ".com/"),
        lambda: LoadPlan("http://x", headers={"a": "b\r\nc: d"}),
        lambda: LoadPlan("http://x", method="HEAD"),
        lambda: LoadPlan("http://x", warm_up_s=float("nan")),
        lambda: LoadPlan("http://x", slo=Slo(ttft_s=1)),
        lambda: Chat("hello"),  # type: ignore[arg-type]  # as meant
        lambda: Closed(0),
        lambda: Closed(1, float("nan")),
        lambda: Constant(0),
        lambda: Poisson(float("nan")),
        lambda: Ramp(0, 0),
        lambda: Steps((), 1),
        lambda: Trace(()),
        lambda: Slo(share=0),
        lambda: Slo(ttft_s=0),
        lambda: Chat(prompts=()),
        lambda: Chat(kinds=(Kind(weight=0),)),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidRequestError):
        wrong()


# what is measured


async def test_every_request_is_sent_once(target: Any) -> None:
    app, address = target
    for arrivals in (Closed(7), Constant(500), Poisson(1000)):
        app.state.seen.clear()
        report = await run(LoadPlan(f"{address}/ok", arrivals, requests=50))
        assert len(app.state.seen) == report.count.sent == len(report.rows) == 50
        assert report.errors == {}


async def test_errors_are_counted_under_their_names_and_never_as_answers(target: Any) -> None:
    app, address = target
    app.state.seen.clear()
    report = await run(LoadPlan(f"{address}/third", Closed(1), requests=9))
    assert report.errors == {"http 500": 3}
    assert len(report.times["latency"]) == report.count.answered == 6
    assert (await run(LoadPlan(f"{address}/slow", requests=2, timeout_s=0.05))).errors == {"timeout": 2}
    refused = await run(LoadPlan(f"http://127.0.0.1:{free_port()}", requests=2))
    assert refused.errors == {"refused": 2}
    figures = refused.to_dict()
    assert figures["p50_ms"] is figures["avg_response_time_ms"] is figures["requests_per_second"] is None
    assert figures["success_rate_percent"] == 0
    unknown = await run(LoadPlan("http://no-such-host.invalid/", requests=1))
    assert unknown.errors == {"unknown host": 1}


@pytest.mark.parametrize(
    ("fault", "stream", "name"),
    [
        ("reset", False, "reset"),
        ("hang before", True, "timeout"),
        ("hang after", False, "timeout"),
        ("hang after", True, "timeout"),
        ("500", True, "http 500"),
        ("429", True, "http 429"),
        ("invalid json", False, "not json"),
        ("wrong type", True, "html"),
        ("invalid json", True, "not a stream"),
        ("not http", True, "not http"),
        ("cut", False, "cut"),
        ("cut", True, "truncated"),
        ("clean cut", True, "truncated"),
        ("mid-stream error", True, "error event"),
        ("mid-stream nonsense", True, "not a chunk"),
    ],
)
async def test_a_server_that_misbehaves(fault: str, stream: bool, name: str) -> None:
    with upstream() as up:
        up.fault = fault
        plan = LoadPlan(up.url, Closed(2), requests=4, timeout_s=0.5, chat=Chat(stream=stream))
        started_at = time.monotonic()
        report = await run(plan)
        assert report.errors == {name: 4}
        assert time.monotonic() - started_at < 3
        assert report.truncated == 4 * (name == "truncated")
        assert soon(lambda: up.running == 0)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("autopicker-lab run")]


@pytest.mark.parametrize("status", [401, 403, 429])
@pytest.mark.parametrize("arrivals", [Closed(3), Constant(200)])
async def test_a_run_that_is_refused_from_the_start_ends(status: int, arrivals: Any) -> None:
    from fastapi import FastAPI
    from fastapi.responses import Response

    app = FastAPI()
    app.get("/")(lambda: Response(status_code=status))
    with serving(app) as address:
        report = await run(LoadPlan(f"{address}/", arrivals, requests=1000))
    assert report.stopped_early
    assert 20 <= report.errors[f"http {status}"] < 60
    assert any("first 20 answers were refusals" in why for why in report.client_limits)


async def test_a_limit_that_is_reached_later_does_not_end_a_run() -> None:
    from fastapi import FastAPI
    from fastapi.responses import Response

    app, served = FastAPI(), itertools.count()
    app.get("/")(lambda: Response(status_code=200 if next(served) < 10 else 429))
    with serving(app) as address:
        report = await run(LoadPlan(f"{address}/", Closed(1), requests=60))
    assert (report.count.answered, report.errors, report.stopped_early) == (10, {"http 429": 50}, False)


async def test_a_page_for_people_is_no_answer(target: Any) -> None:
    for stream in (True, False):
        report = await run(LoadPlan(f"{target[1]}/v1", requests=2, chat=Chat(stream=stream)))
        assert report.errors == {"html": 2}


async def test_pieces_that_are_missing_and_a_missing_done_are_told() -> None:
    with upstream() as up:
        whole = await run(LoadPlan(up.url, requests=1, chat=Chat()))
        pieces = whole.rows[0].tokens
        assert whole.without_done == whole.lost == 0
        assert (await run(LoadPlan(up.url, requests=3, chat=Chat(events=pieces + 2)))).lost > 0
        up.fault = "no done"
        assert (await run(LoadPlan(up.url, requests=3, chat=Chat()))).without_done == 3


@pytest.mark.slow
def test_an_open_loop_sees_a_stall_that_a_closed_one_hides() -> None:
    """At 200 a second for 8 s, a server that takes 50 ms, but answers nothing from the third second to the fourth."""
    truth = sorted((4 - at if 3 <= at < 4 else 0) + 0.05 for at in due(Constant(200), 8))
    with reference_server(50, stall_at=3) as url:
        honest = measure(LoadPlan(url, Constant(200), duration_s=8))
    with reference_server(50, stall_at=3) as url:
        coordinated = measure(LoadPlan(url, Closed(10), duration_s=8))
    for percent in (50, 99, 99.9):
        true_ms = 1000 * truth[min(len(truth) - 1, int(len(truth) * percent / 100))]
        assert honest.percentile_ms(percent) == pytest.approx(true_ms, rel=0.15, abs=30)  # the benchmark: 2 %
    assert coordinated.percentile_ms(99) < 400  # the truth is 850
    assert len(honest.times["send_delay"]) == honest.count.sent == 1600


@pytest.mark.slow
def test_tokens_are_timed_as_they_come() -> None:
    with reference_server(60, pieces=20, gap_ms=15) as url:
        report = measure(LoadPlan(f"{url}/v1", Poisson(10), duration_s=3, chat=Chat(events=20), slo=Slo(ttft_s=0.2)))
    assert report.errors == {}
    assert report.percentile_ms(50, "ttft") == pytest.approx(60, abs=15)  # the benchmark shows 1 ms
    assert report.percentile_ms(50, "itl") == pytest.approx(15, abs=5)
    assert report.percentile_ms(50, "tpot") == pytest.approx(15, rel=0.5)
    assert (report.lost, report.without_done, report.good_share) == (0, 0, 1)
    assert report.goodput == report.count.sent / report.seconds
    assert report.tokens_per_second == pytest.approx(20 * report.per_second)


@pytest.mark.slow
def test_the_search_finds_a_known_capacity() -> None:
    with reference_server(20, slots=4) as url:  # 200 a second
        plan = LoadPlan(url, slo=Slo(latency_s=0.2))
        work = loadtest.find_saturation(plan, low=20, seconds=15, shape=Constant)
        result = loadtest.in_thread(lambda: work)
    assert result.rate == pytest.approx(200, rel=0.25)  # the benchmark, with more time, shows 10 %
    assert result.passing_rate < result.failing_rate
    assert "hold the objective (99 % answered with a latency of at most 0.2 s)" in str(result)
    assert len(result.to_frame()) == len(result.probes)
    assert result.plot().get_lines()


@pytest.mark.slow
async def test_a_search_that_cannot_succeed_says_so(target: Any) -> None:
    plan = LoadPlan(f"{target[1]}/slow", slo=Slo(latency_s=0.05), duration_s=0.3)
    result = await loadtest.find_saturation(plan, low=5, seconds=4)
    assert result.passing_rate is None
    assert "not even" in str(result)
    nobody = await loadtest.find_saturation(
        LoadPlan(f"http://127.0.0.1:{free_port()}", slo=Slo(latency_s=1)), seconds=20
    )
    assert str(nobody) == "not one request was answered: refused"
    with pytest.raises(InvalidRequestError, match="SLO"):
        await loadtest.find_saturation(LoadPlan("http://x"))


@pytest.mark.slow
async def test_warm_up_and_cool_down_do_not_count(target: Any) -> None:
    app, address = target
    app.state.seen.clear()
    plan = LoadPlan(f"{address}/ok", Constant(50), duration_s=2, warm_up_s=0.5, cool_down_s=0.5)
    report = await run(plan)
    assert len(app.state.seen) == 100
    assert report.count.sent == 50
    assert report.seconds == 1


async def test_a_cache_that_answers_is_told() -> None:
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse

    app = FastAPI()
    answer = {"choices": [{"message": {"content": "x"}}]}
    app.post("/v1/chat/completions")(lambda: JSONResponse(answer, headers={"X-Cache": "HIT"}))
    with serving(app) as address:
        report = await run(LoadPlan(f"{address}/v1", requests=3, chat=Chat(stream=False)))
    assert "3 of 3 answers came from a cache" in report.client_limits


async def test_a_budget_ends_a_run() -> None:
    with upstream() as up:
        plan = LoadPlan(up.url, Closed(2), requests=100_000, chat=Chat(), price_out=1e6, max_cost_usd=50)
        report = await run(plan)
    assert report.stopped_early
    assert report.cost_usd >= 50


async def test_a_mix_of_kinds() -> None:
    with upstream() as up:
        kinds = (
            Kind("plain", 2, cached=None),
            Kind("cached", cached=True),
            Kind("fresh"),
            Kind("file", 1, ("f1",), None),
        )
        report = await run(LoadPlan(up.url, requests=200, chat=Chat(("one", "two"), kinds=kinds)))
        bodies = list(up.bodies)
    counts = {name: count.sent for name, (count, _) in report.kinds.items()}
    assert sum(counts.values()) == 200
    assert counts["plain"] == pytest.approx(80, abs=30)
    questions = [body["messages"][0]["content"] for body in bodies]
    numbered = [text for text in questions if text.startswith("(")]
    assert len(set(numbered)) == len(numbered) == counts["fresh"]
    assert sum(body.get("file_ids") == ["f1"] for body in bodies) == counts["file"]
    assert set(report.to_dict()["kinds"]) == set(counts)


async def test_progress_is_told_and_stops_the_run(target: Any) -> None:
    seen: list[Any] = []

    def stop_after_three(live: Any) -> bool:
        seen.append(live)
        return bool(live.done < 3)

    for arrivals in (Closed(1), Constant(5)):
        seen.clear()
        plan = LoadPlan(f"{target[1]}/slow", arrivals, requests=1000)
        started_at = time.monotonic()
        report = await run(plan, stop_after_three)
        assert report.stopped_early
        assert time.monotonic() - started_at < 3
        assert 3 <= report.count.sent < 10
        assert [live.done for live in seen] == sorted(live.done for live in seen)


async def test_cancelling_leaves_nothing_running(target: Any) -> None:
    task = asyncio.create_task(run(LoadPlan(f"{target[1]}/slow", Constant(20), duration_s=60)))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [other for other in asyncio.all_tasks() if other is not asyncio.current_task()] == []
    assert not [thread for thread in threading.enumerate() if thread.name == "autopicker-lab run"]


async def test_time_is_a_bound(target: Any) -> None:
    report = await run(LoadPlan(f"{target[1]}/slow", Closed(1), requests=100, duration_s=0.5))
    assert 2 <= report.count.sent <= 4


@pytest.mark.slow
async def test_requests_past_the_most_in_flight_wait_and_are_told(target: Any) -> None:
    plan = LoadPlan(f"{target[1]}/slow", Constant(100), requests=20, max_in_flight=2)
    report = await run(plan)
    assert report.count.answered == 20
    assert report.queued >= 10
    assert any("max_in_flight" in why for why in report.client_limits)
    assert report.percentile_ms(100) > 1500  # from when it was due


@pytest.mark.slow
async def test_shares_of_a_plan_add_up_to_it(target: Any) -> None:
    app, address = target
    trace = Trace(tuple(range(30)), 15)
    for arrivals in (Closed(7), Constant(30), Poisson(30), Ramp(0, 60), Steps((10, 50), 1), trace):
        plan = LoadPlan(f"{address}/ok", arrivals, requests=20, duration_s=1)
        parts = [LoadPlan.of_dict(json.loads(json.dumps(plan.share(i, 3).to_dict()))) for i in range(3)]
        app.state.seen.clear()
        reports = await asyncio.gather(*map(run, parts))
        whole = min(20, len(due(arrivals, 1)) if not isinstance(arrivals, Closed) else 20)
        assert sum(report.count.sent for report in reports) == len(app.state.seen) == whole
        if arrivals is trace:  # each keeps its origin
            assert [round(report.rows[0].due, 3) for report in reports] == [0, 0.067, 0.133]
    chat = LoadPlan("http://x/v1", body=b"\xff", chat=Chat(kinds=(Kind("a", 2, ("f",)),)), slo=Slo(ttft_s=1))
    assert LoadPlan.of_dict(json.loads(json.dumps(chat.to_dict()))) == chat
    with pytest.raises(InvalidRequestError, match="no load plan"):
        LoadPlan.of_dict({"url": "http://x"})


@pytest.mark.slow
def test_locust_runs_the_same_plan_in_several_processes(tmp_path: Path) -> None:
    with upstream() as up:
        plan = LoadPlan(up.url, Constant(40), duration_s=2, chat=Chat())
        report = run_distributed(plan, 2, tmp_path)
        received = len(up.bodies)
    assert report.count.sent == report.count.answered == received == 80
    assert report.per_second == pytest.approx(40, rel=0.25)
    assert report.percentile_ms(50, "ttft") > 0
    assert report.warnings == []
    assert (tmp_path / "locustfile.py").exists()
    assert LoadReport.load(tmp_path / "report.json").count == report.count
    with pytest.raises(InvalidRequestError, match="cannot share"):
        run_distributed(LoadPlan(up.url, requests=1), 2)
    with pytest.raises(InvalidRequestError, match="from others"):
        run_distributed(LoadPlan(IN_PROCESS, requests=9, chat=Chat()), 2)


@pytest.mark.slow
def test_a_locust_run_that_is_stopped_keeps_what_was_measured(tmp_path: Path) -> None:
    with upstream() as up:
        plan = LoadPlan(up.url, Constant(40), duration_s=120, chat=Chat())
        started_at = time.perf_counter()
        report = run_distributed(plan, 2, tmp_path, stopped=lambda: len(up.bodies) > 40)
    assert report.stopped_early
    assert 40 <= report.count.answered < 400
    assert time.perf_counter() - started_at < 60


# reports


def test_histograms_are_right_and_merge() -> None:
    values = [i / 1000 for i in range(1, 10_001)]
    one, two = Distribution(), Distribution()
    one.extend(values[::2])
    two.extend(values[1::2])
    one.merge(Distribution(two.encode()))
    assert len(one) == 10_000
    for percent in (1, 50, 99, 99.9):
        assert one.percentile_ms(percent) == pytest.approx(percent * 100, rel=0.002)
    assert Distribution().percentile_ms(50) is None
    assert Distribution().mean_ms is None


async def test_a_report_is_kept_and_compared(target: Any, tmp_path: Path) -> None:
    plan = LoadPlan(f"{target[1]}/ok", Constant(200), requests=40, slo=Slo(latency_s=1))
    report = await run(plan)
    report.save(tmp_path / "r.json")
    again = LoadReport.load(tmp_path / "r.json")
    assert again.to_dict() == report.to_dict()
    assert again.rows == report.rows
    table = loadtest.compare_reports({"a": report, "b": again})
    assert table.loc["p50_ms", "b / a"] == 1
    both = loadtest.merge_reports([report, again])
    assert both.count.sent == 80
    assert both.per_second == pytest.approx(2 * report.per_second)
    body = json.loads((tmp_path / "r.json").read_text())
    for name, old in (
        ("started_at", "begun"),
        ("without_done", "undone"),
        ("queued", "held_back"),
        ("others_cpu", "others"),
    ):
        body[old] = body.pop(name)
    body["times"]["late"] = body["times"].pop("send_delay")
    (tmp_path / "0.1.json").write_text(json.dumps(body | {"format": 1}))
    assert LoadReport.load(tmp_path / "0.1.json").to_dict() == report.to_dict()
    for damage in ("{", "[]", '{"format": 9}', '{"format": 1}', '{"format": 2}'):
        (tmp_path / "r.json").write_text(damage)
        with pytest.raises(InvalidRequestError):
            LoadReport.load(tmp_path / "r.json")
    with pytest.raises(InvalidRequestError, match="cannot read"):
        LoadReport.load(tmp_path / "none.json")


@pytest.mark.slow
async def test_sweeps_repeats_and_differences(target: Any) -> None:
    plan = LoadPlan(f"{target[1]}/ok", Closed(2), duration_s=0.4)
    result = await loadtest.sweep(plan, [50, 20])
    assert [rate for rate, _ in result.points] == [20, 50]
    assert result.knee(factor=1e6) == 50
    assert result.plot().get_lines()
    repeats: Any = await loadtest.repeat(plan, 3)
    mean, low, high = repeats.interval(lambda report: report.per_second)
    assert low <= mean <= high
    assert "per_second" in set(repeats.to_frame()["figure"])
    urls = {"ok": f"{target[1]}/ok", "slow": f"{target[1]}/slow"}
    table: Any = await loadtest.compare_servers(plan, urls, rounds=1)
    assert table.loc["p50_ms", "slow / ok"] > 5


def test_pictures_bear_nothing_and_something() -> None:
    report = LoadReport("closed", "http://x")
    assert loadtest.percentile_curve({"none": report}).get_xlabel() == "percentile"
    assert report.plot().get_ylabel() == "latency, ms"


# what a review found


async def test_what_a_server_says_cannot_hang_or_break_a_run(target: Any) -> None:
    """Choices and usage that are numbers, and answers that are none."""
    from fastapi import FastAPI
    from fastapi.responses import Response

    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def odd() -> Any:
        return Response(b'data: {"choices": 5, "usage": 5}\n\n', media_type="text/event-stream")

    with serving(app) as address:
        for arrivals in (Closed(2), Constant(20)):
            report = await run(LoadPlan(f"{address}/v1", arrivals, requests=4, chat=Chat()))
            assert report.errors == {"not a chunk": 4}
    report = await run(LoadPlan(f"{target[1]}/ok", method="POST", requests=2))
    assert report.errors == {"http 405": 2}


@pytest.mark.parametrize("arrivals", [Closed(2), Constant(50)])
async def test_a_fault_in_progress_ends_the_run_and_comes_out(target: Any, arrivals: Any) -> None:
    def fail(live: Any) -> None:
        raise RuntimeError("drawing failed")

    started_at = time.monotonic()
    with pytest.raises(RuntimeError, match="drawing failed"):
        await run(LoadPlan(f"{target[1]}/ok", arrivals, duration_s=30), fail)
    assert time.monotonic() - started_at < 5


def test_rates_are_of_what_ends_in_the_measured_time() -> None:
    recorder = Recorder(LoadPlan("http://x", Constant(20), duration_s=2, warm_up_s=0.5))
    for i, at in enumerate(due(Constant(20), 2)):
        sample = Sample(i, at)
        sample.sent_at, sample.ended_at = at, at + 0.31
        recorder.add(sample)
    report = recorder.finished(None, by_time=True)
    assert report.seconds == 1.5
    assert (report.count.sent, report.count.finished, report.per_second) == (30, 30, 20)


async def test_thinking_is_part_of_the_time_and_waiting_for_answers_is_not(target: Any) -> None:
    started_at = time.monotonic()
    report = await run(LoadPlan(f"{target[1]}/ok", Closed(1, think_s=5), requests=1))
    assert time.monotonic() - started_at < 2
    report = await run(LoadPlan(f"{target[1]}/ok", Closed(5, think_s=10), duration_s=1))
    assert report.per_second == pytest.approx(5, rel=0.1)
    assert report.unfinished == 0


@pytest.mark.slow
async def test_a_rate_beyond_the_client_ends_in_time_and_says_so(target: Any) -> None:
    seen: list[Any] = []
    started_at = time.monotonic()
    plan = LoadPlan(f"{target[1]}/ok", Constant(1e6), duration_s=1, timeout_s=1, max_in_flight=100)
    report = await run(plan, seen.append)
    assert time.monotonic() - started_at < 8
    assert len(seen) >= 2  # on the way, and at the end
    assert "the client could not send all that was due" in report.client_limits
    assert report.errors["not sent"] > 0


@pytest.mark.slow
async def test_long_answers_do_not_look_like_saturation() -> None:
    """A stream of four seconds that begins at once, from a server that holds any rate."""
    with reference_server(1, pieces=5, gap_ms=500) as url:
        plan = LoadPlan(f"{url}/v1", chat=Chat(), slo=Slo(ttft_s=0.5))
        result = await loadtest.find_saturation(plan, low=10, high=40, seconds=30)
    assert (result.passing_rate, result.failing_rate) == (40, None)


@pytest.mark.slow
async def test_a_search_ends_in_time_and_where_it_is_stopped() -> None:
    with upstream() as up:
        up.fault = "hang before"
        started_at = time.monotonic()
        plan = LoadPlan(up.url, slo=Slo(latency_s=1), chat=Chat(stream=False))
        result = await loadtest.find_saturation(plan, low=2, seconds=6)
        assert time.monotonic() - started_at < 12
        assert result.passing_rate is None
        stopped = await loadtest.find_saturation(plan, low=2, seconds=60, progress=lambda live: live.seconds < 1)
        assert stopped.stopped_early
        assert "stopped" in str(stopped)


async def test_a_server_that_sheds_has_its_knee_where_it_begins_to() -> None:
    quick, shedding = LoadReport("poisson", "u"), LoadReport("poisson", "u")
    for report, errors in ((quick, 0), (shedding, 50)):
        report.times["latency"].extend([0.01] * 100)
        report.count.sent, report.count.answered = 100, 100 - errors
    assert loadtest.Sweep(((10, quick), (20, shedding), (30, shedding))).knee() == 10


async def test_streams_that_are_cut_have_lost_their_pieces() -> None:
    with upstream() as up:
        up.fault = "cut"
        report = await run(LoadPlan(up.url, requests=2, chat=Chat(events=100)))
    assert report.lost > 100
    assert report.to_dict()["truncated"] == 2


async def test_headers_and_queries_arrive_as_they_were_given() -> None:
    from fastapi import FastAPI, Request

    app, seen = FastAPI(), []

    @app.post("/v1/chat/completions")
    @app.post("/plain")
    async def note(request: Request) -> Any:
        seen.append((request.url.query, request.headers.getlist("content-type"), request.headers.getlist("host")))
        return {"choices": [{"message": {}}]}

    with serving(app) as address:
        headers = {"content-type": "text/plain", "host": "lab.example"}
        await run(LoadPlan(f"{address}/plain?a=1", method="POST", body=b"x", headers=headers, requests=1))
        await run(LoadPlan(f"{address}/v1?api-version=2", requests=1, chat=Chat(stream=False)))
    assert seen[0] == ("a=1", ["text/plain"], ["lab.example"])
    assert seen[1][0] == "api-version=2"


# prompts


def test_prompts_of_files_and_made_up_ones(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("one\n\ntwo\none\n")
    (tmp_path / "p.jsonl").write_text('{"prompt": "a"}\n"b"\n')
    (tmp_path / "p.csv").write_text("prompt,model\nx,m\nx,n\ny,m\n")
    assert loadtest.read_prompts(tmp_path / "p.txt") == ("one", "two")
    assert loadtest.read_prompts(tmp_path / "p.jsonl") == ("a", "b")
    assert loadtest.read_prompts(tmp_path / "p.csv") == ("x", "y")
    for name, text in (("e.txt", ""), ("e.jsonl", "{"), ("e.csv", "a,b\n1,2\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InvalidRequestError):
            loadtest.read_prompts(tmp_path / name)
    with pytest.raises(InvalidRequestError, match="cannot read"):
        loadtest.read_prompts(tmp_path / "none")
    prompts = loadtest.synthetic_prompts(200, 50, 10)
    assert prompts == loadtest.synthetic_prompts(200, 50, 10)
    assert sum(map(len, prompts)) / 200 / 4 == pytest.approx(51, abs=3)


# the Workbench


def test_the_workbench_runs_and_shows_it(lab: Workbench, target: Any) -> None:
    report = lab.loadtest(f"{target[1]}/ok", users=2, requests=6)
    assert len(report.to_frame()) == 6
    assert report.plot().collections
    assert "100" in report._repr_html_()


def test_the_workbench_itself_is_a_target(lab: Workbench) -> None:
    chat = Chat(("Say hello.",), max_tokens=4)
    report = lab.loadtest(LoadPlan(IN_PROCESS, Closed(2), requests=4, chat=chat))
    assert report.count.answered == 4
    assert report.percentile_ms(50, "ttft") > 1
    unknown = lab.loadtest(LoadPlan(IN_PROCESS, requests=2, chat=Chat(model="nobody")))
    assert unknown.errors == {"UnknownModelError": 2}


@pytest.mark.slow
def test_an_interrupted_command_ends_and_shows_what_it_has(target: Any, tmp_path: Path) -> None:
    import signal

    seen = target[0].state.seen
    before = len(seen)
    command = [str(Path(sys.executable).with_name("autopicker")), "loadtest", f"{target[1]}/ok", "--rate", "20"]
    process = subprocess.Popen([*command, "--duration", "600", "--json"], stdout=subprocess.PIPE, text=True)
    while len(seen) < before + 10 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    report = json.loads(process.communicate(timeout=60)[0])
    assert report["stopped_early"]
    assert report["total_requests"] > 5
    assert process.returncode == 0
