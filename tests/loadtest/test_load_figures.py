"""What a load report says to people: true tokens, the server's own words, only what so few requests can tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from support.serving import serving

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.loadtest import (
    Chat,
    Closed,
    Distribution,
    Kind,
    LoadPlan,
    LoadReport,
    Saturation,
    Slo,
    Sweep,
    advice_on,
    find_saturation,
    label_of,
    read_prompts,
    read_trace,
    readable_figures,
    run,
    sweep,
)
from autopicker_lab.loadtest.over_http import NO_CONNECTION


def event(delta: dict[str, Any], **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": fields.pop("finish", None)}
    return b"data: " + json.dumps({"choices": [choice], **fields}).encode() + b"\n\n"


class Odd(FastAPI):
    """A server whose streams are made of `events`, each with the seconds before it; `status` refuses instead."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[float, bytes]] = []
        self.status = 200
        self.bodies: list[dict[str, Any]] = []
        self.post("/v1/chat/completions")(self.answer)

    async def answer(self, request: Request) -> Any:
        self.bodies.append(await request.json())
        if self.status != 200:
            return JSONResponse({"error": {"message": "the queue is full, dear user"}}, self.status)
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[bytes]:
        for seconds, block in self.events:
            await asyncio.sleep(seconds)
            yield block
        yield b"data: [DONE]\n\n"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Odd, str]]:
    app = Odd()
    with serving(app) as address:
        yield app, f"{address}/v1"


@pytest.fixture
def odd(server: tuple[Odd, str]) -> tuple[Odd, str]:
    app, url = server
    app.events, app.status, app.bodies = [(0, event({"content": "hi"})), (0, event({}, finish="stop"))], 200, []
    return app, url


@pytest.mark.parametrize(
    "first",
    [
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"thinking_blocks": [{"thinking": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"refusal": "no"},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]},
    ],
)
async def test_whatever_a_model_says_first_is_its_first_token(odd: tuple[Odd, str], first: dict[str, Any]) -> None:
    app, url = odd
    role = event({"role": "assistant", "content": ""})
    app.events = [(0, role), (0, event(first)), (0.6, event({"content": "so"})), (0, event({}, finish="stop"))]
    report = await run(LoadPlan(url, requests=1, chat=Chat()))
    assert report.errors == {}
    row = report.rows[0]
    assert row.ttft is not None
    assert row.latency - row.ttft > 0.5


async def test_tokens_that_nobody_counted_are_said_to_be_pieces(odd: tuple[Odd, str]) -> None:
    app, url = odd
    untold = await run(LoadPlan(url, requests=2, chat=Chat()))
    assert untold.without_usage == 2
    assert any(
        "2 of 2 answers do not say their usage: their tokens are the pieces" in why for why in untold.client_limits
    )
    usage = {"prompt_tokens": 90, "completion_tokens": 12, "prompt_tokens_details": {"cached_tokens": 64}}
    app.events = [
        (0, event({"content": "a"})),
        (0, event({"content": "b"}, finish="stop")),
        (0, event({}, usage=usage)),
    ]
    told = await run(LoadPlan(url, requests=2, chat=Chat()))
    assert (told.without_usage, told.prompt_tokens, told.prefix_cached_tokens, told.count.tokens) == (0, 180, 128, 24)
    assert told.tokens_per_piece == 6
    assert any("a piece has 6 tokens" in why for why in told.client_limits)
    assert told.to_dict()["prefix_cached_tokens"] == 128


async def test_the_words_of_a_server_come_with_what_to_do(odd: tuple[Odd, str]) -> None:
    app, url = odd
    for status, hint in ((429, "--rate"), (400, "--option"), (401, "--header"), (404, "/v1"), (503, "fewer at once")):
        app.status = status
        report = await run(LoadPlan(url, requests=3, chat=Chat()))
        (line,) = advice_on(report)
        assert line.startswith(f"http {status}: the server says: the queue is full, dear user; ")
        assert hint in line
    app.status = 200
    app.events = [(0, b'data: {"error": {"message": "out of memory in layer 3"}}\n\n')]
    assert "out of memory in layer 3" in advice_on(await run(LoadPlan(url, requests=1, chat=Chat())))[0]


