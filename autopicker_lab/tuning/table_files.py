"""Files that outcomes come in: CSV, JSONL and Parquet, packed or not, and decision logs, as tables of any form."""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autopicker_lab.core import AutopickerError, InvalidRequestError
from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    import pandas as pd

_FORMATS = "use .csv, .jsonl, both also .gz, .parquet, or a decision log (.sqlite)"
_HINTS = {".csv": "check that it is UTF-8, with commas between cells", ".jsonl": "write one JSON object a line, UTF-8"}
_PACKED = b"\x1f\x8b"  # what gzip begins with


def read_table(path: Path, numbers: Sequence[str]) -> pd.DataFrame:
    """What a file holds, all columns of a CSV as texts.

    Args:
        numbers: columns that are averaged where a decision log has several answers of one model to one prompt.

    Raises:
        InvalidRequestError: names the file and what is wrong with it.
    """
    require("pandas", "pyarrow")
    import pandas

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pandas.read_parquet,
        ".sqlite": lambda source: _decisions(source, numbers),
        ".jsonl": _jsonl,
        ".csv": _csv,
    }
    kind = Path(path.name.lower().removesuffix(".gz")).suffix.replace(".ndjson", ".jsonl").replace(".tsv", ".csv")
    _check(path, kind, readers)
    try:
        table: pd.DataFrame = readers[kind](path)
    except AutopickerError:
        raise
    except Exception as error:  # the readers are made for good files, and fail of others in many ways
        reason = " ".join(str(error).split())[:200]
        raise InvalidRequestError(f"cannot read '{path}': {reason}", _HINTS.get(kind, "check the file")) from None
    table.columns = [str(column).strip().lstrip("\ufeff") for column in table.columns]
    return table


def _check(path: Path, kind: str, kinds: Container[str]) -> None:
    """Refuse what is no file, or of no kind that is read."""
    if path.is_dir():
        tables = sorted(each.name for each in path.iterdir() if each.suffix in (".csv", ".jsonl", ".parquet"))[:3]
        hint = f"name a file in it: {', '.join(tables)}" if tables else "name a file"
        raise InvalidRequestError(f"'{path}' is a folder", hint)
    if not path.is_file():
        where = "" if path.is_absolute() else f" (looked in {Path.cwd()})"
        raise InvalidRequestError(f"no file at '{path}'", f"check the path{where}")
    if kind in (".pkl", ".pickle"):
        detail = f"'{path.name}' is a pickle, which can run any code when it is read"
        raise InvalidRequestError(detail, "where you trust it: pandas.read_pickle(...).to_parquet('outcomes.parquet')")
    if kind not in kinds:
        raise InvalidRequestError(f"'{path.name}' is not an outcomes table", _FORMATS)
    if path.stat().st_size == 0:
        raise InvalidRequestError(f"cannot read '{path}': it is empty", "collect some outcomes (autopicker collect)")


def _csv(path: Path) -> pd.DataFrame:
    """Cells as texts; between them is whatever the header has most of: commas, semicolons or tabs."""
    import pandas

    packing = _packing(path)
    unpacked = gzip.open if packing else open
    with unpacked(path, "rt", encoding="utf-8-sig") as lines:
        header = lines.readline()
    between = max(",;\t", key=header.count)
    return pandas.read_csv(
        path, sep=between, dtype=str, keep_default_na=False, encoding="utf-8-sig", compression=packing
    )


def _jsonl(path: Path) -> pd.DataFrame:
    import pandas

    return pandas.read_json(path, lines=True, dtype=False, encoding="utf-8-sig", compression=_packing(path))


def _packing(path: Path) -> Literal["gzip"] | None:
    """How a file is packed, by its name or by how it begins."""
    with path.open("rb") as file:
        return "gzip" if path.suffix.lower() == ".gz" or file.read(2) == _PACKED else None


def _decisions(path: Path, numbers: Sequence[str]) -> pd.DataFrame:
    """The answers of a decision log that were given a score; of several to one prompt by one model, the means."""
    import pandas

    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            table = pandas.read_sql_query("SELECT * FROM decisions WHERE score IS NOT NULL", db)
        except (sqlite3.Error, pandas.errors.DatabaseError) as error:
            raise ValueError(error) from None
    if not table.empty and ("prompt" not in table or table["prompt"].isna().all()):
        detail = f"'{path.name}' keeps no prompts, which tuning learns from"
        raise InvalidRequestError(detail, "serve with DECISION_LOG_PROMPTS=true")
    averaged = ["score", *(name for name in numbers if name in table)]
    means = table.dropna(subset=["prompt"]).groupby(["prompt", "model"], sort=False, as_index=False)[averaged].mean()
    digests = [hashlib.sha256(prompt.encode()).hexdigest()[:16] for prompt in means["prompt"]]
    return means.assign(prompt_id=digests)
