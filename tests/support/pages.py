"""The project's pages of Markdown, and the blocks of code on them.

A fenced block is checked by its language: `python` is run, unless its fence says ```` ```python no-run ````, in which
case it must only be Python; `bash` and what is indented must be commands that exist; `yaml`, `json`, `javascript` and
`nginx` must parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "autopicker_lab").rglob("*.md")))
_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class CodeBlock:
    """One fenced or indented block: its language ("" if indented), the other words of its fence, its text."""

    language: str
    words: frozenset[str]
    text: str


def name(path: Path) -> str:
    """A page's path below the root."""
    return path.relative_to(ROOT).as_posix()


@cache
def blocks(path: Path) -> tuple[CodeBlock, ...]:
    """The blocks of a page, in order."""
    text = path.read_text("utf-8")
    fenced = [(found.start(), _block(found[1], found[2])) for found in _FENCE.finditer(text)]
    plain = _FENCE.sub(
        lambda found: "x\n" * found[0].count("\n") + "x" * (len(found[0]) - 2 * found[0].count("\n")), text
    )
    indented = [
        (found.start(), CodeBlock("", frozenset(), re.sub(r"(?m)^    ", "", found[0])))
        for found in re.finditer(r"(?m)(?<=\n\n)(?:    \S.*\n?|    +\S.*\n?)+", plain)
    ]
    return tuple(block for _, block in sorted(fenced + indented, key=lambda pair: pair[0]))


def _block(fence: str, text: str) -> CodeBlock:
    language, *words = fence.split() or [""]
    return CodeBlock(language, frozenset(words), text)


def of(path: Path, *languages: str) -> list[CodeBlock]:
    """The blocks of a page that are in one of these languages."""
    return [block for block in blocks(path) if block.language in languages]


def commands(path: Path) -> list[str]:
    """Each command line of a page: of shell blocks and of indented ones, continued lines joined, comments left out."""
    lines = []
    for block in of(path, "bash", "sh", "shell", "console", ""):
        for line in block.text.replace("\\\n", " ").splitlines():
            command = re.sub(r"(^|\s)#.*", "", line).strip()
            if command:
                lines.append(command)
    return lines


def links(path: Path) -> list[str]:
    """What a page links and shows of this repository, without anchors."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    found = (target.partition("#")[0] for target in _LINK.findall(text))
    return [target for target in found if target and "://" not in target]
