"""What is added to a question and not asked: a signature, a note on the message, faces, the numbers of a list.

Each is left out only where it stands apart: what might be asked about is kept. Read in the folded text, since lines
tell: a signature follows "--" alone on its own. The work is linear in the length of the text.
"""

from __future__ import annotations

import re

from autopicker_lab.routing.question_part import ANSWERS

_SEPARATOR = re.compile(r"\n--[^\S\n]*\n")  # between a message and its signature (RFC 3676, 4.3)
_MOST = 40  # words of a signature or a note
_LEAST_OF_NOTES = 4  # words of a note without a colon
_LEAST_BESIDE = 4  # words beside what is left out
_NEAR_LABEL = 24  # characters that hold a label
_NEAR = 12  # words before a signature that may point at it
_REACHED_BY = re.compile(
    r"\w@[^\s@]{1,80}\.\w|\+\d[\d\s()/-]{5,}|\bwww\.|\bsent from my\b|\b(?:tel|phone|fax)\b\W{1,3}\d"
)
_POINTS = frozenset(("below", "following", "this", "these", "signature", "underneath", "after"))
_ON_THE_MESSAGE = """
translated forwarded external automatic automatically auto-generated übersetzt weitergeleitet traducido tradotto traduit
"""
_NOTES = frozenset(_ON_THE_MESSAGE.split())
_MATTER = re.compile("[0-9?？؟=]")
_ENDS = (".", "!", "?", "…", "。", "！", "？")
_FACE = "\U0001f600-\U0001f64f\U0001f910-\U0001f92f\U0001f970-\U0001f97a"  # and hands, beside them
_HAND = "\U0001f44a-\U0001f450\U0001f3fb-\U0001f3ff\u2764\ufe0f"  # their colours, and hearts
_FACES = re.compile(f"[{_FACE}{_HAND}]+(?:\\s+[{_FACE}{_HAND}]+)*")
_FACES_BEGIN = b"\xf0\x9f"  # in UTF-8, where they are sought many times as fast
_OF_FACES = re.compile(r"\b(?:emoji|emoticon|smiley|symbol|emotion|mood|feel|face|mean)")
_SAYS = frozenset(("is", "are", "means", "or", "and", "vs", "stands", "in", "to", "+", "="))  # of what stands before
_BEGINS_LIST = re.compile(r"\(?1[.):]\s")
_NUMBER = re.compile(r"(?:^|(?<=\n)|(?<=[.!?][ \n]))[^\S\n]*\(?(\d{1,3})[.):]\s+(?!\(?\d{1,3}[.):](?:\s|$))")


def without_additions(folded: str, labels: bool = False) -> str:
    """A folded text without its signature, notes on the message at both ends, faces, and numbers of a list.

    Args:
        labels: whether faces after a last "Answer:" are such, too: the question is before it.
    """
    text = folded.strip()
    if "\n--" in text:
        text = _without_signature(text)
    if not text.isascii() and _FACES_BEGIN in text.encode("utf-8", "replace"):
        text = _without_faces(text, labels)
    if text[:1] == "[" or text[-1:] == "]":
        text = _without_notes(text)
    return _without_numbers(text) if _BEGINS_LIST.match(text) else text


def _without_signature(text: str) -> str:
    parts = _SEPARATOR.split(text)
    if len(parts) != 2:  # more are fences
        return text
    before, after = parts[0].rstrip(), parts[1]
    points = not _POINTS.isdisjoint(before.rsplit(None, _NEAR)[-_NEAR:])
    if before.endswith(":") or points or "?" in after or len(after.split()) > _MOST or not _REACHED_BY.search(after):
        return text
    return before


def _without_faces(text: str, labels: bool) -> str:
    """Without those that begin the text or follow the end of a sentence, where no others are in it."""
    found = list(_FACES.finditer(text))
    kept = _FACES.sub("", text).split()
    if len(kept) < _LEAST_BESIDE or kept[0] in _SAYS or _OF_FACES.search(text):
        return text
    end = 0
    for run in found:
        between = text[end : run.start()].rstrip().rstrip("\"')]")
        waits = labels and run.end() == len(text) and _asks_for_the_answer(between)
        if run.start() and not waits and not between.endswith(_ENDS):
            return text
        end = run.end()
    return _FACES.sub("", text).strip()


def _asks_for_the_answer(text: str) -> bool:
    last = "".join(text[-_NEAR_LABEL:].split()[-1:]).strip("*_")
    return last.endswith(":") and last.strip(":*_") in ANSWERS


def _without_notes(text: str) -> str:
    end = text.find("]")
    if text[0] == "[" and end > 0 and _is_note(text[1:end]):
        text = text[end + 1 :].lstrip(" .:\n") if _says_enough(text[end + 1 :]) else text
    start = text.rfind("[")
    if text.endswith("]") and start > 0 and _is_note(text[start + 1 : -1]):
        before = text[:start].rstrip()
        text = before if before.endswith(_ENDS) and _says_enough(before) else text
    return text


def _is_note(inside: str) -> bool:
    words = inside.split(None, _MOST)
    if not 1 < len(words) <= _MOST or words[0].rstrip(":;,") not in _NOTES or _MATTER.search(inside):
        return False
    return ":" in inside or len(words) >= _LEAST_OF_NOTES


def _says_enough(text: str) -> bool:
    return len(text.split(None, _LEAST_BESIDE)) >= _LEAST_BESIDE


def _without_numbers(text: str) -> str:
    """Without "1.", "2." and so on in order, each where a line or a sentence begins; all, where only one does."""
    parts, end, wanted = [], 0, 1
    for number in _NUMBER.finditer(text):
        if number[1] == str(wanted):
            parts.append(text[end : number.start()])
            end, wanted = number.end(), wanted + 1
    return "".join([*parts, text[end:]]) if len(parts) > 1 else text
