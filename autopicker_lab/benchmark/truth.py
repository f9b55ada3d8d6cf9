"""Scores of an extracted text against the truth, all 0 to 1: those of benchmarks/extraction.ipynb.

- nid: normalised indel similarity of the two texts once Markdown's marks are gone and white space is one space (the
  NID of opendataloader-bench).
- head: share of the truth's headings that come out as headings.
- cells: share of its table cells that are found, each as often as it stands there.
- rows: share of neighbouring cells that stand on one line, in order.
- checks: share of stated facts that hold: a text is present, absent, before another, so many times there, or a
  pattern matches (after olmOCR-bench).
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.files import KIND_OF_SUFFIX
from autopicker_lab.core.optional import require
from autopicker_lab.extraction.plain import markdown_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEADING = re.compile(r"^#{1,6}\s+(.+)$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_RULE = re.compile(r"^[\s|:-]*-{3,}[\s|:-]*$|^[\s|]*(?:\|\s*:?-+:?\s*)+\|?\s*$", re.MULTILINE)
_MARK = re.compile(r"^\s*(?:#{1,6}\s+|[-*+•]\s+|>\s+)", re.MULTILINE)
_EMPHASIS = re.compile(r"\\(?=\W)|[*_`|]+")


@dataclass(frozen=True)
class Case:
    """A file and its truth: its text, the rows of its tables, and facts to check. What is unknown is empty."""

    path: Path
    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    checks: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


def read_cases(folder: str | Path) -> list[Case]:
    """Read the files of a folder that have a truth.

    Either `NAME.md` or `NAME.txt` beside a file NAME (`report.pdf.md`), in the folder or in `truth/` or `gt/` below
    it or beside it, holds its text as Markdown; or a `manifest.json` lists the files: `{"files": [{"file", "kind",
    "ground_truth", "cells", "checks"}]}`.

    Raises:
        InvalidRequestError: no file of the folder has a truth.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise InvalidRequestError(f"'{place}' is no folder", "name one with files and their truths")
    manifest = place / "manifest.json"
    cases = list(_cases_listed(place, manifest)) if manifest.exists() else list(_cases_beside(place))
    if not cases:
        raise InvalidRequestError(f"no file in '{place}' has a truth", "put NAME.md beside each NAME, or in truth/")
    return cases


def _cases_listed(place: Path, manifest: Path) -> Iterator[Case]:
    for entry in json.loads(manifest.read_text("utf-8"))["files"]:
        if entry["kind"].startswith("hostile") or not ({"ground_truth", "cells", "checks"} & set(entry)):
            continue
        text = (place / entry["ground_truth"]).read_text("utf-8") if "ground_truth" in entry else ""
        rows = tuple(_listed_rows(json.loads((place / entry["cells"]).read_text("utf-8")))) if "cells" in entry else ()
        yield Case(place / entry["file"], entry["kind"], text, rows, tuple(entry.get("checks") or ()))


def _listed_rows(raw: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Rows of `{"tables": [[{"r", "c", "text"}]]}` or `{"sheets": {name: [[row, column, value]]}}`."""
    groups = [[(cell["r"], cell["c"], cell["text"]) for cell in table] for table in raw.get("tables", ())]
    groups += [[(row, column, str(value)) for row, column, value in sheet] for sheet in raw.get("sheets", {}).values()]
    for cells in groups:
        lines: dict[int, list[tuple[int, str]]] = {}
        for row, column, text in cells:
            if text.strip():
                lines.setdefault(row, []).append((column, text))
        yield from (tuple(text for _, text in sorted(line)) for line in lines.values())


def _cases_beside(place: Path) -> Iterator[Case]:
    folders = [place, place / "truth", place / "gt", place.parent / "truth"]
    for path in sorted(p for p in place.iterdir() if p.suffix.lower() in KIND_OF_SUFFIX):
        for truth in (folder / f"{path.name}{suffix}" for folder in folders for suffix in (".md", ".txt")):
            if truth.exists():
                text = truth.read_text("utf-8")
                rows = [row for table in markdown_tables(text.split("\n")) for row in table.rows]
                cells = tuple(tuple(str(cell) for cell in row if cell is not None) for row in rows)
                yield Case(path, KIND_OF_SUFFIX[path.suffix.lower()], text, cells)
                break


def score(case: Case, text: str) -> dict[str, float]:
    """Score a text by name, as far as the truth of the case allows."""
    require("rapidfuzz")
    from rapidfuzz.distance import Indel

    plain = normalise(text)
    scores: dict[str, float] = {}
    if case.text:
        scores["nid"] = Indel.normalized_similarity(normalise(case.text), plain)
        titles = [normalise(title) for title in _HEADING.findall(case.text)]
        if titles and case.kind in ("pdf", "docx", "html", "md"):
            headings = {normalise(title) for title in _HEADING.findall(text)}
            scores["head"] = sum(title in headings for title in titles) / len(titles)
    if case.rows:
        scores["cells"] = _cell_recall(case.rows, plain)
        pairs = [pair for row in case.rows for pair in pairwise(row)]
        if pairs:
            lines = [_squeeze(line) for line in text.split("\n")]
            scores["rows"] = sum(_on_one_line(lines, *map(_squeeze, pair)) for pair in pairs) / len(pairs)
    if case.checks:
        scores["checks"] = sum(_holds(check, text, plain) for check in case.checks) / len(case.checks)
    return scores


def normalise(text: str) -> str:
    """Normalise a text for comparison: NFKC, without Markdown's marks, every run of white space one space."""
    plain = unicodedata.normalize("NFKC", _COMMENT.sub(" ", text)).replace("\u00ad", "")
    plain = _MARK.sub("", _RULE.sub(" ", _LINK.sub(r"\1", plain)))
    return " ".join(_EMPHASIS.sub(lambda m: "" if m[0] == "\\" else " ", html.unescape(plain)).split())


def _squeeze(text: str) -> str:
    return re.sub(r"\.0+$", "", "".join(normalise(text).split()).casefold())


def _cell_recall(rows: Sequence[Sequence[str]], plain: str) -> float:
    truth = Counter(normalise(cell).casefold() for row in rows for cell in row)
    low = plain.casefold()
    tight = "".join(low.split())
    matches = 0
    for cell, count in truth.items():
        bare = re.sub(r"\.0+$", "", cell)
        if re.fullmatch(r"-?[\d.,]+", cell):  # a number must not be the end or the start of another
            occurrences = len(re.findall(rf"(?<![\w.,]){re.escape(bare)}(?:\.0+)?(?!\w|[.,]\d)", low))
        else:
            occurrences = low.count(cell) or tight.count("".join(cell.split()))
        matches += min(count, occurrences)
    return matches / max(truth.total(), 1)


def _on_one_line(lines: Sequence[str], first: str, second: str) -> bool:
    return any((at := line.find(first)) >= 0 and line.find(second, at + len(first)) >= 0 for line in lines)


def _holds(check: Mapping[str, Any], text: str, plain: str) -> bool:
    kind = check["type"]
    if kind == "regex":
        return re.search(check["text"], text) is not None
    if kind == "order":
        return 0 <= plain.find(normalise(check["before"])) < plain.find(normalise(check["after"]))
    times = plain.count(normalise(check.get("text", "")))
    return {"present": times > 0, "absent": times == 0, "count": times == check.get("n")}.get(kind, False)
