"""Asks: questions of files, and what of them a context must hold."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.assets import samples
from autopicker_lab.benchmark.passages.surveys import LANGUAGES, Fact, survey
from autopicker_lab.core import InvalidRequestError, Message
from autopicker_lab.runtime.scratch import ScratchFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

_TENTHS = 10
_FEWEST_TO_CROSS = 2


@dataclass(frozen=True)
class Ask:
    """A question of files.

    Attributes:
        kind: what is asked, and in which language: "passage de", "across en>de", "page named".
        messages: a conversation whose last message is the question.
        files: paths.
        gold: texts that a context must hold, at least `share` (0 to 1) of them.
        spread: texts in the order of the file; of `tenths` (0 to 1) of its tenths one must be there.
        answer: what a right answer has; "" where that is not known.
    """

    kind: str
    messages: tuple[Message, ...]
    files: tuple[Path, ...]
    gold: tuple[str, ...] = ()
    share: float = 1.0
    spread: tuple[str, ...] = ()
    tenths: float = 0.0
    answer: str = ""

    @property
    def question(self) -> str:
        """The last message."""
        return self.messages[-1].text

    @property
    def language(self) -> str:
        """The second word of its kind; "" where it has none."""
        words = self.kind.split()
        return words[1] if words[0] in ("passage", "across") and len(words) > 1 else ""

    def is_met(self, text: str) -> bool:
        """Whether a context holds what it must."""
        text = _squashed(text)
        if self.spread:
            met = {i * _TENTHS // len(self.spread) for i, one in enumerate(self.spread) if _squashed(one) in text}
            return len(met) >= _TENTHS * self.tenths
        return sum(_squashed(one) in text for one in self.gold) >= self.share * len(self.gold)


def asks_of(folder: str | Path = "", limit: int = 0) -> list[Ask]:
    """The asks of a folder; without one, of surveys that are made, and of the sample report.

    Args:
        limit: of each kind, the first so many; 0: all.
    """
    found = read_asks(folder) if folder else write_surveys(_scratch().path) + report_asks()
    seen: Counter[str] = Counter()
    kept = []
    for ask in found:
        seen[ask.kind] += 1
        if not limit or seen[ask.kind] <= limit:
            kept.append(ask)
    return kept


def answerable(asks: Sequence[Ask], limit: int = 0) -> list[Ask]:
    """Those of some asks whose answers are known; of none that are, made ones and those of the sample report.

    Args:
        limit: as of `asks_of`.
    """
    return [ask for ask in asks if ask.answer and ask.gold] or asks_of("", limit)


@lru_cache(1)
def _scratch() -> ScratchFolder:
    """Where made surveys stand for as long as the process lives."""
    return ScratchFolder("autopicker-surveys-")


def report_asks() -> list[Ask]:
    """Questions of the sample report, ten pages."""
    path = samples().parent / "answers" / "report.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    report = (samples() / "report.pdf",)
    return [
        Ask("report en", (Message("user", r["question"]),), report, (r["contains"],), answer=r["contains"])
        for r in rows
    ]


def read_asks(folder: str | Path) -> list[Ask]:
    """The asks of a folder: its `asks.json` is a list of objects with the fields of `Ask`, files by their names there.

    `messages` is a question or a list of {"role", "content"}.

    Raises:
        InvalidRequestError: the folder has no such file, or it is not of this shape.
    """
    path = Path(folder) / "asks.json"
    try:
        rows = json.loads(path.read_text("utf-8"))
        return [_ask(row, path.parent) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequestError(
            f"{path} holds no asks ({type(error).__name__}: {error})",
            "give a folder whose asks.json is a list of {kind, messages, files, gold}",
        ) from error


def _ask(row: dict[str, Any], folder: Path) -> Ask:
    said = row["messages"]
    turns = [{"role": "user", "content": said}] if isinstance(said, str) else said
    return Ask(
        row["kind"],
        tuple(Message(turn["role"], turn["content"]) for turn in turns),
        tuple(folder / name for name in row["files"]),
        tuple(row.get("gold", ())),
        float(row.get("share", 1.0)),
        tuple(row.get("spread", ())),
        float(row.get("tenths", 0.0)),
        str(row.get("answer", "")),
    )


def write_surveys(
    folder: str | Path, places: int = 60, seed: int = 0, languages: Sequence[str] = LANGUAGES
) -> list[Ask]:
    """Write made surveys into a folder, one a language, with an `asks.json`; their asks.

    Asked is each in its own language, and in the next one of `languages`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = {language: survey(language, places, seed) for language in languages}
    rows: list[dict[str, Any]] = []
    for language, facts in made.items():
        name = f"survey.{language}.md"
        text = "\n\n".join(fact.text for fact in facts)
        (folder / name).write_text(text + "\n", "utf-8")
        for fact in filter(_answers, facts):
            ask = {"files": [name], "gold": [fact.text], "answer": fact.answer}
            rows.append({"kind": f"passage {language}", "messages": fact.asked_in(language), **ask})
    if len(languages) >= _FEWEST_TO_CROSS:
        for language, other in zip(languages, [*languages[1:], languages[0]], strict=True):
            for fact in filter(_answers, made[other]):
                ask = {"files": [f"survey.{other}.md"], "gold": [fact.text], "answer": fact.answer}
                rows.append({"kind": f"across {language}>{other}", "messages": fact.asked_in(language), **ask})
    (folder / "asks.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
    return read_asks(folder)


def _answers(fact: Fact) -> bool:
    return bool(fact.answer)


def _squashed(text: str) -> str:
    return re.sub(r"\s+", " ", text)
