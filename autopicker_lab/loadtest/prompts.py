"""The prompts of a load test: read from a file or a table, or made up with a distribution of lengths."""

from __future__ import annotations

import json
import random
from pathlib import Path

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.core.text import CHARS_PER_TOKEN

_WORDS = "river lantern harbour engine gravel window copper meadow signal winter ledger bridge garden silver thread"


def read_prompts(path: str | Path, column: str = "prompt") -> tuple[str, ...]:
    """Read the prompts of a file, each once: lines of text, or a column of a CSV, JSON Lines or Parquet table.

    A table of outcomes will do: its prompts are given once each, in its order.
    """
    file = Path(path)
    try:
        lines = _read(file, column)
    except OSError as error:
        raise InvalidRequestError(f"cannot read '{file}': {error.strerror or error}", "check the path") from None
    prompts = tuple(dict.fromkeys(prompt for prompt in lines if prompt.strip()))
    if not prompts:
        raise InvalidRequestError(f"'{file}' has no prompts", "one a line, or a table with a column 'prompt'")
    return prompts


def _read(file: Path, column: str) -> list[str]:
    kind = file.suffix.lower()
    if kind in (".csv", ".parquet"):
        require("pandas")
        import pandas

        table = pandas.read_csv(file) if kind == ".csv" else pandas.read_parquet(file)
        if column not in table:
            hint = f"its columns are {', '.join(map(str, table.columns))}"
            raise InvalidRequestError(f"'{file}' has no column '{column}'", hint)
        return [str(value) for value in table[column].dropna()]
    lines = file.read_text("utf-8", "replace").splitlines()
    if kind not in (".jsonl", ".ndjson"):
        return lines
    try:
        rows = [json.loads(line) for line in lines if line.strip()]
        return [row if isinstance(row, str) else str(row[column]) for row in rows]
    except (ValueError, KeyError, TypeError):
        detail = f"'{file}' is not JSON Lines with '{column}' in each object"
        raise InvalidRequestError(detail, "name the column that holds the prompts") from None


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
