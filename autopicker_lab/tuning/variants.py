"""Kinds of rewording by name, which decisions are tested on; none of their words are those that fits see."""

from __future__ import annotations

import random
import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.tuning.rewordings import mistyped, unpunctuated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Change = Callable[[str, random.Random], str]

_SENTENCE = re.compile(r"(?<=[.!?;]) ")
_MARKS = str.maketrans({"'": "’", '"': "”", "-": "‐"})
_POLITE = (
    ("Hi, sorry to bother you. Could you look at this for me?", "Many thanks, that would help me a lot!"),
    ("Hey there, quick one:", "Cheers, have a nice day."),
    ("My daughter brought this home from school and we could not agree.", "What do you think? Thank you."),
)
_INSTRUCTIONS = (
    "You are the assistant of a large company. Be accurate, stay polite, and do not make anything up.",
    "Act as an expert with twenty years of practice. Work through the problem before you settle on a reply.",
    "The following was sent in by a reader of our magazine. Read it closely and respond in a friendly tone.",
)
_FORMATS = (
    "Respond in JSON with the keys 'answer' and 'why'.",
    "Answer in one word.",
    "Write no more than three sentences, then state your answer on a line of its own.",
)
_FRAMES = ("<question>\n{}\n</question>", "Q: {}\nA:", "User: {}\nAssistant:", "## Task\n\n{}\n", "```\n{}\n```")
_ANY_OTHER_WORDS = """
blue table yesterday driver friendly mountain coffee letter twelve borrow quiet uncle bicycle market lemon window travel
castle early button pocket guitar gentle office autumn rabbit purple ticket silver harbour finger basket
"""
_OTHER_WORDS = tuple(_ANY_OTHER_WORDS.split())


def _around(pairs: Sequence[tuple[str, str]]) -> Change:
    def change(text: str, rng: random.Random) -> str:
        before, after = rng.choice(pairs)
        return f"{before} {text}\n\n{after}"

    return change


def _decomposed(text: str, _: random.Random) -> str:
    return unicodedata.normalize("NFD", text.translate(_MARKS))


def _framed(text: str, rng: random.Random) -> str:
    return rng.choice(_FRAMES).replace("{}", text)


def _beside_words(text: str, rng: random.Random) -> str:
    return f"{text} {' '.join(rng.sample(_OTHER_WORDS, 10))}"


VARIANTS: Mapping[str, Change] = MappingProxyType(
    {
        "small letters": lambda text, _: text.lower(),
        "capitals": lambda text, _: text.upper(),
        "a line a sentence": lambda text, _: _SENTENCE.sub("\n\n", text),
        "quoted": lambda text, _: "> " + text.replace("\n", "\n> "),
        "other Unicode form": _decomposed,
        "typing errors": mistyped,
        "no punctuation": unpunctuated,
        "polite words": _around(_POLITE),
        "instructions before": lambda text, rng: f"{rng.choice(_INSTRUCTIONS)}\n\n{text}",
        "how to answer": lambda text, rng: f"{text}\n{rng.choice(_FORMATS)}",
        "in a frame": _framed,
        "ten other words after": _beside_words,
    }
)


def variants_of(text: str, seed: int = 0) -> dict[str, str]:
    """A text as each kind of rewording has it, by the kind's name; the same for the same text and seed."""
    return {kind: change(text, random.Random(f"{seed} {kind} {text}")) for kind, change in VARIANTS.items()}
