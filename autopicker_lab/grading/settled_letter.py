"""The letter of a multiple choice that a reply settles on.

What replies look like was taken from reports on public graders: a letter repeated or rejected before the answer
(https://github.com/openai/simple-evals/issues/33, https://github.com/antirez/ds4/issues/321), and "A" and "I" as words
(https://github.com/EleutherAI/lm-evaluation-harness/pull/4188).
"""

from __future__ import annotations

import re
import unicodedata

from autopicker_lab.grading.written_numbers import last_box

_STYLE = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\b ?|[{}$]")
_GOES_ON = r"(?:because|since|as|and|but|due|which|for|given|is|so|weil|da|parce|car|porque)\b"
_WORDS = rf"(?!['’]|\.\w| (?!{_GOES_ON})[a-z])"  # "A cat", "I'd", "e.g." are no letters of a choice
_OPEN = r"\W{0,6}(?:option |choice |letter |buchstabe )?\W{0,4}"
_ANSWER = re.compile(
    r"\b(?:answer|choice|option|antwort|réponse|respuesta|risposta|resposta)\b[^\n.]{0,24}?"
    rf"(?:\b(?:is|be|ist|est|es|è|é)\b|[:=]){_OPEN}([A-Z])\b{_WORDS}",
    re.I,
)
_CHOSEN = re.compile(
    rf"\b(?:choose|pick|select|go with|going with|opt for)\b{_OPEN}([A-Z])\b{_WORDS}"
    r"|\b([A-Z])\)? is (?:the )?(?:correct|right|true|best)\b"
)
_LETTER = re.compile(r"(?<![\w'’])\(?([A-Z])(?=[).:,]|\s*$|\*|\])(?!\.\w)|\(([a-z])\)", re.M)
_ALONE = re.compile(r"(?<![\w'’])([B-HJ-Z])(?![\w'’])")
_WHOLE = re.compile(r"\W*([A-Za-z])(?:\W*|[).:]\s[^\n]*)")
_NOT = re.compile(r"\b(?:not|except|than|nicht|pas)\W{0,4}(?:option |choice )?\W{0,3}[A-Z]\b(?!\w)", re.I)


def settled_letter(reply: str) -> str:
    """The capital letter of the option that a reply chooses, "" where it chooses none.

    That is the last in a \\boxed{}; else the whole reply; else the last after "answer is" or "answer:"; else what it
    picks or calls correct; else the first that stands like an option ("B", "(B)", "B."); else the last that stands
    alone (A and I are words as well, and do not count there).
    """
    text = unicodedata.normalize("NFKC", reply)
    if alone := _WHOLE.fullmatch(_STYLE.sub(" ", last_box(text) or "").strip()):
        return alone[1].upper()
    text = _STYLE.sub(" ", text)
    if whole := _WHOLE.fullmatch(text):
        return whole[1].upper()
    text = _NOT.sub(" ", text)
    for pattern, place in ((_ANSWER, -1), (_CHOSEN, -1), (_LETTER, 0), (_ALONE, -1)):
        if found := list(pattern.finditer(text)):
            return next(letter for letter in found[place].groups() if letter).upper()
    return ""
