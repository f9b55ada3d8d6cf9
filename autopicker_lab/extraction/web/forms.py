"""Controls of a form as a person sees them: values, choices, ticks, and lines to fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.web.context import name_of
from autopicker_lab.extraction.web.dom import is_hidden, words

if TYPE_CHECKING:
    from autopicker_lab.extraction.web.context import PageContext

CONTROLS = frozenset(("input", "select", "textarea", "button", "meter", "progress", "output"))
BLANK = "____"
_CHOICES = 40  # that are listed of one control
_TICKS = ("checkbox", "radio")
_PUSHED = ("submit", "reset", "button")
_TICK_ROLES = frozenset(("checkbox", "radio", "switch", "menuitemcheckbox", "menuitemradio"))


def control(element: Any, context: PageContext) -> str:
    """What a control shows, "" for what a browser does not show or what stands before its label already."""
    tag = element.tag
    if tag == "button":
        return _button(element)
    if tag in ("meter", "progress"):
        return words(element) or _gauge(element)
    if tag == "output":
        return words(element)
    if tag == "input" and (element.get("type") or "").lower() in ("hidden", *_TICKS, *_PUSHED, "image"):
        return _input_without_value(element, context)
    shown = {"select": _selection, "textarea": _text_area}.get(tag, _value)(element, context)
    name = "" if _has_label(element, context) else name_of(element)
    return f"{name}: {shown}" if name else shown


def tick(element: Any) -> str:
    """[x] or [ ] of a control that can be ticked, "" of others."""
    if element.tag == "input" and (element.get("type") or "").lower() in _TICKS:
        return "[x]" if "checked" in element.attrib else "[ ]"
    if element.get("role") in _TICK_ROLES and element.tag != "input":
        state = element.get("aria-checked")
        return "" if state is None else "[x]" if state == "true" else "[ ]"
    return ""


def labelled(label: Any, context: PageContext) -> Any:
    """The control that a label is of, None where there is none in the page."""
    target = label.get("for")
    if target:
        return context.by_id.get(target)
    return next(label.iter(*CONTROLS), None)


def tick_before(label: Any, context: PageContext) -> str:
    """The tick that belongs before a label though it comes after it, once."""
    control_of = labelled(label, context)
    if control_of is None or control_of in context.written or is_hidden(control_of):
        return ""
    if label.get("for") is None and sum(1 for e in label.iter("input") if tick(e)) > 1:
        return ""  # a label around several: each stands before its own words
    mark = tick(control_of)
    if mark:
        context.written.add(control_of)
    return mark


def _has_label(element: Any, context: PageContext) -> bool:
    if element.get("aria-labelledby") in context.by_id or element.get("id") in context.labels:
        return True
    return next(element.iterancestors("label"), None) is not None


def _input_without_value(element: Any, context: PageContext) -> str:
    kind = (element.get("type") or "").lower()
    if kind == "hidden" or element in context.written:
        return ""
    if kind in _TICKS:
        context.written.add(element)
        name = "" if _has_label(element, context) else name_of(element)
        return f"{tick(element)} {name}".strip()
    label = element.get("value") or name_of(element) or {"submit": "Submit", "reset": "Reset"}.get(kind, "")
    return f"[{label}]" if label else ""


def _button(element: Any) -> str:
    label = words(element) or name_of(element)
    in_form = next(element.iterancestors("form"), None) is not None
    return f"[{label}]" if label and in_form else label


def _value(element: Any, context: PageContext) -> str:
    value = " ".join((element.get("value") or "").split())
    kind = (element.get("type") or "text").lower()
    if kind == "password":
        value = "*" * min(len(value), 8)
    if kind == "file":
        value = ""
    shown = value or _blank(element)
    listed = context.by_id.get(element.get("list") or "")
    choices: list[str] = []
    if listed is not None and listed not in context.written:  # controls may share it
        context.written.add(listed)
        choices = [o.get("value") or words(o) for o in listed.iter("option")]
    return f"{shown}{_choices(choices)}"


def _blank(element: Any) -> str:
    hint = " ".join((element.get("placeholder") or "").split())
    return f"{BLANK} ({hint})" if hint else BLANK


def _text_area(element: Any, context: PageContext) -> str:
    text = "\n".join(line.strip() for line in "".join(element.itertext()).strip().splitlines())
    return text or _blank(element)


def _selection(element: Any, context: PageContext) -> str:
    options = [o for o in element.iter("option") if not is_hidden(o)]
    labels = [o.get("label") or words(o) for o in options]
    chosen = [label for o, label in zip(options, labels, strict=True) if "selected" in o.attrib]
    is_list = "multiple" in element.attrib or (element.get("size") or "1") not in ("0", "1")
    if not is_list:
        chosen = chosen[-1:] or labels[:1]
    groups = {o: g.get("label") for g in element.iter("optgroup") for o in g.iter("option") if g.get("label")}
    named = [f"{groups[o]}: {label}" if o in groups else label for o, label in zip(options, labels, strict=True)]
    return f"{', '.join(filter(None, chosen)) or BLANK}{_choices(named if len(named) > 1 else [])}"


def _choices(labels: list[str]) -> str:
    labels = [label for label in labels if label]
    if not labels:
        return ""
    more = f", and {len(labels) - _CHOICES} more" if len(labels) > _CHOICES else ""
    return f" (choices: {', '.join(labels[:_CHOICES])}{more})"


def _gauge(element: Any) -> str:
    value = element.get("value")
    return f"{value} of {element.get('max') or '1'}" if value else ""
