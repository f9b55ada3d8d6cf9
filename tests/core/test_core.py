from typing import Any

import pytest

from autopicker_lab.core import (
    ChatRequest,
    Complexity,
    Document,
    Factor,
    InvalidRequestError,
    Part,
    Segment,
    Table,
    Transcript,
)


def test_complexity_is_the_sum_of_its_factors() -> None:
    complexity = Complexity((Factor("a", 1, 2.5, ""), Factor("b", 1, 0.25, "")), 10)
    assert complexity.score == 2.75
    assert complexity.to_frame()["points"].sum() == 2.75
    assert complexity.plot().patches


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("hi", "must be an object"),
        ({"role": "robot", "content": "hi"}, "role"),
        ({"role": "user"}, "content"),
        ({"role": "user", "content": 7}, "content"),
        ({"role": "user", "content": [{"text": "hi"}]}, "type"),
        ({"role": "user", "content": [{"type": "text"}]}, "text"),
    ],
)
def test_a_malformed_message_is_named(raw: Any, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word):
        ChatRequest.of([{"role": "user", "content": "fine"}, raw])


def test_message_parts_join_and_images_are_found() -> None:
    url = "data:image/png;base64,eA=="
    parts = [{"type": "text", "text": "what is"}, {"type": "image_url", "image_url": {"url": url}}]
    request = ChatRequest.of([{"role": "system", "content": "s"}, {"role": "user", "content": parts}])
    assert request.question == "what is"
    assert request.image_urls == (url,)
    assert request.messages[1].to_openai()["content"] == parts


def test_passages_lose_nothing_and_keep_their_label() -> None:
    text = "\n".join(f"line {i} " + "word " * (i % 70) for i in range(200)) + "\n" + "x" * 5000
    document = Document("a.txt", "txt", (Part("text", text), Part("more", "end")))
    pieces = list(document.chunks(60))
    assert {piece.label for piece in pieces} == {"text", "more"}
    assert "".join("".join(p.text.split()) for p in pieces) == "".join((text + "end").split())
    assert all(len(piece.text) <= 60 * 4 + 1 for piece in pieces)


def test_a_table_shows_itself_as_markdown_and_frame() -> None:
    table = Table((("a|b", "n"), ("x\ny", 1), ("z", None)))
    assert table.to_markdown().splitlines() == ["| a\\|b | n |", "| --- | --- |", "| x y | 1 |", "| z |  |"]
    assert table.to_frame()["n"].tolist()[0] == 1
    assert "<table" in table._repr_html_()


def test_html_never_carries_what_a_file_says_as_markup() -> None:
    evil = "<script>alert(1)</script>"
    document = Document(evil, "txt", (Part("text", evil),), {"title": evil}, (evil,))
    assert "<script>" not in document._repr_html_()


def test_subtitles() -> None:
    transcript = Transcript(
        "a", "Hi. You.", "en", 3725.5, (Segment(0, 1.5, "Hi.", 1), Segment(3723.25, 3725.5, "You.", 1))
    )
    assert "01:02:03,250 --> 01:02:05,500\nYou." in transcript.to_srt()
    assert transcript.to_vtt().startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500")


def test_in_a_notebook_an_error_is_a_line_with_the_next_step() -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell()
    with capture_output() as shown:
        shell.run_cell("from autopicker_lab import extract\nextract('/no/such.pdf')")
        shell.run_cell("extract(123)")
        shell.run_cell("from autopicker_lab.core import ChatRequest\nChatRequest.of(None)")
        shell.run_cell("next(extract(b'some text', name='a.txt').chunks(10, overlap=50))")
    assert "not int. Write lab.extract('report.pdf')" in shown.stdout
    assert "not NoneType. Write" in shown.stdout
    assert "overlap must be from 0" in shown.stdout
    assert "Traceback" not in shown.stdout
