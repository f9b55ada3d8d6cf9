import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.serving import free_port

from autopicker_lab import Settings, Workbench
from autopicker_lab.chat import fit
from autopicker_lab.core import (
    ChatRequest,
    ContextLengthError,
    Document,
    InvalidRequestError,
    ModelUnavailableError,
    Part,
    UnknownModelError,
)
from autopicker_lab.models import Availability
from autopicker_lab.retrieval import Retriever
from autopicker_lab.settings import ModelConfig


def long_document(name: str = "long.txt", topic: str = "weather") -> Any:
    parts = [
        Part(f"page {i}", f"Page {i} speaks about {topic} number {i}. " + "Nothing else is said here. " * 12)
        for i in range(1, 41)
    ]
    parts[22] = Part("page 23", "The secret password of the lighthouse is marmalade. " + "Nothing else is said. " * 12)
    return Document(name, "txt", tuple(parts), sha256=name)


def test_what_fits_is_given_whole() -> None:
    document = Document("a.txt", "txt", (Part("p1", "one"), Part("p2", "two")))
    context = fit([document], "?", 500, Retriever())
    assert context.report.used == ("a.txt, p1", "a.txt, p2")
    assert context.report.left_out == ()
    assert context.text == f"[{context.mark} 1: a.txt, p1]\none\n\n[{context.mark} 2: a.txt, p2]\ntwo"


def test_what_does_not_fit_is_chosen_by_relevance_and_said() -> None:
    context = fit([long_document()], "What is the password of the lighthouse?", 300, Retriever())
    assert "marmalade" in context.text
    assert context.report.tokens <= 300
    assert context.report.left_out[0].startswith("long.txt: ")
    assert "page 23" in context.report.left_out[0]


def test_the_budget_goes_where_the_answer_is_and_files_keep_their_order() -> None:
    other = long_document("other.txt", "harbours")
    other = replace(other, parts=tuple(p for p in other.parts if p.label != "page 23"))
    context = fit([long_document("a.txt"), other, long_document("b.txt")], "lighthouse password", 200, Retriever())
    assert [label for label in context.report.used if "page 23" in label] == ["a.txt, page 23", "b.txt, page 23"]
    assert context.report.tokens <= 200
    assert any(line.startswith("other.txt: ") for line in context.report.left_out)


def test_a_file_without_text_is_named() -> None:
    context = fit([Document("blank.png", "png", ())], "?", 100, Retriever())
    assert "blank.png" in context.report.warnings[0]


@pytest.mark.slow
async def test_an_answer_names_model_score_and_what_was_left_out(lab: Workbench, samples: Path) -> None:
    reply = await lab.aask("Which boat is driven by electric motors?", [samples / "report.pdf"], max_tokens=60)
    assert "kittiwake" in reply.text.lower()
    assert reply.model == "smollm2-135m"
    assert reply.score == reply.route.complexity.score > 0
    assert "report.pdf, page 3" in reply.context.used
    assert "left out" in reply.context.left_out[0]
    assert reply.to_dict()["reason"] == reply.route.reason
    assert reply._repr_html_()


async def test_streams_and_whole_answers_are_the_same(fake_ollama: Any, samples: Path) -> None:
    question, files = "Who are present at the board?", [samples / "minutes.docx"]
    with Workbench(Settings.load(models=(tiny("m", 0.5, fake_ollama[1]),))) as lab:
        stream = await lab.stream(question, files, max_tokens=30)
        pieces = [chunk.content async for chunk in stream]
        whole = await lab.aask(question, files, max_tokens=30)
        await lab.catalogue.close()
    assert "".join(pieces) == stream.reply.text == whole.text
    assert stream.route == whole.route
    assert stream.context == whole.context
    assert 0 < stream.reply.first_token_s < stream.reply.total_s


@pytest.mark.slow
async def test_a_recording_is_heard_before_it_is_asked_about(lab: Workbench, samples: Path) -> None:
    document = await lab.aextract(samples / "announcement.mp3")
    assert "half past" in document.text
    assert document.parts[0].label.startswith("0:0")
    assert document.metadata["language"] == "en"
    reply = await lab.aask("When does the boat leave?", [samples / "announcement.mp3"], max_tokens=30)
    assert "announcement.mp3" in reply.context.used[0]


