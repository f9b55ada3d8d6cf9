"""Footnotes, endnotes and comments: parts of their own that the text refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx.names import W14, W15, W

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.extraction.docx.walk import Walk


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


def comments(walk: Walk, main: str) -> Iterator[str]:
    """The comments with their authors, each with its answers below it, as Markdown."""
    part = walk.package.related(main, "comments")
    root = walk.package.root(part) if part else None
    if part is None or root is None:
        return
    walk.controls.settle(root)
    threads = _threads(walk, main)
    found = {_last_paragraph(comment) or f"comment {i}": comment for i, comment in enumerate(root.iter(f"{W}comment"))}
    answers: dict[str, list[str]] = {}
    for id_ in found:
        parent = threads.get(id_, ("", False))[0]
        answers.setdefault(parent if parent in found and parent != id_ else "", []).append(id_)
    with walk.inside(part):
        for id_ in answers.get("", ()):
            below = answers.get(id_, ())
            resolved = " (resolved)" if threads.get(id_, ("", False))[1] else ""
            yield "\n".join(
                [_told(walk, found[id_], "> ", resolved), *(_told(walk, found[a], "> > ", "") for a in below)]
            )


def _told(walk: Walk, comment: Any, mark: str, state: str) -> str:
    author = comment.get(f"{W}author") or "somebody"
    return f"{mark}{author}{state}: {' '.join(walk.markdown(comment).split())}"


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
