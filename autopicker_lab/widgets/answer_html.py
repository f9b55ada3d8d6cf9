"""A turn of a conversation as HTML: answers with the passages they rest on, and how each came to be."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core.show import html_table
from autopicker_lab.core.text import dollars
from autopicker_lab.widgets.answer import Answer
from autopicker_lab.widgets.parts import to_html

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core import Citation
    from autopicker_lab.widgets.conversation import Turn

_MAX_CHARACTERS = 6000  # that are shown of a source
_MARK = re.compile(r'<span data-cite="(\d+)"></span>')
_STYLE = """<style>
.autopicker-cite{background:#0072B226;border:0;border-radius:.3em;color:inherit;cursor:pointer;font-size:.75em;
margin:0 .15em;padding:0 .4em;vertical-align:.25em}
.autopicker-passage{background:var(--jp-layout-color1,Canvas);border:1px solid #767676;border-radius:.4em;
color:var(--jp-ui-font-color1,CanvasText);line-height:1.45;max-height:70vh;max-width:46em;overflow:auto;padding:1em}
.autopicker-passage div{white-space:pre-wrap}.autopicker-passage mark{background:#E69F0066;color:inherit}
.autopicker-sides{display:grid;gap:1em;grid-template-columns:repeat(auto-fit,minmax(16em,1fr))}
.autopicker-sides>section{border:1px solid #76767680;border-radius:.4em;padding:.2em .8em}
.autopicker-side{font-weight:600}</style>"""


def turn_html(turn: Turn, done: bool = True) -> str:
    """Make HTML of a question, earlier answers folded, and the last one, or two side by side.

    Args:
        done: whether nothing is being written any more.
    """
    head = f"{_STYLE}<p style='margin:.8em 0 .2em'><b>{escape(turn.question)}</b></p>"
    shown = 2 if turn.compared else 1
    earlier = [_details(f"earlier answer, by {a.model}", to_html(a.text)) for a in turn.answers[:-shown] if a.text]
    last = turn.answers[-shown:] or [Answer("")]
    if not turn.compared:
        return head + "".join(earlier) + _answer_html(last[0], done)
    titles = [_side(turn, i, answer, done) for i, answer in enumerate(last)]
    sides = [
        f"<section><div class='autopicker-side'>{escape(title)}</div>{_answer_html(answer, done)}</section>"
        for title, answer in zip(titles, last, strict=True)
    ]
    return f"{head}{''.join(earlier)}<div class='autopicker-sides'>{''.join(sides)}</div>"


def details_of(answer: Answer) -> str:
    """Make HTML of what an answer read and why its model was chosen, each folded."""
    details = [_details(label, to_html(text[:_MAX_CHARACTERS])) for label, text in answer.sources.items()]
    if answer.route is not None:
        notes = (*answer.context.left_out, *answer.context.warnings)
        lines = "".join(f"<p>{escape(line)}</p>" for line in notes)
        details.append(_details(_summary(answer), answer.route._repr_html_() + lines))
    return "".join(details)


def standing_html(standing: Mapping[str, tuple[int, int]]) -> str:
    """Make HTML of how often each model was good of those times that it was voted on; "" before the first vote."""
    best_first = sorted(standing.items(), key=lambda item: -item[1][0] / item[1][1])
    rows = [(model, f"good in {good:,} of {of:,}") for model, (good, of) in best_first]
    return html_table([], rows, "Your votes so far") if rows else ""


def _side(turn: Turn, index: int, answer: Answer, done: bool) -> str:
    """The title of one of two answers: its model is told after the vote, or where there is none to give."""
    letter = "AB"[index]
    if turn.vote is None and (turn.awaits_vote or not done):
        return letter
    won = turn.vote is not None and turn.vote.value[index] > 0
    mark = " ✓" if won else ""
    return f"{letter}: {answer.model or answer.requested}{mark}, {dollars(answer.cost_usd)}{_seconds(answer)}"


def _seconds(answer: Answer) -> str:
    return "" if answer.total_s is None else f", {answer.total_s:.1f} s"


def _answer_html(answer: Answer, done: bool = True) -> str:
    if not done and not answer.note and answer.total_s is None:
        return answer.growing.html(answer.text)
    note = f"<p><em>{escape(answer.note)}</em></p>" if answer.note else ""
    citations = answer.cited.citations
    passages: list[str] = []

    def cite(match: re.Match[str]) -> str:
        citation = citations[int(match[1])]
        key = f"autopicker-passage-{id(answer)}-{match[1]}"
        passages.append(_passage(key, citation, answer))
        title = escape(f"{citation.file}, {citation.part}")
        label = f"title='{title}' aria-label='source {citation.number}: {title}'"
        return f"<button class='autopicker-cite' popovertarget='{key}' {label}>{citation.number}</button>"

    html = _MARK.sub(cite, to_html(answer.text, [citation.stop for citation in citations]))
    missing = "".join(
        f"<p><em>not found in the files: “{escape(answer.text[start:stop].strip())}”</em></p>"
        for start, stop in answer.cited.unsupported
    )
    return html + "".join(passages) + missing + note


def _passage(key: str, citation: Citation, answer: Answer) -> str:
    """What a press on a citation opens: its Part, with the words that the sentence rests on marked."""
    label = f"{citation.file}, {citation.part}"
    text = answer.sources.get(label) or citation.quote
    words = re.compile(r"\s+".join(map(re.escape, citation.quote.split())) or r"\Z")
    found = words.search(text)
    start, stop = found.span() if found else (0, 0)
    begin = max(0, start - _MAX_CHARACTERS // 2)
    end = min(len(text), stop + _MAX_CHARACTERS // 2)
    shown = f"{escape(text[begin:start])}<mark>{escape(text[start:stop])}</mark>{escape(text[stop:end])}"
    box = f"<div id='{key}' class='autopicker-passage' popover tabindex='0'>"
    return f"{box}<b>{escape(label)}</b><div>{shown}</div></div>"


def _summary(answer: Answer) -> str:
    if answer.first_token_s is None:
        return f"{answer.model or 'the route'}: why it was chosen"
    first = f", first token after {answer.first_token_s:.1f} s"
    read, written = answer.usage.prompt_tokens, answer.usage.completion_tokens
    return f"{answer.model}: {read:,} tokens read, {written:,} written, {dollars(answer.cost_usd)}{first}"


def _details(title: str, body: str) -> str:
    box = "margin-left:1em;border-left:2px solid #767676;padding-left:.8em"
    return f"<details><summary>{escape(title)}</summary><div style='{box}'>{body}</div></details>"
