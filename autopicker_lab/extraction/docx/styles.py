"""Styles of a DOCX: which make a paragraph a heading or a list item, and which hide or raise text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.docx.names import VAL, W, is_on, parse_int, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LEVEL = re.compile(r"^(?:heading|titre|überschrift|título|titolo|rubrik)\s*(\d)", re.IGNORECASE)
_DEPTH = re.compile(r"^list (?:bullet|number|continue)? ?(\d)$", re.IGNORECASE)
_BELOW_TITLE = {"subtitle", "author", "date", "abstract"}  # no headings, though they may be based on the title's style
_MAX_CHAIN = 10


class ListPlace(NamedTuple):
    """The list that a paragraph belongs to and its level in it; None where it leaves one to its style."""

    number: str | None
    level: int | None


@dataclass(frozen=True)
class Look:
    """How a run looks, as far as that changes what it says; None: as its style says.

    Attributes:
        hidden, struck: hidden text; text that is struck through.
        raised: "superscript", "subscript" or "baseline".
        font: the font of its letters; symbol fonts give letters another meaning.
    """

    hidden: bool | None = None
    struck: bool | None = None
    raised: str | None = None
    font: str | None = None

    def over(self, below: Look) -> Look:
        """This look where it says something, and the one below it where not."""
        if below is PLAIN:
            return self
        if self is PLAIN:
            return below
        own = {name: mine for name in Look.__dataclass_fields__ if (mine := getattr(self, name)) is not None}
        return replace(below, **own)


PLAIN = Look()


@dataclass(frozen=True)
class ParagraphStyle:
    """What a paragraph style says of the paragraph's role.

    Attributes:
        level: heading level, 1 to 9; 0 for text.
        place: the list that the style itself belongs to; None where it belongs to none.
        depth: nesting depth of list items from 0, by the style's name.
        look: how its letters look.
    """

    level: int = 0
    place: ListPlace | None = None
    depth: int = 0
    look: Look = PLAIN


@dataclass
class Styles:
    """The paragraph styles and the looks of character styles, by id; the default styles under the id ""."""

    paragraphs: dict[str, ParagraphStyle] = field(default_factory=dict)
    characters: dict[str, Look] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Any | None) -> Styles:
        """The styles that the root of styles.xml defines, inheritance resolved; none for None."""
        if root is None:
            return cls()
        raw = {style.get(f"{W}styleId"): style for style in root.iterfind(f"{W}style")}
        styles = cls()
        defaults = look_of(root.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr"))
        for id_, style in raw.items():
            chain = list(_chain(raw, id_))
            if style.get(f"{W}type") == "character":
                styles.characters[id_] = _look(chain)
            else:
                styles.paragraphs[id_] = _paragraph_style(chain, defaults)
                if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true", "on"):
                    styles.paragraphs[""] = styles.paragraphs[id_]
        styles.paragraphs.setdefault("", ParagraphStyle(look=defaults))
        return styles

    def paragraph(self, id_: str) -> ParagraphStyle:
        """The style of an id; one that is not defined is known by its name alone ("Heading1")."""
        style = self.paragraphs.get(id_)
        if style is None:
            name = _LEVEL.match(id_)
            style = ParagraphStyle(level=int(name[1])) if name else self.paragraphs.get("", ParagraphStyle())
        return style


def _chain(raw: Mapping[str, Any], id_: str) -> Iterator[Any]:
    for _ in range(_MAX_CHAIN):
        if id_ not in raw:
            return
        yield raw[id_]
        id_ = value(raw[id_], "basedOn")


def _paragraph_style(chain: list[Any], defaults: Look) -> ParagraphStyle:
    level = 0
    number: str | None = None
    list_level: int | None = None
    own_name = value(chain[0], "name").lower()
    for style in chain:
        style_name = value(style, "name")
        heading = _LEVEL.match(style_name)
        is_title = style_name.lower() == "title" and own_name not in _BELOW_TITLE
        level = level or (int(heading[1]) if heading else 1 if is_title else 0)
        properties = style.find(f"{W}pPr")
        if properties is None:
            continue
        if not level and properties.find(f"{W}outlineLvl") is not None:
            level = parse_int(value(properties, "outlineLvl"), 9) + 1
        place = place_of(properties)
        if place is not None:
            number, list_level = number or place.number, place.level if list_level is None else list_level
    depth = _DEPTH.match(next((name for style in chain if (name := value(style, "name"))), ""))
    return ParagraphStyle(
        level if level <= 9 else 0,
        ListPlace(number, list_level) if number else None,
        int(depth[1]) - 1 if depth else 0,
        _look(chain).over(defaults),
    )


def place_of(properties: Any) -> ListPlace | None:
    """The list id and level in a paragraph's properties; None where they name neither."""
    holder = properties.find(f"{W}numPr")
    if holder is None:
        return None
    number, level = holder.find(f"{W}numId"), holder.find(f"{W}ilvl")
    if number is None and level is None:
        return None
    return ListPlace(
        None if number is None else number.get(VAL) or "0", None if level is None else parse_int(level.get(VAL))
    )


def _look(chain: list[Any]) -> Look:
    look = PLAIN
    for style in chain:
        look = look.over(look_of(style.find(f"{W}rPr")))
    return look


def look_of(properties: Any | None) -> Look:
    """The look that run properties tell."""
    found: dict[str, Any] = {}
    for child in () if properties is None else properties:
        reader = _LOOKS.get(child.tag)
        if reader is not None:
            name, said = reader(child)
            if said is not None and not (name == "struck" and found.get(name)):  # struck once or twice
                found[name] = said
    return Look(**found) if found else PLAIN


def _position(element: Any) -> tuple[str, str | None]:
    """Letters that were moved by hand, in half points."""
    height = parse_int((element.get(VAL) or "").removesuffix("pt"))
    return "raised", "superscript" if height > 0 else "subscript" if height < 0 else None


def _font(element: Any) -> tuple[str, str | None]:
    return "font", element.get(f"{W}ascii") or element.get(f"{W}hAnsi") or element.get(f"{W}cs")


_LOOKS = {
    f"{W}vanish": lambda element: ("hidden", is_on(element)),
    f"{W}strike": lambda element: ("struck", is_on(element)),
    f"{W}dstrike": lambda element: ("struck", is_on(element)),
    f"{W}vertAlign": lambda element: ("raised", element.get(VAL)),
    f"{W}position": _position,
    f"{W}rFonts": _font,
}
