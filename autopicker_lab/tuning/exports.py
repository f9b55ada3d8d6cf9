"""Bridges out: outcomes as files that say what their columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.runtime.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

MEANINGS: Mapping[str, str] = {
    "prompt_id": "of the prompt; rows of one prompt share it",
    "prompt": "the question as text, or a conversation as JSON of OpenAI's messages",
    "model": "that answered",
    "score": "how good the answer was, 0 to 1; the mean of several",
    "task": "kind of prompt; empty where unknown",
    "cost_usd": "of the call, USD",
    "prompt_tokens": "tokens that were sent",
    "completion_tokens": "tokens of the answer",
    "latency_s": "seconds until the answer was whole",
    "samples": "answers that the row is the mean of",
    "spread": "standard deviation of their scores",
}


def write_outcomes(table: pd.DataFrame, path: Path) -> None:
    """Write an outcomes table whole or not at all: `.parquet` with the meaning of each column, `.jsonl` or `.csv`.

    Raises:
        InvalidRequestError: another suffix, or no such folder.
    """
    import pyarrow
    import pyarrow.parquet

    if path.suffix.lower() not in (".parquet", ".jsonl", ".csv") or not path.parent.is_dir():
        raise InvalidRequestError(f"cannot write outcomes to '{path}'", "name a .parquet, .jsonl or .csv in a folder")
    with atomic_write(path) as scratch:
        if path.suffix.lower() == ".parquet":
            columns = pyarrow.Table.from_pandas(table, preserve_index=False)
            for i, column in enumerate(columns.schema):
                if column.name in MEANINGS:
                    told = column.with_metadata({"description": MEANINGS[column.name]})
                    columns = columns.set_column(i, told, columns.column(i))
            pyarrow.parquet.write_table(columns, scratch)  # type: ignore[no-untyped-call]
        elif path.suffix.lower() == ".csv":
            table.to_csv(scratch, index=False)
        else:
            table.to_json(scratch, orient="records", lines=True, force_ascii=False)
