"""Word's equations (OMML) as text on one line: (a)/(b), x^2, sqrt(x)."""

from __future__ import annotations

from typing import Any

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"


def formula(element: Any) -> str:
    """The text of an equation element, its structure written out."""
    tag = element.tag.removeprefix(_M) if isinstance(element.tag, str) else ""
    if tag == "t":
        return element.text or ""
    part = {name: _child_text(element, name) for name in ("num", "den", "e", "sup", "sub", "deg")}
    if tag == "f":
        return f"{_group(part['num'])}/{_group(part['den'])}"
    if tag in ("sSup", "sSub", "sSubSup"):
        low = f"_{_group(part['sub'])}" if part["sub"] else ""
        high = f"^{_group(part['sup'])}" if part["sup"] else ""
        return f"{part['e']}{low}{high}"
    if tag == "rad":
        return f"root({part['deg']}, {part['e']})" if part["deg"] else f"sqrt({part['e']})"
    if tag == "nary":
        return f"{_sign(element)}_{_group(part['sub'])}^{_group(part['sup'])} {part['e']}"
    if tag == "d":
        return f"({', '.join(_text(child) for child in element.iterfind(f'{_M}e'))})"
    return _text(element)


def _text(element: Any) -> str:
    return "".join(formula(child) for child in element)


def _child_text(element: Any, name: str) -> str:
    child = element.find(f"{_M}{name}")
    return "" if child is None else _text(child)


def _group(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"


def _sign(element: Any) -> str:
    sign = element.find(f"{_M}naryPr/{_M}chr")
    return sign.get(f"{_M}val") if sign is not None else "∫"
