"""What is read out of a file: Document, its Parts and Tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.errors import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.core.passages import PassageCutter
from autopicker_lab.core.places import Place, describe
from autopicker_lab.core.show import bars, frame, html_table, html_text
from autopicker_lab.core.text import CHARS_PER_TOKEN, clip
from autopicker_lab.core.tokens import estimate_tokens

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PLOTTED = 40
_MAX_BLANKS = 1_000_000  # cells of a table, those that fill up its rows among them
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """Rows of cells as they stand in the file; dates are ISO 8601 text, empty cells None."""

    rows: tuple[tuple[Cell, ...], ...]
    label: str = ""

    def to_frame(self, header: bool = True) -> pd.DataFrame:
        """The table as a DataFrame, its first row as column names unless `header` is False."""
        require("pandas")
        import pandas

        if not header or len(self.rows) < 2:
            return pandas.DataFrame(self.rows)
        width = max(len(row) for row in self.rows)
        names, *rows = (row + (None,) * (width - len(row)) for row in self.rows)
        return pandas.DataFrame(rows, columns=["" if c is None else str(c) for c in names])

    def to_markdown(self) -> str:
        """The table in GitHub's Markdown, its first row as the header; numbers to ten decimals."""
        if not self.rows:
            return ""
        width = max(len(row) for row in self.rows)
        is_ragged = width * len(self.rows) > max(_MAX_BLANKS, 20 * sum(map(len, self.rows)))
        padded = 0 if is_ragged else width  # rows may be shorter than the header
        first, *others = self.rows
        rows = [first + (None,) * (width - len(first)), *(row + (None,) * (padded - len(row)) for row in others)]
        lines = ["| " + " | ".join(map(cell_text, row)) + " |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])

    def _repr_html_(self) -> str:
        return html_table(["" if c is None else str(c) for c in self.rows[0]], self.rows[1:51], self.label)


def cell_text(value: Cell) -> str:
    """A cell as Markdown has it: numbers to ten decimals, no line breaks, bars escaped."""
    if value is None:
        return ""
    if not isinstance(value, str):
        if not isinstance(value, float):
            return str(value)
        return str(round(value, 10) if abs(value) >= 1e-4 else float(f"{value:.10g}"))
    if value.isalnum():  # which most cells are, and which costs less than to look for each sign
        return value
    return value.replace("|", "\\|").replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


@dataclass(frozen=True)
class Part:
    """A citable piece of a Document: a page, a sheet, a section, a function; or a passage of one.

    Attributes:
        places: where each stretch of `text` stands in the file, in order; where that is not known, none.
    """

    label: str
    text: str
    tables: tuple[Table, ...] = ()
    places: tuple[Place, ...] = ()

    @property
    def where(self) -> str:
        """Its places in words: "page 3", "Prices!A2:D9", "lines 5-9"; "" where they are not known."""
        return describe(self.places)

    @property
    def title(self) -> str:
        """Its label, and where it stands if the label does not say that."""
        return f"{self.label} ({self.where})" if self.where and self.where not in self.label else self.label

    def passages(
        self,
        max_tokens: int = 160,
        overlap: int = 0,
        count: Callable[[str], int] | None = None,
        *,
        at_paragraphs: bool = False,
    ) -> Iterator[Part]:
        """Its passages; see `Document.chunks`.

        Args:
            at_paragraphs: each holds one paragraph at most, but for short ones; with neither overlap nor count.
        """
        if not 0 <= overlap < max_tokens:
            raise InvalidRequestError(f"overlap must be from 0 to max_tokens - 1 = {max_tokens - 1}, not {overlap}")
        cutter = PassageCutter(self.text, self.places)
        if count is None:
            width = len(self.text) / max(estimate_tokens(self.text), 1) or CHARS_PER_TOKEN
            limit = max(int(max_tokens * width), 1)
            pieces = cutter.cut_at_paragraphs(limit) if at_paragraphs else cutter.cut(limit, int(overlap * width))
        else:
            pieces = cutter.cut_counted(max_tokens, overlap, count)
        for piece in pieces:
            rows = cutter.rows_of(piece)
            label = f"{self.label}, {rows}" if rows else self.label
            yield Part(label, cutter.text_of(piece), places=cutter.places_of(piece))


@dataclass(frozen=True, repr=False)
class Document:
    """What was read out of a file.

    Attributes:
        parts: in reading order; `text` joins them.
        metadata: facts about the file (title, pages, sampling rate ...), JSON-ready.
        warnings: what was lost or odd, one line each.
    """

    name: str
    kind: str
    parts: tuple[Part, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    sha256: str = ""

    @cached_property
    def text(self) -> str:
        """All parts as Markdown, a blank line between them."""
        return "\n\n".join(part.text for part in self.parts if part.text.strip())

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of all parts, in order."""
        return tuple(table for part in self.parts for table in part.tables)

    @cached_property
    def token_count(self) -> int:
        """Tokens of `text`, estimated."""
        return estimate_tokens(self.text)

    def chunks(
        self, max_tokens: int = 160, overlap: int = 0, count: Callable[[str], int] | None = None
    ) -> Iterator[Part]:
        """Passages of at most about `max_tokens` tokens that never cross a Part.

        Labels and places tell where each is from. A table that is cut has its header in each of its passages, and
        their labels say which rows they hold.

        Args:
            overlap: tokens that a passage repeats of the one before it in the same Part.
            count: a model's own tokenizer (`lambda text: lab.count_tokens(text, "smollm2-135m")`); by default
                they are estimated from the part's script.

        Raises:
            InvalidRequestError: where `overlap` is not smaller than `max_tokens`.
        """
        for part in self.parts:
            yield from part.passages(max_tokens, overlap, count)

    def to_dict(self) -> dict[str, Any]:
        """The Document as JSON can hold it: parts name their tables, whose rows stand in `tables`, in that order.

        A part's `places` hold, for the characters `start` to `stop` of its text, what is known of page, box, sheet,
        rows, columns, lines, headings and seconds (see `Place`).
        """
        return {
            "name": self.name,
            "kind": self.kind,
            "sha256": self.sha256,
            "text": self.text,
            "parts": [
                {
                    "label": part.label,
                    "text": part.text,
                    "tables": [table.label for table in part.tables],
                    "places": [place.to_dict() for place in part.places],
                }
                for part in self.parts
            ],
            "tables": [[list(row) for row in table.rows] for table in self.tables],
            "metadata": dict(self.metadata),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Document:
        """The Document that `to_dict` told; KeyError where a field is missing."""
        rows = iter(raw["tables"])
        parts = tuple(
            Part(
                part["label"],
                part["text"],
                tuple(Table(tuple(map(tuple, next(rows))), label) for label in part["tables"]),
                tuple(map(Place.from_dict, part.get("places", ()))),
            )
            for part in raw["parts"]
        )
        warnings = tuple(raw.get("warnings", ()))
        return cls(raw["name"], raw["kind"], parts, raw.get("metadata", {}), warnings, raw.get("sha256", ""))

    def to_frame(self) -> pd.DataFrame:
        """One row a part: label, text, tables, tokens."""
        return frame(
            {"part": p.label, "text": p.text, "tables": len(p.tables), "tokens": estimate_tokens(p.text)}
            for p in self.parts
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Tokens of each part, of the first forty."""
        shown = self.parts[:_PLOTTED]
        title = self.name if len(shown) == len(self.parts) else f"{self.name}: the first {_PLOTTED} parts"
        labels = [f"{i}. {clip(part.label, 40)}" for i, part in enumerate(shown, 1)]
        return bars(ax, labels, [estimate_tokens(part.text) for part in shown], "tokens", title, digits=0)

    @property
    def counts(self) -> str:
        """How many parts, tables and warnings there are, in words."""
        things = (("part", self.parts), ("table", self.tables), ("warning", self.warnings))
        return ", ".join(f"{len(some)} {name}{'s' * (len(some) != 1)}" for name, some in things)

    def __repr__(self) -> str:
        said = f": {'; '.join(clip(warning, 100) for warning in self.warnings[:3])}" if self.warnings else ""
        return f"<Document {self.name!r} ({self.kind}): {len(self.text):,} characters, {self.counts}{said}>"

    def _repr_html_(self) -> str:
        facts = [(key, value) for key, value in self.metadata.items() if value not in (None, "", [], {})]
        rows: list[tuple[str, object]] = [
            ("⚠", warning) for warning in self.warnings
        ]  # before facts, of which there may be many
        rows += [("parts", len(self.parts)), ("tables", len(self.tables)), ("tokens", f"about {self.token_count:,}")]
        rows += [(key, clip(_fact(value), 200)) for key, value in facts]
        return html_table(["", ""], rows, f"{self.name} ({self.kind})") + html_text(self.text)


def _fact(value: object) -> str:
    """Metadata for people: a list without Python's marks."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_fact, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_fact(one)}" for key, one in value.items())
    return str(value)
