"""Rewordings: the same question as another person, or another client, would send it.

Estimates are fitted on some of them beside each prompt, and a policy's decisions are tested on them. What the normal
form of a question undoes (see routing.normal_form) needs no copies in the fit.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MARKS = re.compile(r"[^\w\s]")
_OPENINGS = (
    "Hello,",
    "Good morning!",
    "Dear assistant,",
    "I would be grateful for some help with what comes next.",
    "We came across this at work today:",
    "A customer wrote to us, and we have to reply before noon.",
    "You are a patient tutor who knows this field well.",
    "You work for a support desk and never invent facts.",
    "Reason carefully before you reply.",
)
_CLOSINGS = (
    "Thanks!",
    "I appreciate your time.",
    "Give only the result.",
    "Check your result twice.",
    "Use at most two sentences.",
    "Say so where you are unsure.",
    "Explain each step so that a beginner can follow it.",
    "Return the result as YAML.",
    "Kind regards, Tom Miller, Leeds",
)
# frequent words of many subjects: a sentence of some of them says nothing of the question that it stands beside
_ANY_WORDS = """
water music school money market letter river garden window doctor summer engine paper train season police kitchen bridge
animal flower picture village merchant captain colour stone shoulder machine history science weather council hospital
station morning forest object winter customer product company office meeting project report budget energy theory
function method system value change level measure light sound heat force speed length weight volume surface circle
simple heavy early great small large green white black common public private modern ancient foreign popular similar
become follow reach carry build break travel consider develop increase reduce produce receive require suggest support
protect measure compare remember understand describe discover collect deliver imagine improve prefer prevent replace
"""
_WORDS = tuple(_ANY_WORDS.split())


def framed(text: str, rng: random.Random) -> str:
    """With a greeting, a role or an instruction before or after."""
    before = " ".join(rng.sample(_OPENINGS, rng.randrange(3)))
    after = " ".join(rng.sample(_CLOSINGS, rng.randrange(1, 3)))
    return f"{before}{rng.choice((' ', chr(10)))}{text}{rng.choice((' ', chr(10)))}{after}"


def beside_words(text: str, rng: random.Random) -> str:
    """With a few words before or after that have nothing to do with it."""
    words = " ".join(rng.sample(_WORDS, rng.randrange(3, 13)))
    return f"{words}. {text}" if rng.random() < 1 / 2 else f"{text} {words}"


def mistyped(text: str, rng: random.Random) -> str:
    """With one letter in 16 to 50 left out, doubled, swapped with the one before, or another."""
    rate, letters = rng.choice((0.02, 0.04, 0.06)), list(text)
    for i in range(1, len(letters)):
        if letters[i].isalpha() and rng.random() < rate:
            slip = rng.randrange(4)
            if slip == 0:
                letters[i - 1], letters[i] = letters[i], letters[i - 1]
            else:
                letters[i] = ("", letters[i] * 2, rng.choice(_LETTERS))[slip - 1]
    return "".join(letters)


def unpunctuated(text: str, rng: random.Random) -> str:
    """Without marks, closed up or with spaces in their place."""
    return _MARKS.sub(rng.choice(("", " ")), text)


def mixed(text: str, rng: random.Random) -> str:
    """Some of the above together, each by a chance of its own."""
    for change, chance in ((beside_words, 0.25), (framed, 0.5), (mistyped, 0.7), (unpunctuated, 0.4)):
        if rng.random() < chance:
            text = change(text, rng)
    return text


COPIES = 2  # of each prompt that a fit sees


def copies_of(texts: Sequence[str], seed: int) -> list[list[str]]:
    """Mixed rewordings of all texts, `COPIES` times."""
    rng = random.Random(seed)
    return [[mixed(text, rng) for text in texts] for _ in range(COPIES)]
