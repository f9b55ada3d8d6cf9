import asyncio

import pytest
from support.serving import free_port, serving

from autopicker_lab.core import LoadPlan
from autopicker_lab.loadtest import run


@pytest.fixture(scope="module")
def target():
    """A server with known faults: a counter, a path that fails every third time, and one that is slow."""
    from fastapi import FastAPI
    from fastapi.responses import Response

    app = FastAPI()
    app.state.seen = []

    @app.get("/ok")
    async def ok():
        app.state.seen.append(asyncio.get_running_loop().time())
        return {}

    @app.get("/third")
    async def third():
        app.state.seen.append(0)
        return Response(status_code=500 if len(app.state.seen) % 3 == 0 else 200)

    @app.get("/slow")
    async def slow():
        await asyncio.sleep(0.2)

    with serving(app) as address:
        yield app, address


async def test_every_request_is_sent_once(target):
    app, address = target
    app.state.seen.clear()
    report = await run(LoadPlan(f"{address}/ok", users=7, requests=50))
    assert len(app.state.seen) == len(report.timings) == 50
    assert report.errors == {}


async def test_errors_are_counted_under_their_names_and_never_as_answers(target):
    app, address = target
    app.state.seen.clear()
    report = await run(LoadPlan(f"{address}/third", users=1, requests=9))
    assert report.errors == {"http 500": 3}
    assert len(report.latencies_ms) == 6
    assert (await run(LoadPlan(f"{address}/slow", requests=2, timeout_s=0.05))).errors == {"timeout": 2}
    assert (await run(LoadPlan(f"http://127.0.0.1:{free_port()}", requests=2))).errors == {"refused": 2}


async def test_latencies_are_those_of_the_server(target):
    report = await run(LoadPlan(f"{target[1]}/slow", users=4, requests=8))
    assert 200 <= report.percentile_ms(50) < 400
    assert report.to_dict()["requests_per_second"] == pytest.approx(4 / 0.2, rel=0.5)


async def test_progress_is_told_and_stops_the_run(target):
    seen = []
    report = await run(
        LoadPlan(f"{target[1]}/ok", users=1, requests=100), lambda done, all_: seen.append(done) or done < 5
    )
    assert seen == [1, 2, 3, 4, 5]
    assert report.stopped_early
    assert len(report.timings) == 5


async def test_time_is_a_bound(target):
    report = await run(LoadPlan(f"{target[1]}/slow", users=1, requests=100, max_seconds=0.5))
    assert report.stopped_early
    assert 2 <= len(report.timings) <= 5


def test_the_workbench_runs_and_shows_it(lab, target):
    report = lab.loadtest(f"{target[1]}/ok", users=2, requests=6)
    assert len(report.to_frame()) == 6
    assert report.plot().collections
    assert "100" in report._repr_html_()
