"""The chat panel: two models side by side and a vote between them, examples, and passages behind citations."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.raw_upstream import END, piece, raw_upstream, stream, whole

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import AnswerSources, CascadeCall, ChatChunk, Citation, ContextReport, Message, Usage
from autopicker_lab.settings import ModelConfig
from autopicker_lab.tuning.conversations import is_conversation, request_of
from autopicker_lab.tuning.outcomes import read_outcomes
from autopicker_lab.widgets import ChatPanel, ConversationModel
from autopicker_lab.widgets.answer import Answer
from autopicker_lab.widgets.answer_html import turn_html
from autopicker_lab.widgets.conversation import Turn
from autopicker_lab.widgets.joining import JoiningModel
from autopicker_lab.widgets.parts import GrowingMarkdown, markdown
from autopicker_lab.widgets.parts.snapshot import static_html
from autopicker_lab.widgets.votes import Vote, keep_vote, outcomes_of

QUESTION = "What is 50 - 12? Reply with the number only."


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    recorded = [
        ModelConfig(name="smollm2-135m", type="replay"),
        ModelConfig(name="qwen2.5-coder-0.5b", type="replay", price_in=0.1, price_out=0.2),
    ]
    with Workbench(Settings.load(models=tuple(recorded), autopicker_home=tmp_path)) as made:
        yield made


def test_a_model_that_answers_stands_beside(tmp_path: Path) -> None:
    models = (ModelConfig(name="smollm2-135m", type="replay"), ModelConfig(name="gone", type="ollama"))
    with Workbench(Settings.load(models=models, autopicker_home=tmp_path)) as lab:
        panel = ChatPanel(lab)
        assert {"smollm2-135m", "gone"} < set(panel.rival.options)
        lab.submit(lab.catalogue.availability(fresh=True)).result()
        assert panel.rival.value == "smollm2-135m"


def test_two_models_are_voted_for_before_they_are_named_and_the_vote_is_an_outcome(lab: Workbench) -> None:
    panel = ChatPanel(lab, QUESTION)
    panel.choice.value, panel.rival.value = "smollm2-135m", "qwen2.5-coder-0.5b"
    panel.compare.click()
    panel.model.job.wait(20)
    above, below = panel.log.children[0].children
    assert panel.ballot.layout.display == "flex"
    assert not re.search("smollm2|qwen", above.value + below.value)
    turn = panel.model.turns[0]
    better = [answer.text.strip() for answer in turn.answers].index("38")
    panel.votes[[Vote.FIRST, Vote.SECOND][better]].click()
    assert panel.ballot.layout.display == "none"
    assert "qwen2.5-coder-0.5b ✓" in above.value
    assert "smollm2-135m" in above.value
    assert turn.answer.model == "qwen2.5-coder-0.5b"  # later questions build upon the better one
    outcomes = read_outcomes(panel.model.votes_path)
    assert dict(zip(outcomes["model"], outcomes["score"], strict=True)) == {
        "smollm2-135m": 0.0,
        "qwen2.5-coder-0.5b": 1.0,
    }
    assert set(outcomes["prompt"]) == {QUESTION}
    panel.model.vote(Vote.BOTH_BAD)
    assert len(panel.model.votes_path.read_text("utf-8").splitlines()) == 2
    with panel.model.votes_path.open("a") as file:
        file.write('{"prompt_id": "cut o')
    keep_vote(panel.model.votes_path, [Message("user", QUESTION)], turn.answers, Vote.BOTH_BAD)
    lines = panel.model.votes_path.read_text("utf-8").splitlines()
    assert [line.endswith("}") for line in lines] == [True, True, False, True, True]


def test_a_vote_within_a_conversation_keeps_what_was_said_before(lab: Workbench) -> None:
    model = ConversationModel(lab)
    model.ask(QUESTION)
    model.job.wait(20)
    said = model.turns[0].answer.text
    model.compare("What is 56 - 26? Reply with the number only.", ("smollm2-135m", "qwen2.5-coder-0.5b"))
    model.job.wait(20)
    assert model.turns[1].awaits_vote
    model.vote(Vote.FIRST)
    (prompt,) = set(read_outcomes(model.votes_path)["prompt"])
    assert is_conversation(prompt)
    assert [message.text for message in request_of(prompt).messages] == [QUESTION, said, model.turns[1].question]


def test_to_typeset_an_answer_that_grows_costs_no_more_than_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"| a | *{i}* |\n" if i % 9 else f"\n\nA paragraph {i}.\n\n" for i in range(2000))
    typeset: list[int] = []

    def to_html(part: str) -> str:
        typeset.append(len(part))
        return f"<p>{part}</p>"

    monkeypatch.setattr(markdown, "to_html", to_html)
    growing = GrowingMarkdown()
    for end in range(1, len(text), 7):
        html = growing.html(text[:end])
        assert re.sub("<[^>]*>", "", html) == text[:end]
    assert sum(typeset) < 25 * len(text)
    assert growing.html("Another") == "<p>Another</p>"


def test_a_vote_that_cannot_be_kept_is_told_and_can_be_given_again(lab: Workbench) -> None:
    model = ConversationModel(lab)
    model.compare(QUESTION, ("smollm2-135m", "qwen2.5-coder-0.5b"))
    model.job.wait(20)
    model.votes_path.mkdir(parents=True)
    model.vote(Vote.BOTH_GOOD)
    assert "votes.jsonl" in model.message
    assert model.turns[0].awaits_vote
    model.votes_path.rmdir()
    model.vote(Vote.BOTH_GOOD)
    assert model.turns[0].vote is Vote.BOTH_GOOD


def test_one_model_is_not_compared_with_itself(lab: Workbench) -> None:
    model = ConversationModel(lab)
    model.compare(QUESTION, ("smollm2-135m", "smollm2-135m"))
    assert "choose two models that differ" in model.message
    assert model.turns == []
    model.compare(QUESTION, ("auto", model.lab.route(QUESTION).model))
    model.job.wait(20)
    assert not model.turns[0].awaits_vote
    assert "auto led to" in model.job.words
    assert "add one below" in model.job.words
    model.ask(QUESTION)
    model.job.wait(20)
    assert not model.job.words


def test_votes_are_counted_by_model(lab: Workbench) -> None:
    panel = ChatPanel(lab)
    for vote in (Vote.BOTH_GOOD, Vote.BOTH_BAD, Vote.BOTH_GOOD):
        panel.model.clear()
        panel.model.compare(QUESTION, ("smollm2-135m", "qwen2.5-coder-0.5b"))
        panel.model.job.wait(20)
        panel.votes[vote].click()
    assert panel.model.standing == {"smollm2-135m": (2, 3), "qwen2.5-coder-0.5b": (2, 3)}
    assert "good in 2 of 3" in panel.standing.value
    panel.model.vote(Vote.FIRST)  # there is nothing left to vote on
    assert len(panel.model.votes) == 3


def served(*names: str) -> list[bytes | float | None]:
    return [whole({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})]


def test_a_model_of_any_server_joins_by_its_address_and_is_compared(lab: Workbench) -> None:
    panel = ChatPanel(lab)
    box, job = panel.joining, panel.joining.model.job
    assert box.fields.layout.display == "none"
    box.open.click()
    assert box.fields.layout.display == "flex"
    with raw_upstream() as up:
        up.models = served("thirty-eight")
        answer = [piece({"role": "assistant", "content": "38"}), END]
        up.script = lambda asked: stream(*answer) if asked.method == "POST" else [whole({}, "404 Not Found")]
        box.endpoint.value, box.name.value, box.key.value = f"{up.url}/chat/completions", "wrong", "sk-secret"
        box.add.click()
        assert "sk-secret" not in str(box.key.get_state())  # which Jupyter may save
        job.wait(20)
        assert job.failed
        assert "It has thirty-eight" in box.note.value  # what can be typed instead
        assert "wrong" not in panel.rival.options
        box.name.value = "thirty-eight"
        box.add.click()
        job.wait(20)
        assert panel.rival.value == "thirty-eight"
        assert "thirty-eight" in panel.choice.options
        panel.question.value, panel.choice.value = QUESTION, "smollm2-135m"
        panel.compare.click()
        panel.model.job.wait(20)
        assert panel.model.turns[0].awaits_vote
        assert up.asked[-1].headers["authorization"] == "Bearer sk-secret"
        assert "sk-secret" not in static_html(panel.view)
        box.add.click()
        job.wait(20)
        assert "already" in box.note.value
        box.endpoint.value, box.name.value = up.url.replace("127.0.0.1", "localhost"), "thirty-eight"
        before = len(up.asked)
        box.add.click()  # another address is not sent the key of the first
        job.wait(20)
        assert not [asked for asked in up.asked[before:] if "authorization" in asked.headers]


@pytest.mark.parametrize(
    ("endpoint", "name", "told"),
    [
        ("", "m", "an address and a name are needed"),
        ("localhost:8000/v1", "m", "write http://localhost:8000/v1"),
        ("http://127.0.0.1:9/v1", "m", "does not answer"),
        ("http://127.0.0.1:9/v1", "smollm2-135m", "already"),
    ],
)
def test_a_model_that_cannot_join_says_what_to_write(lab: Workbench, endpoint: str, name: str, told: str) -> None:
    model = JoiningModel(lab)
    before = [spec.id for spec in lab.catalogue.specs()]
    model.join(endpoint, name)
    model.job.wait(20)
    assert model.job.failed
    assert told in model.job.words
    assert [spec.id for spec in lab.catalogue.specs()] == before


def test_one_of_two_that_fails_leaves_the_other(lab: Workbench) -> None:
    with raw_upstream() as up:
        up.script = lambda asked: stream(piece({"role": "assistant", "content": "Thirty-eight."}), END)
        live = ModelConfig(name="m", type="openai", endpoint=up.url)
        recorded = ModelConfig(name="smollm2-135m", type="replay")
        with Workbench(Settings.load(models=(live, recorded))) as both:
            model = ConversationModel(both)
            model.compare("A question that was never recorded", ("m", "smollm2-135m"))
            model.job.wait(20)
    texts = {answer.requested: answer.text for answer in model.turns[0].answers}
    notes = {answer.requested: answer.note for answer in model.turns[0].answers}
    assert texts == {"m": "Thirty-eight.", "smollm2-135m": ""}
    assert "no answer: " in notes["smollm2-135m"]
    assert not notes["m"]
    assert not model.job.failed
    assert not model.turns[0].awaits_vote
    assert list(model._messages())[-1].text == "A question that was never recorded"


class CascadeStream:
    """An answer of the second model of a cascade, which asked another and a judge before."""

    model, route, sources = "qwen2.5-coder-0.5b", None, AnswerSources()
    context = ContextReport(calls=(CascadeCall("smollm2-135m", Usage(), 0.125, 0.1),))
    usage, cascade = Usage(1000, 500), SimpleNamespace(earlier_usd=0.25)
    first_token_s = total_s = 0.1

    async def __aiter__(self) -> AsyncIterator[ChatChunk]:
        yield ChatChunk.of({"content": "38"})

    async def aclose(self) -> None:
        """Nothing is held."""


def test_an_answer_costs_what_was_asked_before_it_and_is_an_outcome_of_its_own_model(
    lab: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.pipeline, "stream", lambda *_: CascadeStream())
    model = ConversationModel(lab)
    model.ask(QUESTION)
    model.job.wait(20)
    own = (1000 * 0.1 + 500 * 0.2) / 1e6
    assert model.cost_usd == pytest.approx(own + 0.25 + 0.125)
    assert model.to_dict()["cost_usd"] == model.cost_usd
    outcomes = outcomes_of([Message("user", QUESTION)], [model.turns[0].answer] * 2, Vote.BOTH_GOOD)
    assert outcomes[0].cost_usd == pytest.approx(own)


def test_examples_are_asked_by_a_press_and_leave(lab: Workbench) -> None:
    panel = ChatPanel(lab, examples=[QUESTION])
    assert panel.tries.layout.display == "flex"
    panel.examples[0].click()
    panel.model.job.wait(20)
    assert panel.model.turns[0].question == QUESTION
    assert panel.tries.layout.display == "none"
    assert "USD so far" in panel.sums.value


def cited(text: str, *citations: Citation, **fields: Any) -> Turn:
    return Turn("q", [Answer("m", text, "m", cited=AnswerSources(citations), **fields)])


def test_a_citation_opens_its_passage_with_the_words_marked() -> None:
    page = "Before it.\n\nIt took\n190 <b>people</b>. After it."
    turn = cited(
        "It took 190. End.",
        Citation(0, 12, 2, "a.md", "page 3", "It took 190 <b>people</b>."),
        sources={"a.md, page 3": page},
    )
    html = turn_html(turn)
    assert html.index("It took 190.") < html.index("<button class='autopicker-cite'") < html.index(" End.")
    (key,) = re.findall("popovertarget='([^']+)'", html)
    assert f"<div id='{key}' class='autopicker-passage' popover" in html
    assert "<mark>It took\n190 &lt;b&gt;people&lt;/b&gt;.</mark> After it." in html
    assert turn_html(turn) == html  # what is open stays open when the panel is drawn again


def test_a_sentence_that_ends_within_a_tag_opens_none() -> None:
    text = 'See [x](http://a/b "One. onmouseover=alert(1) ") and on.'
    html = turn_html(cited(text, Citation(0, text.index("One.") + 4, 1, "a", "p", "One.")))
    assert 'title="One. onmouseover=alert(1) "' in html
    assert "<button" not in html
