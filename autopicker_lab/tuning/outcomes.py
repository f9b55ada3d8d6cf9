"""Outcome tables: one row a prompt and model, read from CSV, CSV.GZ, JSONL or Parquet, long or wide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("prompt_id", "prompt", "model", "score")
OPTIONAL = ("task", "cost_usd", "prompt_tokens", "completion_tokens", "latency_s")
_WIDE = "score|"


def read_outcomes(path: str | Path) -> pd.DataFrame:
    """A tidy table with the columns of `Outcome`, one row for each prompt and model.

    The wide form (`prompt_id, task, prompt, score|MODEL ..., usd|MODEL ...`) is melted into it.

    Raises:
        InvalidRequestError: names the column, or the row and the column, that is wrong.
    """
    return validate(_tidy(_read(Path(path).expanduser())))


def validate(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns in order; InvalidRequestError for what tuning could not trust."""
    import pandas

    if table.empty:
        raise InvalidRequestError("the outcomes have no rows", "collect some first")
    for column in REQUIRED:
        if column not in table:
            raise InvalidRequestError(f"the outcomes have no column '{column}'", f"needed: {', '.join(REQUIRED)}")
    table = table.assign(**{name: None for name in OPTIONAL if name not in table})
    table = table.assign(score=pandas.to_numeric(table["score"], errors="coerce"))
    wrong = table.index[table["score"].isna() | ~table["score"].between(0, 1)]
    if len(wrong):
        raise InvalidRequestError(
            f"row {wrong[0] + 1}: 'score' must be a number from 0 to 1", "correct or drop the row"
        )
    twice = table.index[table.duplicated(["prompt_id", "model"])]
    if len(twice):
        row = table.loc[twice[0]]
        what = f"row {twice[0] + 1}: prompt '{row['prompt_id']}' and model '{row['model']}' came before"
        raise InvalidRequestError(what, "keep one outcome for each prompt and model")
    return table[[*REQUIRED, *OPTIONAL]].reset_index(drop=True)


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """Scores with a row for each prompt and a column for each model; prompts that lack a model are dropped."""
    scores = table.pivot_table(index="prompt_id", columns="model", values="score", sort=False)
    return scores.dropna()


def _read(path: Path) -> pd.DataFrame:
    import pandas

    try:
        if path.suffix == ".parquet":
            return pandas.read_parquet(path)
        if path.suffix in (".jsonl", ".ndjson"):
            return pandas.read_json(path, lines=True)
        if path.name.endswith((".csv", ".csv.gz")):
            return pandas.read_csv(path, keep_default_na=True)
    except (OSError, ValueError, ImportError) as error:
        raise InvalidRequestError(f"cannot read '{path}': {error}", "check the file") from None
    raise InvalidRequestError(f"'{path.name}' is not an outcomes table", "use .csv, .csv.gz, .jsonl or .parquet")


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name in table.columns if str(name).startswith(_WIDE)]
    if not columns:
        return table
    if "prompt_id" not in table:
        table = table.assign(prompt_id=[str(i) for i in range(len(table))])
    keys = [name for name in ("prompt_id", "prompt", "task") if name in table]
    long = table.melt(id_vars=keys, value_vars=columns, var_name="model", value_name="score")
    long["model"] = long["model"].str.removeprefix(_WIDE)
    for model in long["model"].unique():
        if f"usd|{model}" in table:
            long.loc[long["model"] == model, "cost_usd"] = table[f"usd|{model}"].to_numpy()
    return long.dropna(subset=["score"]).reset_index(drop=True)
