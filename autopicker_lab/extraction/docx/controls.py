"""What is filled in: content controls of today's Word and the form fields of old ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx.names import VAL, W14, W15, W, is_on, parse_int, value
from autopicker_lab.extraction.docx.symbols import EMPTY, TICKED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.extraction.opc import Package

_CORE, _EXTENDED = "{6C3C8BC8-F283-45AE-878A-BAB7291924A1}", "{6668398D-A668-4E3E-A5EB-62B293D839F1}"
_ITEM_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/customXml}itemID"
_STEP = r"(?:[\w.-]+:)?[\w.-]+(?:\[\d+\])?"
_SIMPLE_PATH = re.compile(rf"(?:/{_STEP})+(?:/@(?:[\w.-]+:)?[\w.-]+)?(?:/text\(\))?(?:\[1\])?")
_PREFIX = re.compile(r"""xmlns:([\w.-]+)\s*=\s*(["'])(.*?)\2""")
_MAX_BOUND = 1000  # controls whose data are looked up; finding each takes as long as there are data
_LISTS = ("dropDownList", "comboBox")


_SIGN = re.compile(r"^\s*(?:\S$|[^\w\s(\[])?\s*")  # the box itself, in whatever font


class Controls:
    """The content controls of a document, put right in its XML before it is read.

    A tick box shows its state, a control that is bound to data shows the data, as Word does when it opens the file, and
    what nobody has filled in yet says so.

    Attributes:
        form: what each named control and form field holds; choices of lists under `choices`.
    """

    def __init__(self, package: Package, main: str) -> None:
        self._package, self._main = package, main
        self._stores: dict[str, Any] | None = None
        self._looked_up = 0
        self.form: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}

    def settle(self, root: Any) -> None:
        """Write into the controls below an element what they show."""
        for control in root.iter(f"{W}sdt"):
            properties, content = control.find(f"{W}sdtPr"), control.find(f"{W}sdtContent")
            if properties is not None and content is not None and content.find(f".//{W}sdt") is None:
                self._settle(properties, content)

    def _settle(self, properties: Any, content: Any) -> None:
        box = next(
            (found for space in (W14, W15, W) if (found := properties.find(f"{space}checkbox")) is not None), None
        )
        texts = list(content.iter(f"{W}t"))
        shown = "".join(text.text or "" for text in texts).strip()
        items = next((found for name in _LISTS if (found := properties.find(f"{W}{name}")) is not None), None)
        choices = _choices(items)
        bound = self._bound(properties.find(f"{W}dataBinding"))
        waiting = properties.find(f"{W}showingPlcHdr")
        if box is not None:
            beside = _SIGN.sub("", shown)
            shown = TICKED if _ticked(box, bound) else EMPTY
            _write(content, f"{shown} {beside}".strip())
        elif bound and properties.find(f"{W}date") is None:
            bound = choices.get(bound, bound)
            if bound != " ".join(shown.split()):
                _write(content, bound)
            shown = bound
        elif waiting is not None and is_on(waiting):
            if shown and (date := _date(properties, bound)) is None:
                texts[0].text = f"[not filled in: {texts[0].text or ''}"
                texts[-1].text = f"{texts[-1].text or ''}]"
                shown = ""
            elif shown:
                shown = date or ""
                _write(content, shown)
        elif not shown and (date := _date(properties, bound)):
            shown = date
            _write(content, shown)
        name = value(properties, "alias") or value(properties, "tag")
        is_field = box is not None or any(
            properties.find(f"{W}{kind}") is not None for kind in (*_LISTS, "text", "date")
        )
        if name and is_field:
            self.remember(name, shown, [text for text in choices.values() if text])

    def remember(self, name: str, shown: str, choices: list[str]) -> None:
        """Keep what a control or field holds for the metadata."""
        self.form.setdefault(name, shown)
        if choices:
            self.choices.setdefault(name, choices)

    def _bound(self, binding: Any | None) -> str:
        """The text of the data that a control is bound to; "" where there is none."""
        path = "" if binding is None else binding.get(f"{W}xpath") or ""
        if binding is None or not _SIMPLE_PATH.fullmatch(path) or self._looked_up >= _MAX_BOUND:
            return ""
        self._looked_up += 1
        prefixes = {m[1]: m[3] for m in _PREFIX.finditer(binding.get(f"{W}prefixMappings") or "") if m[3]}
        stores = self._data_stores()
        store = (binding.get(f"{W}storeItemID") or "").upper()
        for root in [stores[store]] if store in stores else list(stores.values()):
            found = _at(root, path, prefixes)
            if found:
                return found
        return ""

    def _data_stores(self) -> Mapping[str, Any]:
        """The roots of the XML parts that controls may be bound to, by their ids."""
        if self._stores is None:
            self._stores = {}
            places = [(_CORE, self._package.related("", "core-properties"))]
            places.append((_EXTENDED, self._package.related("", "extended-properties")))
            for relation in self._package.relations(self._main).values():
                if relation.type == "customXml" and not relation.is_external:
                    places.append((self._id_of(relation.target), relation.target))
            for id_, place in places:
                root = self._package.root(place) if place else None
                if root is not None:
                    self._stores[id_.upper()] = root
        return self._stores

    def _id_of(self, part: str) -> str:
        place = self._package.related(part, "customXmlProps")
        root = self._package.root(place) if place else None
        return part if root is None else root.get(_ITEM_ID) or part


