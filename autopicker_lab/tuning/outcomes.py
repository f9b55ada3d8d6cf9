"""Outcome tables: one row a prompt and model, read from CSV, CSV.GZ, JSONL or Parquet, long, wide or as published."""

from __future__ import annotations

import ast
import re
import sqlite3
import time
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, Outcome, StorageError
from autopicker_lab.routing.signals import PREFIX as SIGNAL
from autopicker_lab.routing.signals import USD_PREFIX as SIGNAL_USD
from autopicker_lab.storage import Decision, FileLog
from autopicker_lab.tuning.conversations import as_prompt
from autopicker_lab.tuning.prices import read_prices, with_prices
from autopicker_lab.tuning.table_files import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

REQUIRED = tuple(field.name for field in fields(Outcome) if field.default is MISSING)
OPTIONAL = tuple(field.name for field in fields(Outcome) if field.default is not MISSING)
_NUMBERS = tuple(name for name in OPTIONAL if name != "task")
_SHARED_WITH_DECISIONS = sorted(set(REQUIRED + OPTIONAL) & set(Decision._fields))
REPLY = "reply"  # a column of the answers themselves, kept where there is one; of samples the first
_TEXTS = ("prompt_id", "prompt", "model", "task")
_FAMILIES = "gpt|claude|gemini|gemma|llama|mistral|mixtral|qwen|deepseek|phi|grok|command|nova|falcon"
# org/model, gpt-4, claude, and no flag such as is_math
_MODEL_LIKE = re.compile(rf"^(?!(?:is|has|was|needs|uses)_)(?:.*[/\d-]|(?:{_FAMILIES})(?![^\W_]))", re.IGNORECASE)
_TRUTH = {"true": 1.0, "false": 0.0, "correct": 1.0, "incorrect": 0.0}


def read_outcomes(path: str | Path, prices: str | Path | None = None) -> pd.DataFrame:
    """A tidy table with the columns of `Outcome`, one row for each prompt and model.

    Rows of the same prompt and model are samples: one row has their means, how many they were, and their spread.
    A prompt may be a conversation: a list of OpenAI's messages, or JSON text of one, read as the service would.
    Columns `signal_NAME`, signals of the answers (see routing.signals), and `reply`, the answers themselves, are kept
    beside the others. Also read: a decision log (`.sqlite`) of the service, as far as its answers were given feedback;
    the wide form (`prompt_id, task, prompt, score|MODEL ..., usd|MODEL ...`), RouteLLM's responses (`prompt` and a
    column of truth values for each model) and RouterBench's (`sample_id, prompt, eval_name, MODEL ...,
    MODEL|total_cost ...`). Cells of the wide forms that are empty were not measured.

    Args:
        prices: JSON of USD per million tokens by model (`{"m": {"price_in": 1, "price_out": 2}}`), or the YAML file of
            a catalogue, for rows that have no cost; see tuning.prices.

    Raises:
        InvalidRequestError: names the column, or the row and the column, that is wrong.
    """
    table = validate(tidy(read_table(Path(path).expanduser(), _NUMBERS)))
    return table if prices is None else with_prices(table, read_prices(Path(prices).expanduser()))


def as_outcomes(table: pd.DataFrame | str | Path) -> pd.DataFrame:
    """Outcomes that are given as a table of any form or as the path of a file, validated; see read_outcomes."""
    if isinstance(table, str | Path):
        return read_outcomes(table)
    if not hasattr(table, "columns"):
        detail = f"outcomes are a table or the path of its file, not {type(table).__name__}"
        raise InvalidRequestError(detail, "read_outcomes(PATH), or pandas.DataFrame(ROWS)")
    return validate(tidy(table))


def source_of(table: pd.DataFrame | str | Path, source: str | Path | None) -> str | Path | None:
    """The file that a table came from, None where nobody knows."""
    return table if source is None and isinstance(table, str | Path) else source


