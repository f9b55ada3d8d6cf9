"""Sentences that frame a question are not read; the question, and what tells its kind, is."""

import pytest

from autopicker_lab.routing.normal_form import folded
from autopicker_lab.routing.readings import APART, BOTH_ENDS, READINGS, SENTENCES, STEADY

QUESTION = "Which river flows through Kraków: the Oder, the Vistula or the Warta (in 2020)?"
ASKED = "which river flows through kraków: the oder, the vistula or the warta (in 2020)?"


def read(text: str, kind: str = APART) -> str:
    return READINGS[kind].read(text, None).excerpt


@pytest.mark.parametrize(
    "framed",
    [
        "Hello! Could you please help me with this question? {} Many thanks in advance!",
        "{} Reply with the number only.",
        "You are an expert. Answer the following question step by step.\n\n{}\n\nAnswer in a single word.",
        "I was at the dentist this morning and a lady next to me kept talking about geography. {}",
        "{} My uncle says that he knows, but I doubt it; let me know soon!",
        "Sorry for my English. {} I'll bring cake to whoever gets it right.",
        "### Instruction:\nBelow is an instruction that describes a task.\n\n{}\n\n### Response:",
        "You are a careful archivist at a small museum. Never guess, and keep a formal tone. {}",
        "Take your time over this one.\n{}\nDo not explain how you got there.",
        "<p>{}</p>",
        "**{}**",
        "1. {} 🙏",
        "{}\n\n--\nResearch Dept. | Tel. +49 30 1234567",
        "{}\n-- \nFront desk\ndesk@example.org",
        "🙏😅 {} 🤔🤔👍🏽",
        "[Translated from Italian by a machine; original wording may differ] {}",
        "[External: open no links] {} [Automatic notice: this message was scanned for viruses.]",
    ],
)
def test_sentences_around_a_question_are_not_read(framed: str) -> None:
    assert read(framed.format(QUESTION)) == ASKED


@pytest.mark.parametrize(
    "text",
    [
        "Write a function that tells whether a list holds a number.",
        "Reply with the capital of Hungary.",
        "You are given a list of rivers. Find the longest.",
        "Do not touch the 3 red wires, cut the blue one: which are left?",
        "I have three apples. My sister gives me two. How many apples do I have?",  # numbers make it a problem
        "I feel tired. What should I do?",  # hardly anything else is said
        "Thanks!",
        "Which hold? I. Ohm's law II. Hooke's law A. I only B. I and II only",
        "x<y and y>z, so which is the least of all?",
        "who sings a song about me and my dog",
        "",
        "* `",
    ],
)
def test_what_asks_is_read_whole(text: str) -> None:
    assert read(text) in (folded(text), folded(text).strip("* "))


def test_the_middle_of_a_text_is_read_whatever_it_says() -> None:
    middle = "Name the longest river of Asia. I like rivers. Name the deepest lake of Asia."
    assert read(middle) == folded(middle)


def test_full_stops_alone_are_no_end_of_the_work() -> None:
    assert read(". " * 5000 + "rivers of Asia") == "rivers of asia"
    assert read("me. " * 5000).startswith("me.")


ASKED_ABOUT = [
    "what is [note]",
    "which book is [translated from latin by monks]",
    "[1, 2, 3] is a list of what",
    "why does xs[0] differ from xs[",
    "sort the list. [note: it has no twins]",
    "guess the film: 🦁👑",
    "which film is this one, they ask? 🦁👑",
    "guess what i think of it: 🤔🙏",
    "😢 is which of the six emotions?",
    "tell me which of 😀 and 😢 is sad",
    "what do people mean by it? 🙏",
    "translate into french:\n--\ncall my phone at +49 30 1234567",
    "find the number in this mail.\n--\nfront desk, tel. 1234567",
    "sort the lines.\n--\ncall my phone",
    "what does this sql do? select a -- email a@example.org",
    "1. e4 e5 2. nf3 nc6 3. bb5 which opening is it?",
    "1. 2. 3. 4. and then?",
    "1. which river is the longest?",
    "10. is it even",
    "note [2] says what of [note",
]


@pytest.mark.parametrize("text", ASKED_ABOUT)
def test_what_looks_like_an_addition_and_is_asked_about_is_read(text: str) -> None:
    assert read(text) == read(text, STEADY)


@pytest.mark.parametrize("kind", [SENTENCES, STEADY])
def test_kinds_fitted_before_additions_were_told_read_them(kind: str) -> None:
    text = "[Forwarded: open no links] 1. Name it.\n2. Why? 🙏\n--\nTel. +49 30 1234567"
    assert read(text, kind) == "[forwarded: open no links] 1. name it. 2. why? 🙏 tel. +49 30 1234567"
    assert read(text) == "name it. why?"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (
            "1. A shop has 3. sorts of tea.\n2. How many is 2. times that?",
            "a shop has 3. sorts of tea. how many is 2. times that?",
        ),
        ("Is 🍎 or a pear sweeter? 😀🤔", "is 🍎 or a pear sweeter?"),
        ("😂😂", "😂😂"),
        ("(1) Name it.\n(2) Why?\n(3) Where, 12.?", "name it. why? where, 12.?"),
        ("The treaty -- signed in 1648 -- ended which war?", "the treaty signed in 1648 ended which war?"),
    ],
)
def test_only_what_stands_apart_is_left_out(text: str, asked: str) -> None:
    assert read(text) == asked


@pytest.mark.parametrize("label", ["Answer:", "**Answer:**", "A:", "Antwort:"])
def test_faces_after_a_label_of_the_answer_are_no_part_of_the_question(label: str) -> None:
    asked = f"Which of the rivers is the longer one in Asia?\nA. Ob\nB. Lena\n{label}"
    assert read(f"🙏 {asked} 🤔🤔", BOTH_ENDS) == read(asked, BOTH_ENDS)
    assert "🙏" in read(f"🙏 {asked} 🤔🤔", APART)  # fits of before decide as they did
    assert "🙏" in read(f"🙏 {asked} 🤔 or 🙏?", BOTH_ENDS)
