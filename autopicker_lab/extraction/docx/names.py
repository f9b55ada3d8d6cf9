"""Names of WordprocessingML, and how attributes and wrapping elements are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
W15 = "{http://schemas.microsoft.com/office/word/2012/wordml}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
VML = "{urn:schemas-microsoft-com:vml}"
OFFICE = "{urn:schemas-microsoft-com:office:office}"
VAL = f"{W}val"
_WRAPPERS = {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "txbxContent")}


def unwrapped(parent: Any) -> Iterator[Any]:
    """The children of an element, those of wrapping elements in their place."""
    for child in parent:
        if child.tag in _WRAPPERS:
            yield from unwrapped(child)
        elif child.tag == f"{ALTERNATE}AlternateContent":
            yield from unwrapped(alternative(child))
        else:
            yield child


def alternative(element: Any) -> Any:
    """Of content that is written in several ways, the one that Word of today takes; the fallback repeats it."""
    choice = element.find(f"{ALTERNATE}Choice")
    fallback = element.find(f"{ALTERNATE}Fallback")
    return choice if choice is not None else fallback if fallback is not None else ()


def parse_int(text: str | None, default: int = 0) -> int:
    """The integer in an attribute; `default` where there is none, or one of more than nine digits."""
    try:
        return int(text or default) if len(text or "") < 10 else default
    except ValueError:
        return default


def value(element: Any, name: str, default: str = "") -> str:
    """The `w:val` of a child; `default` where there is no such child, or it has none."""
    child = element.find(f"{W}{name}")
    return default if child is None else child.get(VAL) or default


def is_on(element: Any) -> bool:
    """Whether an element that switches something (`<w:vanish/>`) switches it on."""
    return (element.get(VAL) or "true").lower() not in ("0", "false", "off", "none")