@pytest.mark.slow
async def test_a_second_question_reads_nothing_again(
    lab: Workbench, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.aask("What?", [samples / "handbook.md"], max_tokens=2)
    monkeypatch.setattr(lab.reader, "_extract", None)  # would fail if it were called
    await lab.aask("And then?", [samples / "handbook.md"], max_tokens=2)


def test_plain_calls_work_inside_a_running_loop(lab: Workbench) -> None:
    async def in_a_notebook() -> Any:
        return lab.route("Why?")

    assert asyncio.run(in_a_notebook()).model == "smollm2-135m"


async def test_naming_a_model_asks_that_one_or_says_why_not(lab: Workbench) -> None:
    assert (await lab.aroute("hi", model="smollm2")).named
    with pytest.raises(UnknownModelError):
        await lab.aroute("hi", model="gpt-9")
    with pytest.raises(ModelUnavailableError, match="ollama serve"):
        await lab.aask("hi", model="llama3.2-local")


async def test_a_conversation_too_long_for_any_model(lab: Workbench) -> None:
    with pytest.raises(ContextLengthError, match="8,192"):
        await lab.aroute("word " * 20000)


def tiny(name: Any, quality: Any, address: Any) -> Any:
    return ModelConfig(name=name, type="ollama", endpoint=address, model="llama3.2", quality=quality)


@pytest.mark.slow
async def test_a_model_that_fails_is_passed_over(fake_ollama: Any, samples: Path) -> None:
    fake, address = fake_ollama
    models = (
        tiny("strong", 0.9, address),
        ModelConfig(name="spare", type="local", quality=0.1),
    )
    async with Workbench(Settings.load(models=models)) as lab:
        hard = (
            "Prove step by step, compare, derive and justify why it must hold, and design an architecture for it. " * 20
        )
        fake.fault = "500"
        reply = await lab.aask(hard, max_tokens=4)
        assert (reply.route.model, reply.model, reply.fallback_used) == ("strong", "spare", True)
        stream = await lab.stream(hard, max_tokens=4)
        assert [chunk async for chunk in stream]
        assert stream.model == "spare"
        fake.fault = ""
        lab.catalogue.breaker("strong").succeeded()  # five tries failed, and it would rest
        await lab.catalogue.availability(fresh=True)  # a probe may have met the fault meanwhile
        assert (await lab.aask(hard, max_tokens=4)).model == "strong"


async def test_pictures_go_to_models_that_see_and_as_text_to_others(fake_ollama: Any, samples: Path) -> None:
    fake, address = fake_ollama
    seeing = ModelConfig(name="eye", type="ollama", endpoint=address, model="llama3.2", capabilities={"multimodal"})
    with Workbench(Settings.load(models=(seeing,))) as lab:
        await lab.aask("What does the sign say?", [samples / "sign.jpg"])
        assert len(fake.requests[-1]["messages"][0]["images"]) == 1
        await lab.catalogue.close()
    blind = ModelConfig(name="blind", type="ollama", endpoint=address, model="llama3.2")
    with Workbench(Settings.load(models=(blind,))) as lab:
        reply = await lab.aask("What does the sign say?", [samples / "sign.jpg"])
        assert "Last ferry 22:40" in fake.requests[-1]["messages"][0]["content"]
        assert "images" in reply.context.warnings[0]
        await lab.catalogue.close()


async def test_a_picture_inside_a_message_is_read_for_a_model_that_does_not_see(
    fake_ollama: Any, samples: Path
) -> None:
    import base64

    fake, address = fake_ollama
    url = "data:image/jpeg;base64," + base64.b64encode((samples / "sign.jpg").read_bytes()).decode()
    parts = [{"type": "text", "text": "Read this"}, {"type": "image_url", "image_url": {"url": url}}]
    with Workbench(Settings.load(models=(tiny("blind", 0.5, address),))) as lab:
        await lab.aask([{"role": "user", "content": parts}])
        assert "Last ferry 22:40" in fake.requests[-1]["messages"][0]["content"]
        await lab.catalogue.close()


async def test_requests_can_be_given_in_three_ways(lab: Workbench) -> None:
    messages = [{"role": "user", "content": "Why?"}]
    routes = [await lab.aroute(prompt) for prompt in ("Why?", messages, ChatRequest.of("Why?"))]
    assert len({route.complexity for route in routes}) == 1


def test_no_model_at_all() -> None:
    model = ModelConfig(name="gone", type="openai", endpoint=f"http://127.0.0.1:{free_port()}/v1")
    with Workbench(Settings.load(models=(model,))) as lab, pytest.raises(ModelUnavailableError, match="doctor"):
        lab.ask("hi")


def test_a_named_model_does_not_get_round_pin_and_budget() -> None:
    far = ModelConfig(
        name="far", type="openai", endpoint="http://198.51.100.1/v1", price_out=60.0, capabilities={"text"}
    )
    here = ModelConfig(name="here", type="local")
    with Workbench(Settings.load(models=(far, here))) as lab:
        lab.catalogue._availability = {"far": Availability(True), "here": Availability(True)}
        lab.catalogue._probed = time.monotonic()
        for policy, why in (
            (replace(lab.policy, local_only=True), "keeps requests on this machine"),
            (replace(lab.policy, max_cost_usd=0.0), "the policy allows 0"),
        ):
            with pytest.raises(ModelUnavailableError, match=why):
                lab.route("hello", model="far", policy=policy)
            assert lab.route("hello", policy=policy).model == "here"
            assert not lab.route("hello", policy=policy).fallbacks


class TestStream:
    QUESTION = "Count from one to twenty in words."

    def test_plain_code_iterates(self, lab: Workbench) -> None:
        stream = lab.stream(self.QUESTION, max_tokens=6)
        assert repr(stream) == "ChatStream('auto', not begun)"
        assert not stream.model
        text = "".join(chunk.content for chunk in stream)
        assert text == stream.reply.text
        assert stream.model == stream.route.model == "smollm2-135m"

    async def test_coroutines_iterate_with_and_without_await(self, lab: Workbench) -> None:
        plain, awaited = lab.stream(self.QUESTION, max_tokens=6), await lab.stream(self.QUESTION, max_tokens=6)
        texts = ["".join([chunk.content async for chunk in stream]) for stream in (plain, awaited)]
        assert texts == [plain.reply.text, awaited.reply.text]
        assert texts[0]

    def test_leaving_early_ends_the_work_of_the_model(self, lab: Workbench) -> None:
        model = lab.catalogue.get("smollm2-135m")
        stream = lab.stream(self.QUESTION, max_tokens=900)
        for _ in stream:
            break
        stream.close()
        assert model.pending() == 0
        assert stream.reply is None
        assert lab.ask("Say hello.", max_tokens=2).text  # and the next is answered

    def test_files_are_read_when_the_answer_is_asked_for(self, lab: Workbench, samples: Path) -> None:
        stream = lab.stream("Which boat is electric?", [samples / "report.pdf"], max_tokens=6)
        assert not stream.context.used
        assert list(stream)
        assert stream.context.used[0].startswith("report.pdf")

    def test_an_error_is_raised_where_it_is_iterated(self, lab: Workbench) -> None:
        stream = lab.stream("Hello", model="gpt-9")
        with pytest.raises(UnknownModelError):
            list(stream)

    @pytest.mark.parametrize("prompt", ["", " \n", [{"role": "user", "content": " "}]])
    def test_nothing_is_sent_where_nothing_is_asked(self, lab: Workbench, prompt: Any) -> None:
        for ask in (lab.ask, lab.stream):
            with pytest.raises(InvalidRequestError, match="the prompt is empty"):
                ask(prompt)


def test_a_workbench_says_what_it_holds(lab: Workbench) -> None:
    assert "smollm2-135m" in repr(lab)
    assert lab.policy.id in repr(lab)
    for part in (lab.catalogue, lab.pipeline, lab.reader, lab.files, lab.transcriber):
        assert " object at 0x" not in repr(part)
