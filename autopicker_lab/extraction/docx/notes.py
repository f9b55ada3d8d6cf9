"""Footnotes, endnotes and comments: parts of their own that the text refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import clip
from autopicker_lab.extraction.docx.names import W14, W15, W

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from autopicker_lab.extraction.docx.walk import Walk

_MAX_OPEN = 30  # comments on the same words
_LONGEST = 80  # characters of these that are shown


def notes(walk: Walk, main: str) -> Iterator[str]:
    """The footnotes and endnotes that were referred to, as Markdown."""
    parts: dict[str, tuple[str, dict[str, Any]]] = {}
    for kind in {kind for kind, _ in walk.notes}:
        part = walk.package.related(main, kind)
        root = walk.package.root(part) if part else None
        if part and root is not None:
            walk.controls.settle(root)
            parts[kind] = part, {note.get(f"{W}id"): note for note in root}
    for (kind, id_), mark in list(walk.notes.items()):
        part, found = parts.get(kind, ("", {}))
        if id_ in found:
            with walk.inside(part):
                yield f"[^{mark}]: {' '.join(walk.markdown(found[id_]).split())}"
        else:
            walk.found.remark(f"the text of note {mark} is missing")


def comments(walk: Walk, main: str, body: Any) -> Iterator[str]:
    """The comments with their authors and what they are on, each with its answers below it, as Markdown."""
    part = walk.package.related(main, "comments")
    root = walk.package.root(part) if part else None
    if part is None or root is None:
        return
    walk.controls.settle(root)
    threads, subjects = _threads(walk, main), _subjects(body)
    found: dict[str, Any] = {}
    for number, comment in enumerate(root.iter(f"{W}comment")):
        id_ = _last_paragraph(comment)
        found[id_ if id_ and id_ not in found else f"comment {number}"] = comment
    beginnings = _beginnings(found, threads)
    answers: dict[str, list[str]] = {}
    for id_ in found:
        answers.setdefault("" if beginnings[id_] == id_ else beginnings[id_], []).append(id_)

    def told(id_: str, mark: str) -> str:
        comment = found[id_]
        state = " (resolved)" if threads.get(id_, ("", False))[1] else ""
        subject = subjects.get(comment.get(f"{W}id"), "") if mark == "> " else ""
        text = " ".join(walk.markdown(comment).split()) + (f" (on: {subject})" if subject else "")
        return f"{mark}{comment.get(f'{W}author') or 'somebody'}{state}: {text}"

    with walk.inside(part):
        for id_ in answers.get("", ()):
            yield "\n".join([told(id_, "> "), *(told(answer, "> > ") for answer in answers.get(id_, ()))])


def _beginnings(found: Mapping[str, Any], threads: Mapping[str, tuple[str, bool]]) -> dict[str, str]:
    """For each comment the one that its thread begins with: an answer may be to another answer."""
    beginnings: dict[str, str] = {}
    for id_ in found:
        path = {id_: None}
        last = id_
        while (parent := threads.get(last, ("", False))[0]) in found and not (parent in beginnings or parent in path):
            path[parent] = None
            last = parent
        beginnings |= dict.fromkeys(path, beginnings.get(parent, last))
    return beginnings


def _subjects(body: Any) -> dict[str, str]:
    """The beginning of the text that each comment is on, by the comment's id."""
    subjects: dict[str, str] = {}
    open_ids: dict[str, None] = {}
    for element in body.iter(f"{W}commentRangeStart", f"{W}commentRangeEnd", f"{W}t"):
        id_ = element.get(f"{W}id") or ""
        if element.tag == f"{W}commentRangeEnd":
            open_ids.pop(id_, None)
        elif element.tag == f"{W}commentRangeStart" and len(open_ids) < _MAX_OPEN:
            open_ids[id_] = None
        else:
            for open_id in [open_id for open_id in open_ids if len(subjects.get(open_id, "")) <= _LONGEST]:
                subjects[open_id] = subjects.get(open_id, "") + (element.text or "")
    return {id_: clip(" ".join(text.split()), _LONGEST) for id_, text in subjects.items()}


def _last_paragraph(comment: Any) -> str:
    """The id by which threads know a comment."""
    ids = [paragraph.get(f"{W14}paraId") for paragraph in comment.iter(f"{W}p")]
    return (ids[-1] if ids else "") or ""


def _threads(walk: Walk, main: str) -> dict[str, tuple[str, bool]]:
    """For each comment that is known by an id: the comment that it answers, and whether it is resolved."""
    part = walk.package.related(main, "commentsExtended")
    root = walk.package.root(part) if part else None
    return {
        entry.get(f"{W15}paraId") or "": (entry.get(f"{W15}paraIdParent") or "", entry.get(f"{W15}done") == "1")
        for entry in (() if root is None else root)
    }
