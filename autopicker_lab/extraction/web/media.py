"""Pictures, sound, films, drawings and frames of a page, which are named and not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from autopicker_lab.extraction.web.context import name_of
from autopicker_lab.extraction.web.dom import names, words
from autopicker_lab.extraction.web.mathml import clean_source

if TYPE_CHECKING:
    from autopicker_lab.extraction.web.context import PageContext

MEDIA = frozenset(
    ("img", "svg", "video", "audio", "object", "embed", "iframe", "frame", "canvas", "picture", "amp-img")
)
_TEX_CLASSES = frozenset(("latex", "tex", "math", "mathtex", "mwe-math-fallback-image-inline"))
_PLACEHOLDERS = ("data-src", "data-original", "data-lazy-src", "data-srcset", "srcset")


def medium(element: Any, context: PageContext) -> str:
    """The Markdown that stands for a picture or the like, "" for a mere decoration."""
    tag = element.tag
    if tag == "picture":
        return "".join(picture(image, context) for image in element.iter("img"))
    if tag in ("img", "amp-img"):
        return picture(element, context)
    if tag == "svg":
        return _drawing(element)
    if tag in ("iframe", "frame"):
        return _frame(element, context)
    if tag == "canvas":
        return words(element)
    return _player(element, context)


def picture(image: Any, context: PageContext) -> str:
    """A picture by its alternative text and address; of one within the page, the type of its data."""
    alternative = " ".join((image.get("alt") or image.get("title") or "").split())
    if alternative and _TEX_CLASSES & {name.lower() for name in names(image)}:
        return f"${clean_source(alternative)}$"
    if alternative and len(alternative) <= 4 and not any(c.isascii() for c in alternative):
        return alternative  # an emoji
    if _is_decoration(image):
        return ""
    address = context.address(image.get("src"))
    if address.startswith("data:"):
        lazy = next((words for name in _PLACEHOLDERS if (words := (image.get(name) or "").split())), None)
        if lazy:
            return f"![{alternative}]({context.address(lazy[0])})"
        kind = address[5:].removeprefix("image/").upper() or "unknown type"
        context.note("pictures within the page are named, not read", f"{alternative or 'untitled'} ({kind})")
    return f"![{alternative}]({address})" if address or alternative else ""


def _is_decoration(image: Any) -> bool:
    if image.get("alt") == "" and not image.get("title"):
        return True
    return any((image.get(side) or "").removesuffix("px").strip() in ("0", "1") for side in ("width", "height"))


def _drawing(svg: Any) -> str:
    """The words of a drawing, else its title."""
    texts = [words(text) for text in svg.iter("text") if words(text)]
    titles = [words(e) for e in svg.iter("title", "desc") if words(e)]
    named = name_of(svg) or " ".join(" ".join(title.itertext()) for title in svg.iter("title")).strip()
    return " ".join([*([named] if texts and named else []), *texts]) or named or " ".join(titles)


def _player(element: Any, context: PageContext) -> str:
    """A film or a recording by its title and address; the fallback of an object."""
    sources = [element.get("src") or element.get("data"), *(s.get("src") for s in element.iter("source"))]
    address = next((context.address(source) for source in sources if source), "")
    if element.tag in ("object", "embed") and not address:
        return words(element)
    kind = {"video": "film", "audio": "recording"}.get(element.tag, "object")
    title = name_of(element) or unquote(address.rsplit("/", 1)[-1]) or kind
    context.note("films, recordings and objects are named, not read", title)
    return f"[{kind}: {title}]({address})\n" if address else f"[{kind}: {title}]\n"


def _frame(element: Any, context: PageContext) -> str:
    """A frame by its title and address."""
    address = context.address(element.get("src") or element.get("data-src"))
    if not address or address == "about:blank" or element.get("width") in ("0", "1"):
        return ""
    title = " ".join((element.get("title") or element.get("name") or "").split())
    context.note("frames are named, not read", title or address)
    return f"[frame: {title or address}]({address})"
