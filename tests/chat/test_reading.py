"""Files read from end to end in steps, within bounds that are told first; follow-ups rewritten by a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from support.gateway import gateway
from support.scripted import chunks, completion, scripted

from autopicker_lab import Settings, Workbench
from autopicker_lab.chat.windows import Sizes, windows_of
from autopicker_lab.core import (
    ChatRequest,
    Document,
    FileReading,
    InvalidRequestError,
    ModelSpec,
    Part,
    UpstreamError,
)
from autopicker_lab.retrieval import Retriever
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import KeyFile, Ledger

PLACES = 90
LINES = [f"At place {i} the tally of the year was {7000 + i}. " + "The weather was fine. " * 12 for i in range(PLACES)]
QUESTION = "List the tally of every place."
WHOLE = FileReading(whole=True)


def prompt_of(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def is_step(body: dict[str, Any]) -> bool:
    return "stretch" in prompt_of(body) or prompt_of(body).startswith("These notes")


def noting(body: dict[str, Any]) -> dict[str, Any]:
    """Notes the tallies of a stretch; as the last answer, how many it was given, and the first of them."""
    found = re.findall(r"\b7\d\d\d\b", prompt_of(body))
    if is_step(body):
        return completion({"content": " ".join(found) or "NONE"})
    return completion({"content": f"{len(found)} tallies. At place 0 the tally of the year was 7000."})


@contextmanager
def read_by(script: Callable[[dict[str, Any]], Any], home: Path, **fields: Any) -> Iterator[tuple[Workbench, Any]]:
    with scripted() as upstream:
        upstream.whole = script
        upstream.chunks = lambda body: chunks(script(body)["choices"][0]["message"])
        entry = {"context_window": 3000, "max_output": 300, "price_in": 1.0, "price_out": 2.0, **fields}
        model = ModelConfig(name="m", type="openai", endpoint=upstream.url, **entry)
        with Workbench(Settings(autopicker_home=home, models=(model,), retrieval_encoder="off")) as lab:
            yield lab, upstream


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "survey.md"
    path.write_text("\n\n".join(f"# Place {i}\n\n{line}" for i, line in enumerate(LINES)), encoding="utf-8")
    return path


def test_all_of_a_file_is_read_within_what_was_told_first(tmp_path: Path, survey: Path) -> None:
    seen: list[tuple[int, int]] = []
    with read_by(noting, tmp_path) as (lab, upstream):
        plan = lab.plan(QUESTION, survey, reading=WHOLE)
        assert upstream.bodies == []
        reading = FileReading(whole=True, progress=lambda *count: seen.append(count))
        reply = lab.ask(QUESTION, [survey], reading=reading)
    assert reply.text.startswith(f"{PLACES} tallies.")
    assert 2 < len(upstream.bodies) <= plan.calls
    assert plan.windows == plan.all_windows == len(seen) == len(upstream.bodies) - 1
    assert sorted(seen) == [(i, plan.windows) for i in range(1, plan.windows + 1)]
    report = reply.context
    assert (report.method, report.coverage, report.warnings) == ("steps", (("survey.md", 1.0),), ())
    assert len(report.calls) == plan.windows
    assert 0 < report.calls_usd <= plan.cost_usd
    cited = reply.sources.citations[0]
    assert (cited.file, cited.number) == ("survey.md", 1)
    assert cited.quote in survey.read_text(encoding="utf-8")


def test_a_stream_reads_as_well(tmp_path: Path, survey: Path) -> None:
    with read_by(noting, tmp_path) as (lab, _):
        stream = lab.stream(QUESTION, [survey], reading=WHOLE)
        assert "".join(chunk.content for chunk in stream).startswith(f"{PLACES} tallies.")
        assert stream.reply is not None
        assert stream.reply.context.method == "steps"


@pytest.mark.parametrize("bounds", [{"max_calls": 4}, {"max_usd": 0.008}])
def test_within_narrow_bounds_some_is_read_from_all_over_and_said(
    tmp_path: Path, survey: Path, bounds: dict[str, Any]
) -> None:
    reading = FileReading(whole=True, **bounds)
    with read_by(noting, tmp_path) as (lab, upstream):
        plan = lab.plan(QUESTION, survey, reading=reading)
        reply = lab.ask(QUESTION, [survey], reading=reading)
    assert 0 < plan.windows < plan.all_windows
    assert len(upstream.bodies) <= plan.calls <= bounds.get("max_calls", 99)
    assert reply.context.calls_usd <= plan.cost_usd <= bounds.get("max_usd", 99)
    share = dict(reply.context.coverage)["survey.md"]
    assert 0 < share < 0.9
    assert share == pytest.approx(dict(plan.coverage)["survey.md"])
    noted = " ".join(prompt_of(body) for body in upstream.bodies if is_step(body))
    tenths = {int(tally) % 7000 * 10 // PLACES for tally in re.findall(r"\b7\d\d\d\b", noted)}
    assert len(tenths) >= 8
    assert "left out" in reply.context.left_out[0]


def test_of_more_files_than_the_windows_have_words_for_some_are_read() -> None:
    texts = [Part("text", f"Item {i} was built in {1000 + i}. " * 8) for i in range(120)]
    documents = [Document(f"{i}.txt", "txt", (part,), sha256=str(i)) for i, part in enumerate(texts)]
    request = ChatRequest.of("Summarise everything.", reading=FileReading(whole=True, max_calls=2))
    sizes = Sizes(window=200, note=50, notes=900, question=100, ratio=1.0)
    windows = windows_of(ModelSpec("m", "openai", context_window=3000), request, documents, sizes, Retriever())
    assert len(windows.stretches) == windows.plan.windows == 1
    assert windows.plan.calls == 2


def test_a_dearer_model_that_stands_in_reads_no_more_than_the_bound_allows(tmp_path: Path, survey: Path) -> None:
    def counted(body: dict[str, Any]) -> dict[str, Any]:
        return noting(body) | {"usage": {"prompt_tokens": 1000, "completion_tokens": 50}}

    def failing(body: dict[str, Any]) -> Any:
        return JSONResponse({"error": "no"}, 500)

    bound = 0.1  # the dear one takes 0.06 for each stretch, the cheap one 0.001
    with scripted() as down, scripted() as up:
        down.whole, up.whole = failing, counted
        sizes: dict[str, Any] = {"type": "openai", "context_window": 3000, "max_output": 300, "max_concurrency": 1}
        cheap = ModelConfig(name="cheap", endpoint=down.url, price_in=1.0, price_out=2.0, quality=0.5, **sizes)
        dear = ModelConfig(name="dear", endpoint=up.url, price_in=50.0, price_out=200.0, quality=0.5, **sizes)
        with Workbench(Settings(autopicker_home=tmp_path, models=(cheap, dear), retrieval_encoder="off")) as lab:
            reply = lab.ask(QUESTION, [survey], reading=FileReading(whole=True, max_usd=bound))
    assert (reply.model, len(reply.context.calls)) == ("dear", 1)
    assert "a model that stood in costs more" in reply.context.warnings[0]


def test_bounds_that_allow_nothing_are_refused_with_what_would_do(tmp_path: Path, survey: Path) -> None:
    with read_by(noting, tmp_path) as (lab, upstream), pytest.raises(InvalidRequestError, match="at least 2 calls"):
        lab.ask(QUESTION, [survey], reading=FileReading(whole=True, max_usd=0.0001))
    assert upstream.bodies == []


@pytest.mark.fault("a model fails for some stretches of a file that is read whole", "the rest is read, and it is said")
def test_stretches_that_fail_are_left_out_and_said(tmp_path: Path, survey: Path) -> None:
    def failing(body: dict[str, Any]) -> Any:
        return JSONResponse({"error": "no"}, 400) if "7050" in prompt_of(body) and is_step(body) else noting(body)

    with read_by(failing, tmp_path) as (lab, _):
        reply = lab.ask(QUESTION, [survey], reading=WHOLE)
    planned = len(reply.context.calls) + 1
    assert reply.context.warnings[0].startswith(f"{planned - 1} of {planned} stretches were read")
    assert 0 < dict(reply.context.coverage)["survey.md"] < 1


def test_where_every_stretch_fails_so_does_the_answer(tmp_path: Path, survey: Path) -> None:
    def failing(body: dict[str, Any]) -> Any:
        return JSONResponse({"error": "no"}, 400)

    with read_by(failing, tmp_path) as (lab, _), pytest.raises((InvalidRequestError, UpstreamError)):
        lab.ask(QUESTION, [survey], reading=WHOLE)


def test_what_was_found_nowhere_is_said_to_the_model(tmp_path: Path, survey: Path) -> None:
    with read_by(lambda _: completion({"content": "None."}), tmp_path) as (lab, upstream):
        lab.ask("Who painted the bridge?", [survey], reading=WHOLE)
    assert "In none of the" in prompt_of(upstream.bodies[-1])


def test_reading_is_stopped_and_answers_from_what_there_is(tmp_path: Path, survey: Path) -> None:
    reading = FileReading(whole=True, progress=lambda done, _: done < 2)
    with read_by(noting, tmp_path, max_concurrency=1) as (lab, upstream):
        reply = lab.ask(QUESTION, [survey], reading=reading)
    assert len(upstream.bodies) == 3
    assert "was stopped" in reply.context.warnings[0]
    assert dict(reply.context.coverage)["survey.md"] < 0.5


def test_notes_without_room_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "long.md"
    path.write_text("\n\n".join(LINES * 4), encoding="utf-8")
    long_note = "word " * 180

    def wordy(body: dict[str, Any]) -> Any:
        return completion({"content": "joined" if prompt_of(body).startswith("These notes") else long_note})

    with read_by(wordy, tmp_path) as (lab, upstream):
        reading = FileReading(whole=True, max_calls=90)
        plan = lab.plan(QUESTION, path, reading=reading)
        lab.ask(QUESTION, [path], reading=reading)
    joins = [body for body in upstream.bodies if prompt_of(body).startswith("These notes")]
    assert joins
    assert len(upstream.bodies) <= plan.calls
    assert len(prompt_of(upstream.bodies[-1])) < 4 * 3000


FOLLOW_UP = [
    {"role": "user", "content": "Where is the tally of place 31 told?"},
    {"role": "assistant", "content": "In the survey."},
    {"role": "user", "content": "And of the one after it?"},
]


def rewriting(body: dict[str, Any]) -> Any:
    said = prompt_of(body)
    return completion({"content": "What is the tally of place 77?" if said.startswith("Write the last") else "Fine."})


def test_a_follow_up_is_searched_for_as_a_model_wrote_it(tmp_path: Path, survey: Path) -> None:
    with read_by(rewriting, tmp_path, context_budget=150) as (lab, upstream):
        plain = lab.ask(FOLLOW_UP, [survey])
        assert (plain.context.question, len(upstream.bodies)) == ("", 1)  # off unless a model is named
        settings = lab.settings.model_copy(update={"retrieval_rewriter": "m"})
        with Workbench(settings) as rewriter:
            reply = rewriter.ask(FOLLOW_UP, [survey])
            alone = rewriter.ask("What is the tally of place 12?", [survey])
    assert "7077" in prompt_of(upstream.bodies[2])
    assert prompt_of(upstream.bodies[2]).endswith("And of the one after it?")
    assert reply.context.question == "What is the tally of place 77?"
    assert len(reply.context.calls) == 1
    assert (alone.context.question, len(upstream.bodies)) == ("", 4)  # nothing to lean on


@pytest.mark.fault(
    "the model that rewrites follow-ups fails", "the question is searched for as it stands, and it is said"
)
def test_a_rewriter_that_fails_is_done_without(tmp_path: Path, survey: Path) -> None:
    def failing(body: dict[str, Any]) -> Any:
        bad = prompt_of(body).startswith("Write the last")
        return JSONResponse({"error": "no"}, 400) if bad else completion({"content": "Fine."})

    with (
        read_by(failing, tmp_path) as (lab, _),
        Workbench(lab.settings.model_copy(update={"retrieval_rewriter": "m"})) as rewriter,
    ):
        reply = rewriter.ask(FOLLOW_UP, [survey])
    assert reply.text == "Fine."
    assert "searched for as it stands" in reply.context.warnings[-1]


def test_the_service_reads_tells_what_it_takes_and_charges_it(tmp_path: Path, survey: Path) -> None:
    secret, key = KeyFile(tmp_path / "keys.json").create("app", budget_usd=5)
    headers = {"x-api-key": secret}
    messages = [{"role": "user", "content": QUESTION}]
    with scripted() as upstream:
        upstream.whole = noting
        model = ModelConfig(
            name="m", type="openai", endpoint=upstream.url, context_window=3000, max_output=300, price_out=1_000
        )
        with gateway(model, autopicker_home=tmp_path) as base, httpx.Client(base_url=base, headers=headers) as client:
            file = client.post("/api/v1/upload", files={"file": ("survey.md", survey.read_bytes())}).json()["id"]
            body = {"messages": messages, "file_ids": [file], "reading": {"whole": True, "max_calls": 30}}
            plan = client.post("/api/v1/context", json=body).json()["plan"]
            assert upstream.bodies == []
            answer = client.post("/api/v1/chat/multimodal", json=body, timeout=30).json()
            refused = client.post("/api/v1/chat/multimodal", json=body | {"reading": {"whole": True, "max_calls": 1}})
    assert answer["choices"][0]["message"]["content"].startswith(f"{PLACES} tallies.")
    assert answer["context"]["coverage"] == [{"file": "survey.md", "share": 1.0}]
    assert len(answer["context"]["calls"]) == plan["windows"] == len(upstream.bodies) - 1
    assert all("reading" not in body for body in upstream.bodies)
    assert refused.status_code == 400
    account = Ledger(tmp_path / "spending.sqlite").spent((key.id, key.current_period()))
    assert account == pytest.approx(len(upstream.bodies) * 5 * 1_000 / 1e6)
