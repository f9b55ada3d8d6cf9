"""The same question in other letters, layout or Unicode form, or framed, is decided alike."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopicker_lab.complexity import score
from autopicker_lab.complexity.features import NAMES, _measured, measure
from autopicker_lab.core import ChatRequest, ModelSpec, RoutePolicy, Tier
from autopicker_lab.core.text import ends
from autopicker_lab.routing import Requirements, choose
from autopicker_lab.routing.estimator import KINDS, LearnedEstimator
from autopicker_lab.routing.language_terms import LanguageTerm
from autopicker_lab.routing.normal_form import normal_form
from autopicker_lab.routing.readings import APART, AS_WRITTEN, EXCERPT, NORMAL, READINGS
from autopicker_lab.tuning import fitting

THOROUGH = settings(max_examples=100, deadline=None, derandomize=True)
QUESTION = "Which river flows through Kraków: the Oder, the Vistula or the Warta (in 2020)?"


def spaced(text: str) -> str:
    return "\n " + "\t\r\n  ".join(text.split()) + "\u3000\n"


SAME: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "white space": spaced,
    "NFC": lambda text: unicodedata.normalize("NFC", text),
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "NFKD": lambda text: unicodedata.normalize("NFKD", text),
}


@cache
def fitted() -> LearnedEstimator:
    texts = [f"{verb} {thing} {i}?" for i in range(20) for verb in ("Prove", "Name") for thing in ("π < 4", "a Straße")]
    scores = np.random.default_rng(0).random((len(texts), 2))
    estimator = fitting.fit(fitting.prepare_to_fit(texts), scores, ("weak", "strong"))
    languages = ("en", "de", "fr", "tr", "greek", "cyrillic", "chinese", "japanese", "hangul")
    terms = {name: LanguageTerm(50, (-0.01 * i, 0.02 * i), (0, 0), (0, 0), 5.0) for i, name in enumerate(languages)}
    return replace(estimator, by_language=terms)


@pytest.mark.parametrize("name", SAME)
@THOROUGH
@given(st.text(max_size=60) | st.text("aßIıİſςσΣŉǆᾳ'\"&;<>#-*1. \n\t\u200b\ufb01", max_size=30))
def test_case_white_space_and_unicode_form_change_no_estimate(name: str, text: str) -> None:
    changed = SAME[name](text)
    assert normal_form(changed) == normal_form(text)
    assert fitted().estimate(changed, measure(changed)) == fitted().estimate(text, measure(text))
    assert decision(changed) == decision(text)


def decision(text: str) -> tuple[str, bool, str, str]:
    """The model that is chosen, by estimates or as the incumbent, what was read, and why."""
    models = ("weak", "strong")
    policy = RoutePolicy(
        "made-up",
        (Tier(0, 0.0), Tier(20, 0.9)),
        {"weak": 0.6, "strong": 0.7},
        estimator=replace(fitted(), novelty=(6.0, 4.0)),
        costs={"weak": 0.0, "strong": 0.1},
        cost_weight=1.0,
        unfamiliar="incumbent",
    )
    specs = [ModelSpec(name, "local", context_window=10**6) for name in models]
    found = choose(score(ChatRequest.of(text)), specs, policy, Requirements(1), question=text)
    return found.model, found.unfamiliar, found.part, found.reason


@pytest.mark.parametrize(
    "framed",
    [
        "> " + QUESTION,
        f"```text\n{QUESTION}\n```",
        f"## Question\n\n{QUESTION}\n\n## Answer",
        f"<question>{QUESTION}</question>".replace(">W", "> W").replace("?<", "? <"),
        f"Hello! Could you please help me with this question? {QUESTION} Many thanks in advance, best regards",
        f"You are an expert. Answer the following step by step.\n\n{QUESTION}\n\nAnswer in a single word.",
        f"1. {QUESTION} 🙏",
        QUESTION.replace("(", "&#40;").replace("Which", "W\u200bhich"),
        "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in QUESTION),
        f"Guten Tag, bitte beantworte mir folgende Frage: {QUESTION} Vielen Dank",
    ],
)
def test_what_only_frames_a_question_is_not_read(framed: str) -> None:
    assert normal_form(framed) == normal_form(QUESTION)


def test_what_is_asked_is_read() -> None:
    assert normal_form("What is 2 + 2?") == "what is 2 + 2?"
    assert normal_form("How many?") == "how"
    assert normal_form("Who is it?") == "who"
    assert normal_form("Is it you?") == "is it you?"  # of nothing else than a frame, the frame is the question
    assert normal_form("") == ""
    assert normal_form("x" * 100_000) == "x" * 100_000


def test_what_a_model_is_sent_and_an_earlier_kind_read_stay_as_they_are() -> None:
    text = "  HELLO,\n" + "x" * 2000
    excerpt, counts, *_ = READINGS[AS_WRITTEN].read(text, None)
    assert excerpt == f"{text[:500]}\n{text[-500:]}"
    assert counts.tolist() == np.log1p(np.array([measure(text)[name] for name in NAMES], np.float32)).tolist()
    assert set(KINDS) == set(READINGS)


def test_repeating_a_question_counts_nothing_more() -> None:
    read = READINGS[NORMAL].read
    assert read(QUESTION, None).counts == read(QUESTION + "\n" + QUESTION, None).counts


@THOROUGH
@given(st.text(st.sampled_from("aÄ ß\u00ad\u200b“”–′″，。ＡＢ３ｶﾞ한ſıİé\u0301天空"), min_size=1, max_size=40))
def test_a_long_text_has_the_same_normal_form_as_its_parts(part: str) -> None:
    parts = [f"river {part} oder"] * 60
    assert normal_form("\n".join(parts)) == " ".join(map(normal_form, parts))


def test_an_excerpt_of_many_words_is_that_of_the_whole() -> None:
    words = [f"w{i}" for i in range(5000)]
    excerpt = READINGS[NORMAL].read(" ".join(words), None).excerpt
    assert excerpt == ends(" ".join(words), EXCERPT)


@pytest.mark.parametrize(
    "text", ["PRINT(1) or Return 2?", "\\FRAC{1}{2} of SELF.X", "Why is 7 more than 5 %?", "x == Y"]
)
def test_counts_are_those_of_small_letters_whoever_counted_the_text_before(text: str) -> None:
    measure(text)
    read = READINGS[APART].read
    assert read(text, None).counts.tolist() == read(f"  {text.lower()}\n", None).counts.tolist()


def test_what_was_counted_of_a_text_is_not_changed_by_who_asked_first() -> None:
    counted = measure("Why?")
    counted["words"] = 99.0
    assert measure("Why?")["words"] == 1


def test_texts_that_are_long_are_not_kept_when_they_were_counted() -> None:
    long = "why not? " * 100_000
    assert measure(long)["chars"] == len(long)
    before = _measured.cache_info().hits
    measure(f"{long[:2000]}{'z' * (len(long) - 4000)}{long[-2000:]}")  # of its ends and its length all else is told
    assert _measured.cache_info().hits == before + 1
