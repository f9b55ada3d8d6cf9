"""The prompts of a load test: read from a file or a table, or made up with a distribution of lengths."""

from __future__ import annotations

import json
import random
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.core.text import CHARS_PER_TOKEN
from autopicker_lab.loadtest.arrivals import Trace
from autopicker_lab.loadtest.plan import is_conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.loadtest.plan import Prompt

_WORDS = "river lantern harbour engine gravel window copper meadow signal winter ledger bridge garden silver thread"


def read_prompts(path: str | Path, column: str = "prompt", turns: bool = False) -> tuple[Prompt, ...]:
    """Read the prompts of a file, each once: lines of text, or a column of a CSV, JSON Lines or Parquet table.

    A table of outcomes will do: its prompts are given once each, in its order. A cell that holds messages (a list of
    them, an object with `messages`, or JSON text of either) is a conversation, and sent as one.

    Args:
        turns: give each conversation turn by turn, as it grew: all that was said up to each message of the user.
    """
    file = Path(path)
    prompts = list(dict.fromkeys(_text(cell) for cell in _cells(file, column)))
    read = [_prompt(text) for text in prompts if text.strip()]
    if not read:
        raise InvalidRequestError(f"'{file}' has no prompts", "one a line, or a table with a column 'prompt'")
    return tuple(turn for prompt in read for turn in (_turns(prompt) if turns else (prompt,)))


def read_trace(path: str | Path, column: str = "prompt", moment: str = "timestamp") -> tuple[Trace, tuple[Prompt, ...]]:
    """Read recorded traffic from JSON Lines: when each request came (seconds, or ISO 8601), and its prompt or messages.

    Returns:
        The arrivals and the prompts in the order of their moments, for a plan whose Kind has cached=None.
    """
    file = Path(path)
    try:
        rows = [(_seconds(row[moment]), _prompt(_text(_cell(row, column)))) for row in _rows(file)]
    except (KeyError, TypeError, ValueError):
        detail = f"'{file}' is no trace: each line is an object with '{moment}' and '{column}' or 'messages'"
        raise InvalidRequestError(detail, 'write {"timestamp": 0.5, "prompt": "..."}') from None
    if not rows:
        raise InvalidRequestError(f"'{file}' has no requests", 'write {"timestamp": 0.5, "prompt": "..."}')
    rows.sort(key=lambda row: row[0])
    return Trace(tuple(at for at, _ in rows)), tuple(prompt for _, prompt in rows)


def _cells(file: Path, column: str) -> list[object]:
    kind = file.suffix.lower()
    if kind in (".csv", ".parquet"):
        require("pandas")
        import pandas

        table = _opened(file, lambda: pandas.read_csv(file) if kind == ".csv" else pandas.read_parquet(file))
        if column not in table:
            hint = f"its columns are {', '.join(map(str, table.columns))}"
            raise InvalidRequestError(f"'{file}' has no column '{column}'", hint)
        return list(table[column].dropna())
    if kind not in (".jsonl", ".ndjson"):
        return list(_opened(file, lambda: file.read_text("utf-8-sig", "replace")).splitlines())
    try:
        return [row if isinstance(row, str) else _cell(row, column) for row in _rows(file)]
    except (ValueError, KeyError, TypeError):
        detail = f"'{file}' is not JSON Lines with '{column}' in each object"
        raise InvalidRequestError(detail, "name the column that holds the prompts") from None


def _rows(file: Path) -> list[Any]:
    lines = _opened(file, lambda: file.read_text("utf-8-sig", "replace")).split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def _opened(file: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except OSError as error:
        raise InvalidRequestError(f"cannot read '{file}': {error.strerror or error}", "check the path") from None
    except ValueError as error:
        raise InvalidRequestError(f"'{file}' is not such a table: {error}", "check the name's ending") from None


def _cell(row: Any, column: str) -> object:
    return row[column] if column in row else row["messages"]


def _text(cell: object) -> str:
    """A prompt as text: messages as JSON, so that equal ones are found."""
    if hasattr(cell, "tolist"):  # an array of Parquet's
        cell = cell.tolist()
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)


def _prompt(text: str) -> Prompt:
    """A text, or the messages that it is JSON of."""
    if text.lstrip()[:1] not in ("[", "{"):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    messages = value.get("messages") if isinstance(value, dict) else value
    return messages if is_conversation(messages) else text


def _turns(prompt: Prompt) -> list[Prompt]:
    if isinstance(prompt, str):
        return [prompt]
    return [prompt[: i + 1] for i, message in enumerate(prompt) if message.get("role") == "user"] or [prompt]


def _seconds(moment: object) -> float:
    """A moment as seconds: a number, or ISO 8601."""
    try:
        return float(str(moment))
    except ValueError:
        return datetime.fromisoformat(str(moment)).timestamp()


def synthetic_prompts(
    count: int, mean_tokens: float = 100.0, sd_tokens: float = 30.0, seed: int = 0
) -> tuple[str, ...]:
    """Make up `count` prompts of common words, with normally distributed lengths (estimated tokens; at least 1)."""
    if count < 1 or mean_tokens <= 0 or sd_tokens < 0:
        raise InvalidRequestError("synthetic prompts need a count of at least 1 and a mean length above 0")
    generator, vocabulary = random.Random(seed), _WORDS.split()
    prompts = []
    for _ in range(count):
        target = max(1.0, generator.gauss(mean_tokens, sd_tokens)) * CHARS_PER_TOKEN
        words: list[str] = []
        length = 0
        while length < target:
            words.append(generator.choice(vocabulary))
            length += len(words[-1]) + 1
        prompts.append(" ".join(words))
    return tuple(prompts)
