"""The inside of paragraphs: runs, links, fields, symbols, notes, equations and drawings, as one line of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx.controls import Controls, legacy_value
from autopicker_lab.extraction.docx.fields import Field
from autopicker_lab.extraction.docx.math import M, formula, formulas
from autopicker_lab.extraction.docx.names import ALTERNATE, R, W, alternative, value
from autopicker_lab.extraction.docx.shapes import Shapes
from autopicker_lab.extraction.docx.styles import PLAIN, Look, ParagraphStyle, Styles, look_of
from autopicker_lab.extraction.docx.symbols import UNKNOWN, is_symbol_font, symbol, translated
from autopicker_lab.extraction.marks import (
    LINK_END,
    LOWERED,
    LOWERED_END,
    RAISED,
    RAISED_END,
    STRUCK,
    STRUCK_END,
    link,
    link_start,
    resolved,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.extraction.docx.note_marks import NoteMarks
    from autopicker_lab.extraction.opc import Package

_LONGEST = 1000  # characters of a field's result that are kept as its value
_DEEPEST = 30  # fields in each other; what is never closed is forgotten
_DELETED = {f"{W}del", f"{W}moveFrom"}
_SKIPPED = {f"{W}{name}" for name in ("delText", "delInstrText", "rPr", "pPr", "rt", "sdtPr", "sdtEndPr", "sectPr")}
_TEXT = {f"{W}tab": " ", f"{W}ptab": " ", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}


class Inline(Shapes):
    """What stands in paragraphs, and what it refers to.

    Attributes:
        notes: (footnotes or endnotes, id) -> mark, in their order in the text.
    """

    def __init__(self, package: Package, main: str, styles: Styles, marks: NoteMarks) -> None:
        super().__init__(package, main)
        self.styles = styles
        self.controls = Controls(package, main)
        self.notes: dict[tuple[str, str], str] = {}
        self.marks = marks
        self._fields: list[Field] = []
        self._addresses: list[str] = []
        self._font: str | None = None
        self._style = ParagraphStyle()
        self._handlers |= {
            f"{W}t": self._text,
            f"{W}r": self._run,
            f"{W}hyperlink": self._hyperlink,
            f"{W}fldSimple": self._simple_field,
            f"{W}fldChar": self._field_mark,
            f"{W}instrText": self._field_code,
            f"{W}footnoteReference": self._note,
            f"{W}endnoteReference": self._note,
            f"{W}sym": self._symbol,
            f"{W}ruby": self._ruby,
            f"{M}oMath": formula,
            f"{M}oMathPara": formulas,
            f"{ALTERNATE}AlternateContent": lambda element: self._inline(alternative(element)),
            **{tag: lambda element: _TEXT[element.tag] for tag in _TEXT},
        }

    def line(self, paragraph: Any, style: ParagraphStyle) -> str:
        """The text of a paragraph; its boxes and charts are left in `_boxes`."""
        self._style = style
        open_links = [link_start(f.link) for f in self._fields if f.shown and f.link is not None]
        text = "".join(open_links) + self._inline(paragraph)
        for field in self._fields:  # a code that goes on hides no text: its end is missing
            text += "" if field.shown else field.held_back
            field.shown = True
        text += LINK_END * sum(f.link is not None for f in self._fields)
        return resolved(text, self._addresses)

    def _inline(self, element: Any) -> str:
        return "".join(self._pieces(element))

    def _pieces(self, element: Any) -> Iterator[str]:
        for child in element:
            tag = child.tag
            handler = self._handlers.get(tag)
            if handler is not None:
                yield handler(child)
            elif tag in _DELETED:
                self.found.deleted += 1
            elif tag not in _SKIPPED and isinstance(tag, str):
                self.found.inserted += tag in (f"{W}ins", f"{W}moveTo")
                yield from self._pieces(child)

    # ------------------------------------------------------------ runs

    def _text(self, element: Any) -> str:
        text = translated(element.text or "", self._font)
        if self._fields:
            return self._within_fields(text)
        return text

    def _run(self, run: Any) -> str:
        """The text of a run as it looks: raised digits by their own characters, hidden text left out."""
        properties = run.find(f"{W}rPr")
        if properties is None and self._style.look is PLAIN:
            return self._inline(run)
        look = self._look(properties)
        outer, self._font = self._font, look.font if is_symbol_font(look.font) else None
        text = self._inline(run)
        self._font = outer
        if look.hidden:
            self.found.hidden += len(text.strip())
            return ""
        if text.strip() and look.raised == "superscript" and "[^" not in text:
            text = f"{RAISED}{text}{RAISED_END}"
        elif text.strip() and look.raised == "subscript":
            text = f"{LOWERED}{text}{LOWERED_END}"
        return f"{STRUCK}{text}{STRUCK_END}" if look.struck and text else text

    def _look(self, properties: Any | None) -> Look:
        look, below = look_of(properties), self._style.look
        style_id = value(properties, "rStyle") if properties is not None else ""
        if style_id in self.styles.characters:
            named = self.styles.characters[style_id]
            both_hide = named.hidden and below.hidden  # which shows again
            below = named.over(below)
            below = Look(hidden=False).over(below) if both_hide else below
        return look.over(below)

    def _symbol(self, element: Any) -> str:
        font = element.get(f"{W}font") or ""
        text = symbol(font, element.get(f"{W}char") or "")
        if text == UNKNOWN:
            self.found.unknown[font] = self.found.unknown.get(font, 0) + 1
        return self._within_fields(text) if self._fields else text

    def _ruby(self, element: Any) -> str:
        base, reading = ("".join(map(self._inline, element.iterfind(f"{W}{name}"))) for name in ("rubyBase", "rt"))
        return f"{base}({reading})" if reading.strip() else base

    def _note(self, element: Any) -> str:
        key = ("footnotes" if "foot" in element.tag else "endnotes", element.get(f"{W}id") or "")
        if key not in self.notes:
            self.notes[key] = self.marks.next(key[0], len(self.notes) + 1)
        return f"[^{self.notes[key]}]"

    # ------------------------------------------------------------ links and fields

    def _hyperlink(self, element: Any) -> str:
        relation = self.package.relations(self.part).get(element.get(f"{R}id") or "")
        pictures = len(self.found.images)
        text = self._inline(element)
        if relation is None or not relation.is_external:
            return text
        anchor = element.get(f"{W}anchor") or element.get(f"{W}docLocation")
        address = f"{relation.target}#{anchor}" if anchor and "#" not in relation.target else relation.target
        for picture in self.found.images[pictures:]:
            picture.setdefault("link", address)
        return link(text, address)

    def _within_fields(self, text: str) -> str:
        """Text inside a field: shown in its result, part of the code before it."""
        hidden = next((field for field in self._fields if not field.shown), None)
        if hidden is not None:
            hidden.add(text)
            hidden.held_back += text
            return ""
        if text.strip():
            for field in self._fields:
                field.result += text[: max(_LONGEST - len(field.result), 0)]
        return text

    def _field_code(self, element: Any) -> str:
        if self._fields:
            self._fields[-1].add(element.text or "")
        return ""

    def _field_mark(self, element: Any) -> str:
        """The begin, the separator before the result, or the end of a field."""
        kind = element.get(f"{W}fldCharType")
        if kind == "begin":
            del self._fields[: len(self._fields) + 1 - _DEEPEST]
            self._fields.append(Field(form=element.find(f"{W}ffData")))
        elif kind == "separate" and self._fields:
            return self._result_begins(self._fields[-1])
        elif kind == "end" and self._fields:
            return self._field_ends(self._fields.pop())
        return ""

    def _result_begins(self, field: Field) -> str:
        field.shown = True
        if address := field.address():
            field.link = len(self._addresses)
            self._addresses.append(address)
            return link_start(field.link)
        return ""

    def _field_ends(self, field: Field) -> str:
        name, shown, choices = legacy_value(field.form)
        if name:
            self.controls.remember(name, field.result.strip() or shown, choices)
        shown = "" if field.result else field.shows_itself()
        shown = self._within_fields(shown) if self._fields else shown
        return shown + (LINK_END if field.link is not None else "")

    def _simple_field(self, element: Any) -> str:
        field = Field(element.get(f"{W}instr") or "", element.find(f"{W}ffData"))
        start = self._result_begins(field)
        outer = self._fields
        self._fields = [*outer, field]
        text = self._inline(element)
        self._fields = outer
        return start + text + self._field_ends(field)