def keep_as_decisions(table: pd.DataFrame | str | Path, path: str | Path) -> None:
    """Add outcomes to a decision log (`.sqlite`) as answers that were given feedback: traffic from elsewhere, say.

    Raises:
        StorageError: the log cannot be written.
    """
    now = time.time()

    def decision(i: int, row: Mapping[Any, Any]) -> Decision:
        values: dict[str, Any] = {name: row[name] for name in _SHARED_WITH_DECISIONS if row[name] == row[name]}  # NaN
        name = f"{row['prompt_id']}/{row['model']}"
        return Decision(chat_id=name, request_id=name, created=now + i * 1e-6, **values)

    rows = [decision(i, row) for i, row in enumerate(as_outcomes(table).to_dict("records"))]
    try:
        log = FileLog(Path(path).expanduser())
        try:
            log.write(rows)
        finally:
            log.close()
    except (OSError, sqlite3.Error) as error:
        raise StorageError(
            f"cannot write the decision log '{path}': {error}", "check the folder and the disk"
        ) from None


def validate(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns in order and their types; InvalidRequestError for what tuning could not trust."""
    if table.empty:
        raise InvalidRequestError("the outcomes have no rows", "collect some first (autopicker collect)")
    for column in REQUIRED:
        if column not in table:
            raise InvalidRequestError(f"the outcomes have no column '{column}'", f"needed: {', '.join(REQUIRED)}")
    if not table.columns.is_unique:
        name = str(table.columns[table.columns.duplicated()][0])
        raise InvalidRequestError(f"the outcomes have two columns '{name}'", "keep one of them")
    table = table.assign(prompt=table["prompt"].map(as_prompt))
    clean: dict[str, pd.Series[Any]] = {name: _as_text(table[name]) for name in _TEXTS if name in table}
    # negative ones, too: log-probabilities
    signals = [str(name) for name in table if str(name).startswith((SIGNAL, SIGNAL_USD))]
    replies = [REPLY] if REPLY in table else []
    clean |= {name: _as_text(table[name]) for name in replies}
    clean |= {name: _as_number(table, name) for name in ("score", *_NUMBERS, *signals) if name in table}
    typed = table.assign(**clean)
    for name in REQUIRED[:3]:
        _refuse(typed[name].str.strip() == "", f"'{name}' is empty", "fill it in or drop the row")
    outside = typed["score"].isna() | ~typed["score"].between(0, 1)
    in_hundreds = bool(1 < typed["score"].max() <= 100 and typed["score"].min() >= 0)
    scale = "divide all scores by the highest there can be" if in_hundreds else "correct or drop the row"
    _refuse(outside, "'score' must be a number from 0 to 1", scale)
    for name in _NUMBERS:
        if name in typed:
            _refuse(typed[name] < 0, f"'{name}' is negative")
            _refuse(typed[name] == float("inf"), f"'{name}' is infinite")
    first_prompt = typed.groupby("prompt_id", sort=False)["prompt"].transform("first")
    _refuse(typed["prompt"] != first_prompt, "'prompt' differs from an earlier row of the same prompt_id")
    defaults: dict[str, Any] = {name: "" if name == "task" else float("nan") for name in OPTIONAL if name not in typed}
    return _merged(typed.assign(**defaults)[[*REQUIRED, *OPTIONAL, *signals, *replies]]).reset_index(drop=True)


def _merged(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the means of rows that are samples of one prompt and model, in the place of the first of them."""
    keys = ["prompt_id", "model"]
    if not table.duplicated(keys).any():
        return table
    counts = table["samples"].fillna(1.0)
    sums = (
        table.assign(samples=counts, score=table["score"] * counts, square=_sum_of_squares(table, counts))
        .groupby(keys, sort=False)[["samples", "score", "square"]]
        .sum()
    )
    texts = ["prompt_id", "prompt", "model", "task", *([REPLY] if REPLY in table else [])]
    own = (*texts, "score", "samples", "spread")
    means = table.groupby(keys, sort=False)[[name for name in table if name not in own]].mean()
    score = sums["score"] / sums["samples"]
    several = sums["samples"] > 1
    within = (sums["square"] - sums["samples"] * score**2).clip(lower=0.0) / (sums["samples"] - 1).where(several)
    merged = means.assign(score=score, samples=sums["samples"], spread=within**0.5)
    first = table.drop_duplicates(keys)
    return first[texts].merge(merged, "left", on=keys)[table.columns]


def _sum_of_squares(table: pd.DataFrame, counts: pd.Series[float]) -> pd.Series[float]:
    """Of the scores that each row stands for."""
    return counts * table["score"] ** 2 + (counts - 1) * table["spread"].fillna(0.0) ** 2


def _refuse(wrong: pd.Series[bool], what: str, hint: str = "correct or drop the row") -> None:
    """InvalidRequestError for the first row that is wrong, counted from 1 below the header, as in the file."""
    if wrong.any():
        raise InvalidRequestError(f"row {int(wrong.index[int(wrong.to_numpy().argmax())]) + 1}: {what}", hint)


def _as_text(column: pd.Series[Any]) -> pd.Series[str]:
    return column.where(column.notna(), "").astype(str)


def _as_number(table: pd.DataFrame, name: str) -> pd.Series[float]:
    """A column as numbers; empty cells are missing, what is no number is refused, true and false are 1 and 0."""
    import pandas

    column = table[name]
    if pandas.api.types.is_numeric_dtype(column):
        return column.astype(float)
    words = _as_text(column).str.strip().str.lower()
    if name == "score":
        words = words.replace({word: str(number) for word, number in _TRUTH.items()})
    numbers = pandas.to_numeric(words, errors="coerce")
    _refuse(
        numbers.isna() & ~words.isin(["", "nan", "none"]),
        f"'{name}' must be a number",
        "write it with a point, as 0.5, or drop the row",
    )
    return numbers.astype(float)


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """The long form of a table in any of the forms.

    Raises:
        InvalidRequestError: columns of 0 and 1 that may be models or flags; nobody can tell which.
    """
    if {"model", "score"} <= set(table.columns):
        return table
    names = list(table.columns)
    near = {name.lower(): name for name in names}
    for required in ("score", "model"):
        if required in near and required not in names:
            raise InvalidRequestError(f"the outcomes have no column '{required}'", f"rename '{near[required]}' to it")
    if "score" in names:
        raise InvalidRequestError("the outcomes have scores but no column 'model'", f"needed: {', '.join(REQUIRED)}")
    if any(name.startswith("score|") for name in names):
        scores = {name.removeprefix("score|"): name for name in names if name.startswith("score|")}
        costs = {model: f"usd|{model}" for model in scores}
    elif any(name.endswith("|total_cost") for name in names):
        costs = {name.removesuffix("|total_cost"): name for name in names if name.endswith("|total_cost")}
        scores = {model: model for model in costs if model in names}
        table = table.rename(columns={"sample_id": "prompt_id", "eval_name": "task"})
        table = table.assign(prompt=table["prompt"].map(_joined_turns)) if "prompt" in table else table
    elif "prompt" in names:
        scores = {name: name for name in names if name not in (*REQUIRED, *OPTIONAL) and _is_truth_column(table[name])}
        costs = {}
        if unclear := [name for name in scores if not _MODEL_LIKE.search(name)]:
            detail = f"column '{unclear[0]}' of 0 and 1 may be a model, or a flag"
            hint = f"say which are models: autopicker outcomes import FILE --models {','.join(scores)} --out FILE"
            raise InvalidRequestError(detail, hint)
    else:
        return table
    if not scores:
        return table
    if "prompt_id" not in table:
        table = table.assign(prompt_id=[str(i) for i in range(len(table))])
    return _long_form(table, scores, costs)


def _long_form(table: pd.DataFrame, scores: Mapping[str, str], costs: Mapping[str, str]) -> pd.DataFrame:
    import pandas

    keys = [name for name in ("prompt_id", "prompt", "task") if name in table]
    parts = []
    for model, column in scores.items():
        part = table[keys].assign(model=model, score=_as_number(table.rename(columns={column: "score"}), "score"))
        cost = costs.get(model, "")
        parts.append(part.assign(cost_usd=_as_number(table, cost)) if cost in table else part)
    return pandas.concat(parts).dropna(subset=["score"])  # the index still tells the row of the file


def _is_truth_column(column: pd.Series[Any]) -> bool:
    """Whether a column says of an answer that it is right or wrong: true and false, 1 and 0, and nothing else."""
    words = _as_text(column).str.strip().str.lower().str.removesuffix(".0")
    return bool(words.isin([*_TRUTH, "0", "1", "", "nan"]).all()) and bool(words.isin([*_TRUTH, "0", "1"]).any())


def _joined_turns(prompt: object) -> object:
    """RouterBench's prompts are written as lists of turns."""
    if isinstance(prompt, str) and prompt.startswith(("['", '["')):
        try:
            return "\n\n".join(map(str, ast.literal_eval(prompt)))
        except (ValueError, SyntaxError):
            return prompt
    return prompt
