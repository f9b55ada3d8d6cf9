"""What a collection has: the rows of its file, and what they add up to by model."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.show import frame
from autopicker_lab.routing.signals import USD_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from autopicker_lab.tuning.questions import Question

Row = dict[str, Any]
_USD = ("cost_usd", "judge_usd")


@dataclass
class ModelSummary:
    """What a model made of the questions, as far as the file has it.

    Attributes:
        right: sum of the scores of its answers.
        cost_usd: of its answers, of judging them, and of their signals.
        seconds: that its answers took, in sum.
        failed: questions that it did not answer in this run.
        left_out: questions that it was not asked in this run, after it had failed too often.
    """

    answers: int = 0
    right: float = 0.0
    cost_usd: float = 0.0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failed: int = 0
    left_out: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of the file."""
        self.answers += 1
        self.right += float(row["score"])
        self.cost_usd += usd_of(row)
        self.seconds += float(row.get("latency_s") or 0.0)
        self.prompt_tokens += int(row.get("prompt_tokens") or 0)
        self.completion_tokens += int(row.get("completion_tokens") or 0)


@dataclass
class CollectionResult:
    """How far a collection is.

    Attributes:
        right: sum of the scores of the rows that were added.
        cost_usd: spent on the rows of the file, on judging them, and on their signals.
        failed: models that did not answer, or a judge that gave no number, as `prompt_id model: why`; asked again by
            the next run.
        stopped: why it ended early, "" where it did not.
        resting: what it waits for now, "" where it asks.
        by_model: what each model made of these questions, rows of earlier runs included.
        notes: what a person should know of the questions, in words.
    """

    total: int
    done: int = 0
    skipped: int = 0
    right: float = 0.0
    cost_usd: float = 0.0
    failed: list[str] | tuple[str, ...] = ()
    stopped: str = ""
    resting: str = ""
    by_model: dict[str, ModelSummary] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def mean_score(self) -> float | None:
        """Of the rows that were added; None where there are none."""
        return self.right / self.done if self.done else None

    def add(self, row: Row) -> None:
        """Count a row that was added to the file."""
        self.done += 1
        self.right += row["score"]
        self.by_model[row["model"]].add(row)

    @property
    def settled(self) -> int:
        """How many of `total` are answered, were there, or failed."""
        return self.skipped + self.done + sum(s.failed + s.left_out for s in self.by_model.values())

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """A row a model: answers, mean score, and USD, seconds and tokens of an answer in the mean."""
        rows = []
        for name, model in self.by_model.items():
            each = max(model.answers, 1)
            rows.append(
                {
                    "model": name,
                    "answers": model.answers,
                    "score": model.right / each if model.answers else None,
                    "usd": model.cost_usd,
                    "seconds": model.seconds / each,
                    "prompt_tokens": model.prompt_tokens / each,
                    "completion_tokens": model.completion_tokens / each,
                    "failed": model.failed + model.left_out,
                }
            )
        return frame(rows)


def existing_rows(out: str | Path, questions: Mapping[str, Question]) -> tuple[Path, list[Row]]:
    """The file and its rows; a last line that was cut short is taken away.

    Raises:
        InvalidRequestError: it holds something else, or answers to other questions of the same id.
    """
    path = Path(out).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return path, []
    raw = path.read_bytes()
    complete_lines = raw[: raw.rfind(b"\n") + 1]
    rows = []
    for number, line in enumerate(complete_lines.decode("utf-8", "replace").split("\n")[:-1], 1):
        rows.append(_checked(line, questions, f"'{path}', line {number}"))
    if len(complete_lines) != len(raw):
        path.write_bytes(complete_lines)
    return path, rows


def usd_of(row: Mapping[str, Any]) -> float:
    """What a row of the file has cost: its answer, judging it, and its signals."""
    paid = [value for name, value in row.items() if name in _USD or name.startswith(USD_PREFIX)]
    return sum(float(value or 0.0) for value in paid)


def count_rows(rows: Sequence[Row]) -> Counter[tuple[str, str]]:
    """How often each prompt and model was answered."""
    return Counter((str(row["prompt_id"]), str(row["model"])) for row in rows)


def _checked(line: str, questions: Mapping[str, Question], where: str) -> Row:
    try:
        row: Row = json.loads(line)
        prompt, question = row["prompt"], questions.get(row["prompt_id"])
        ModelSummary().add(row)
        row["model"] + row["prompt_id"]
    except (ValueError, KeyError, TypeError):
        raise InvalidRequestError(f"{where} is not an outcome", "collect into a new file") from None
    if question is None:
        return row
    if question.prompt != prompt:
        raise InvalidRequestError(f"{where}: prompt '{row['prompt_id']}' had another text", "collect into a new file")
    changed = [key for key, value in question.settings.items() if row.get(key, value) != value]
    if changed:
        what = {"answer": "was graded by another answer", "grader": "was graded by another answer"}
        detail = what.get(changed[0], f"was asked with another '{changed[0]}'")
        hint = "remove the rows of that prompt to ask again, or collect into a new file"
        raise InvalidRequestError(f"{where}: prompt '{row['prompt_id']}' {detail}", hint)
    return row