def _at(root: Any, path: str, prefixes: Mapping[str, str]) -> str:
    import lxml.etree

    try:
        found = root.getroottree().xpath(path, namespaces=prefixes or None)
    except lxml.etree.XPathError:
        return ""
    first = found[0] if isinstance(found, list) and found else ""
    return " ".join(str(first if isinstance(first, str) else "".join(first.itertext())).split())


def _ticked(box: Any, bound: str) -> bool:
    if bound:
        return bound.lower() in ("1", "true", "on")
    checked = next((child for child in box if str(child.tag).endswith("}checked")), None)
    if checked is None:
        return False
    state = checked.get(f"{W14}val") or checked.get(VAL) or checked.get(f"{W15}val") or "1"
    return state.lower() not in ("0", "false", "off")


def _choices(items: Any | None) -> dict[str, str]:
    """The texts of a list by their values."""
    entries = () if items is None else items.iterfind(f"{W}listItem")
    return {e.get(f"{W}value") or "": e.get(f"{W}displayText") or e.get(f"{W}value") or "" for e in entries}


def _date(properties: Any, bound: str) -> str | None:
    date = properties.find(f"{W}date")
    full = None if date is None else (date.get(f"{W}fullDate") or bound)
    return full[:10] if full else None


def _write(content: Any, text: str) -> None:
    """Let a control show this text and nothing else."""
    import lxml.etree

    for symbol in list(content.iter(f"{W}sym")):
        symbol.getparent().remove(symbol)
    texts = list(content.iter(f"{W}t"))
    if not texts:
        paragraph = next(content.iter(f"{W}p"), content)
        run = next(paragraph.iter(f"{W}r"), None)
        run = lxml.etree.SubElement(paragraph, f"{W}r") if run is None else run
        texts = [lxml.etree.SubElement(run, f"{W}t")]
    for element in texts:
        element.text = ""
    texts[0].text = text


def legacy_value(form: Any | None) -> tuple[str, str, list[str]]:
    """Of the `w:ffData` of an old form field: its name, what it shows, and the choices of a list."""
    if form is None:
        return "", "", []
    name = value(form, "name")
    box, items, text = form.find(f"{W}checkBox"), form.find(f"{W}ddList"), form.find(f"{W}textInput")
    if box is not None:
        state = next((s for key in ("checked", "default") if (s := box.find(f"{W}{key}")) is not None), None)
        return name, TICKED if state is not None and is_on(state) else EMPTY, []
    if items is not None:
        choices = [entry.get(VAL) or "" for entry in items.iterfind(f"{W}listEntry")]
        chosen = parse_int(value(items, "result") or value(items, "default"))
        return name, choices[chosen] if 0 <= chosen < len(choices) else "", choices
    return name, "" if text is None else value(text, "default"), []
