"""Files of tools as JSON or YAML records or as tables: packed or not, in UTF-8 or UTF-16, archives of JSON too."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_MOST_BYTES = 2 * 1024**3
_MOST_VALUES = 50_000_000  # of YAML
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_ZSTD = 93  # of a ZIP's ways to pack
_NOT_BLANK = re.compile(r"\S")
_LOCAL_HEADER, _NAME_LENGTHS = 30, 26  # bytes of a member's header, and where the lengths of its name and extras are
_OF_A_PICKLE = (
    "where you trust it, make a table of it: pandas.read_pickle(...).to_parquet('outcomes.parquet'), or JSON of "
    "RouterEval's: json.dump(pandas.read_pickle(...), file, default=lambda array: array.tolist())"
)
_GZIP, _ZIP, _PICKLE, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"\x80", b"PAR1"


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes:
        whole: the value of JSON or YAML, where the file is one. records: its lines or items that are objects.
        table: where the file is a table, all cells texts.
        members: JSON files of an archive by name.
        notes: what was left out.
    """

    path: Path
    whole: Any = None
    records: tuple[dict[str, Any], ...] = ()
    table: pd.DataFrame | None = None
    members: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> dict[str, Any]:
        """The first record; empty where there is none."""
        return self.records[0] if self.records else {}


def read_content(path: Path) -> Content:
    """What a file holds, by its first bytes.

    Raises:
        InvalidRequestError: no such file, too large, a pickle, or neither JSON nor a table.
    """
    data = _bytes(path)
    if data.startswith(_ZIP):
        return Content(path, members=_members(path, data))
    if data.startswith(_PARQUET):
        import pandas

        return Content(path, table=pandas.read_parquet(io.BytesIO(data)))
    if data.startswith(_PICKLE) or path.suffix in (".pkl", ".pickle"):
        detail = f"'{path.name}' is a pickle, which can run any code when it is read"
        raise InvalidRequestError(detail, _OF_A_PICKLE)
    text = _text(path, data)
    if text.lstrip().startswith(("{", "[")):
        return _json(path, text)
    if path.name.lower().removesuffix(".gz").endswith((".yaml", ".yml")):
        return _yaml(path, text)
    return Content(path, table=_table(path, text))


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise InvalidRequestError(f"no file at '{path}'", "check the path")
    if path.stat().st_size > _MOST_BYTES:
        raise InvalidRequestError(f"'{path.name}' has over {_MOST_BYTES // 1024**3} GiB", "split it")
    data = path.read_bytes()
    if data.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(data)) as packed:
                data = packed.read(_MOST_BYTES + 1)
        except (OSError, EOFError) as error:
            raise InvalidRequestError(f"cannot unpack '{path.name}': {error}", "copy it again") from None
    if not data.strip() or len(data) > _MOST_BYTES:
        raise InvalidRequestError(f"'{path.name}' is {'too large' if data.strip() else 'empty'}", "name another file")
    return data


def _text(path: Path, data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:64]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidRequestError(f"'{path.name}' is no text in {encoding.upper()}", "save it as UTF-8") from None


def _json(path: Path, text: str) -> Content:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        records, notes = _lines(path, text)
        return Content(path, records=tuple(records), notes=notes)
    items = whole if isinstance(whole, list) else [whole]
    return Content(path, whole, tuple(item for item in items if isinstance(item, dict)))


def _yaml(path: Path, text: str) -> Content:
    import yaml

    try:
        whole = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        values = _values(whole, {})
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"'{path.name}' is no YAML: {error!s:.120}", "export it as JSON") from None
    if values > _MOST_VALUES:
        raise InvalidRequestError(f"'{path.name}' repeats parts of itself too often", "export it as JSON")
    items = whole if isinstance(whole, list) else [whole]
    return Content(path, whole, tuple(item for item in items if isinstance(item, dict)))


def _values(node: Any, known: dict[int, int]) -> int:
    """How many values a part of YAML has with its aliases written out."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in known:
        known[id(node)] = _MOST_VALUES + 1  # of a part that holds itself
        known[id(node)] = 1 + sum(_values(each, known) for each in (node.values() if isinstance(node, dict) else node))
    return known[id(node)]


def _lines(path: Path, text: str) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Objects of JSON, and a note where the last one was cut off, as of a log whose writer was ended."""
    records: list[dict[str, Any]] = []  # a line of JSON may hold other marks that end lines, such as U+2028
    lines = text.rstrip().split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            if not records and (found := _one_after_the_other(text)):
                return found, ()
            if records and number == len(lines) and line.lstrip().startswith("{"):
                return records, (f"the last line of {path.name} is cut off: left out",)
            detail = f"line {number} of '{path.name}' is no JSON"
            raise InvalidRequestError(detail, "one JSON object a line, or one JSON document") from None
        if isinstance(record, dict):
            records.append(record)
    return records, ()


def _one_after_the_other(text: str) -> list[dict[str, Any]]:
    """Objects of JSON over several lines each, with nothing but blanks between; none where it is something else."""
    decoder, found, at = json.JSONDecoder(), [], 0
    try:
        while (begin := _NOT_BLANK.search(text, at)) is not None:
            value, at = decoder.raw_decode(text, begin.start())
            found.append(value)
    except (ValueError, RecursionError):
        return []
    return [value for value in found if isinstance(value, dict)]


def _table(path: Path, text: str) -> pd.DataFrame:
    import pandas

    header = text.split("\n", 1)[0]
    between = max(",;\t", key=header.count)
    try:
        table: pd.DataFrame = pandas.read_csv(io.StringIO(text), sep=between, dtype=str, keep_default_na=False)
    except (ValueError, pandas.errors.ParserError) as error:
        raise InvalidRequestError(f"cannot read '{path.name}': {error!s:.120}", "save it as CSV or JSONL") from None
    table.columns = [str(name).strip() for name in table.columns]
    return table


def _members(path: Path, data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [info for info in archive.infolist() if info.filename.endswith(".json")]
            if sum(info.file_size for info in names) > _MOST_BYTES:
                raise InvalidRequestError(f"'{path.name}' unpacks to too much", "split it")
            for info in names:
                packed = info.compress_type == _ZSTD
                found[info.filename] = json.loads(_unpacked(data, info) if packed else archive.read(info))
    except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, OSError) as error:
        raise InvalidRequestError(f"cannot unpack '{path.name}': {error!s:.120}", "copy it again") from None
    return found


def _unpacked(data: bytes, info: zipfile.ZipInfo) -> bytes:
    """A member that is packed by Zstandard, which the standard library reads from Python 3.14 on."""
    import pyarrow

    names = struct.unpack_from("<HH", data, info.header_offset + _NAME_LENGTHS)
    start = info.header_offset + _LOCAL_HEADER + sum(names)
    packed = data[start : start + info.compress_size]
    return bytes(pyarrow.Codec("zstd").decompress(packed, decompressed_size=info.file_size))