async def test_a_fresh_prompt_differs_from_its_first_character(odd: tuple[Odd, str]) -> None:
    app, url = odd
    talk: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi."}]},
    ]
    await run(LoadPlan(url, requests=2, chat=Chat(("one and the same",))))
    await run(LoadPlan(url, requests=2, chat=Chat((talk,))))
    await run(LoadPlan(url, requests=1, chat=Chat((talk,), kinds=(Kind("shared", cached=None, prefix="All of us."),))))
    texts = [body["messages"][0]["content"] for body in app.bodies[:4]]
    assert len(set(texts)) == 4
    assert [text.partition("\n\n")[2] for text in texts] == ["one and the same"] * 2 + ["Be brief."] * 2
    assert app.bodies[4]["messages"] == [{"role": "system", "content": "All of us."}, *talk]


async def test_any_field_can_be_left_out(odd: tuple[Odd, str]) -> None:
    app, url = odd
    await run(LoadPlan(url, requests=1, chat=Chat(max_tokens=None, options={"stream_options": None, "top_k": 3})))
    assert set(app.bodies[0]) == {"model", "messages", "stream", "top_k"}


def test_conversations_are_read_as_such(tmp_path: Path) -> None:
    talk = [
        {"role": "user", "content": "A?"},
        {"role": "assistant", "content": "B."},
        {"role": "user", "content": "C?"},
    ]
    file = tmp_path / "p.jsonl"
    lines = [{"prompt": talk}, {"messages": talk}, {"prompt": json.dumps(talk)}, {"prompt": "plain"}, {"prompt": "[x"}]
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert read_prompts(file) == (talk, "plain", "[x")
    assert read_prompts(file, turns=True) == (talk[:1], talk, "plain", "[x")
    table = tmp_path / "p.csv"
    table.write_text('prompt\n"' + json.dumps(talk).replace('"', '""') + '"\n', "utf-8")
    assert read_prompts(table) == (talk,)
    with pytest.raises(InvalidRequestError, match="a text, or a list of messages"):
        Chat((["role"],))  # type: ignore[list-item]


def test_recorded_traffic_keeps_its_moments(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    rows = [
        {"timestamp": 12.5, "prompt": "late"},
        {"timestamp": 10, "messages": [{"role": "user", "content": "early"}]},
    ]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    arrivals, prompts = read_trace(file)
    assert arrivals.times == (10, 12.5)
    assert prompts == ([{"role": "user", "content": "early"}], "late")
    file.write_text('{"timestamp": "2026-01-01T00:00:01Z", "prompt": "x"}\n', "utf-8")
    assert len(read_trace(file)[0].times) == 1
    file.write_text('{"prompt": "no moment"}', "utf-8")
    with pytest.raises(InvalidRequestError, match="is no trace"):
        read_trace(file)


def report_of(answers: int, **fields: Any) -> LoadReport:
    report = LoadReport("closed", "http://x", seconds=2.0, **fields)
    report.count.sent = report.count.answered = report.count.finished = answers
    report.times["latency"] = Distribution()
    report.times["latency"].extend([0.01 * (i + 1) for i in range(answers)])
    return report


@pytest.mark.parametrize(("answers", "told"), [(1, []), (5, [50]), (19, [50]), (20, [50, 95]), (100, [50, 95, 99])])
def test_percentiles_need_requests_beyond_them(answers: int, told: list[int]) -> None:
    names = [name for name, _ in readable_figures(report_of(answers).to_dict()) if name.startswith("p")]
    assert names == [f"p{percent} of latency" for percent in told]
    assert f"p{99}" in "".join(names) or report_of(answers).supported_ms(99) is None


def test_figures_have_names_and_units() -> None:
    figures = dict(readable_figures(report_of(5, client_cpu=0.25, cost_usd=0.5).to_dict()))
    assert figures["requests"] == "5"
    assert figures["answers"] == "2.5 a second"
    assert figures["core used by this client"] == "25 %"
    assert figures["cost"] == "0.5 USD"
    assert label_of("ttft_p50_ms") == "p50 of TTFT, ms"
    assert "5 of 5 requests answered, 2.5 a second, half of them within" in report_of(5).summary
    assert "_" not in report_of(200)._repr_html_().split("<tbody>")[1].replace("http://x", "")


def test_a_machine_without_connections_is_not_called_a_slow_loop() -> None:
    report = report_of(10, lag_ms=500.0)
    assert any("event loop" in why for why in report.client_limits)
    report.count.errors = {NO_CONNECTION: 40_000}
    assert [why for why in report.client_limits if "event loop" in why] == []
    assert any("40000 requests found no connection" in why for why in report.client_limits)
    assert "ulimit -n" in advice_on(report)[0]


async def test_users_who_find_no_server_do_not_spin() -> None:
    report = await run(LoadPlan("http://127.0.0.1:9/", Closed(2), duration_s=0.6))
    assert 2 <= report.errors["refused"] <= 20


def test_goodput_is_the_share_of_what_was_sent() -> None:
    report = report_of(10, has_slo=True)
    report.count.good, report.count.finished = 4, 0  # all answers came after the measured time
    assert report.goodput == 2.0
    assert report.good_share == 0.4


def test_noise_below_some_milliseconds_is_no_knee() -> None:
    quick, noisy, slow = report_of(100), report_of(100), report_of(100)
    for report, seconds in ((quick, 0.001), (noisy, 0.004), (slow, 0.05)):
        report.times["latency"] = Distribution()
        report.times["latency"].extend([seconds] * 100)
    assert Sweep(((10, quick), (20, noisy), (40, slow))).knee() == 20
    labels = Sweep(((10, quick), (20, noisy))).plot().get_legend_handles_labels()[1]
    assert "knee: ≥ 20, the highest tried" in labels
    assert "held" not in Sweep(((10, quick),)).to_frame()


async def test_a_search_counts_users_names_its_objective_and_is_kept(odd: tuple[Odd, str], tmp_path: Path) -> None:
    app, url = odd
    app.events = [(0.02, event({"content": "hi"}, finish="stop"))]
    plan = LoadPlan(url, duration_s=0.3, chat=Chat(), slo=Slo(ttft_s=10, share=0.9))
    result = await find_saturation(plan, low=1, high=4, users=True, seconds=20)
    assert (result.passing_rate, result.unit) == (4, "users")
    goal = "90 % answered with a TTFT of at most 10 s"
    assert str(result) == f"at least 4 users hold the objective ({goal}); that is the highest that was tried"
    lines = result.plot().get_legend_handles_labels()[1]
    assert {"p90", "objective: 10000 ms", "held: ≥ 4, the highest tried"} <= set(lines)
    result.save(tmp_path / "s.json")
    again = Saturation.load(tmp_path / "s.json")
    assert str(again) == str(result)
    assert again.to_frame().equals(result.to_frame())
    assert list(result.to_frame().columns)[:2] == ["users", "held"]
    (tmp_path / "s.json").write_text("{}")
    with pytest.raises(InvalidRequestError, match="no saved search"):
        Saturation.load(tmp_path / "s.json")


@pytest.mark.parametrize("study", ["sweep", "search"])
async def test_the_first_request_of_a_cold_server_is_no_point_of_a_study(study: str) -> None:
    app = FastAPI()
    asked: list[int] = []

    @app.get("/cold")
    async def cold() -> Response:
        asked.append(len(asked))
        return Response(status_code=503 if len(asked) == 1 else 200)

    with serving(app) as address:
        plan = LoadPlan(f"{address}/cold", Closed(1), duration_s=0.3, slo=Slo(latency_s=5.0, share=1.0))
        if study == "sweep":
            reports = [report for _, report in (await sweep(plan, [20, 40])).points]
            assert len(reports) == 2
            assert sum(report.count.sent for report in reports) == len(asked) - 1
        else:
            found = await find_saturation(plan, low=10, high=20, seconds=3)
            reports = [report for _, report in found.probes]
    assert reports
    assert not any(report.count.errors for report in reports)
