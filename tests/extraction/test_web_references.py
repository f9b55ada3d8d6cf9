"""Pages of reference manuals: entries that link to themselves are content, whatever they look like."""

from autopicker_lab.core import Document, SourceFile
from autopicker_lab.extraction import extract

PROSE = "<p>" + "The ferry leaves the harbour each morning and comes back when the tide allows it to. " * 6 + "</p>"
OTHERS = "".join(f"<p><a href='boat{i}.html'>Boat number {i}</a></p>" for i in range(60))


def read(body: str) -> Document:
    return extract(SourceFile("manual.html", f"<html><body>{body}</body></html>".encode(), "html"))


def text_of(document: Document) -> str:
    return "\n".join(part.text for part in document.parts)


def entry(name: str, tag: str = "section", anchor: bool = True) -> str:
    permalink = f"<a href='#{name}'>§</a>" if anchor else ""
    return f"<{tag} id='{name}' class='entry'>{permalink}<h3>fn <a href='{name}.html'>{name}</a></h3></{tag}>"


def page(entries: str) -> str:
    return f"<main><h1>Harbour</h1>{PROSE}<div><h2>Methods</h2><div>{entries}</div></div></main><div>{OTHERS}</div>"


NAMES = ["moor", "castoff", "hoist", "lower", "anchor", "signal"]


def test_entries_with_permalinks_are_no_teasers() -> None:
    text = text_of(read(page("".join(map(entry, NAMES)))))
    assert all(name in text for name in NAMES)


def test_entries_that_unfold_are_no_teasers() -> None:
    details = "".join(
        f"<details><summary>{name}</summary><p>See <a href='{name}.html'>the page on {name}</a></p></details>"
        for name in NAMES
    )
    text = text_of(read(page(details)))
    assert all(name in text for name in NAMES)


def test_teasers_without_permalinks_are_still_left_out() -> None:
    document = read(page("".join(entry(name, anchor=False) for name in NAMES)))
    assert "castoff" not in text_of(document)
    assert any("left out" in warning for warning in document.warnings)


def test_buttons_of_a_carousel_make_no_entry_of_it() -> None:
    slides = "".join(f"<p><a href='tale{i}.html'>A tale of the sea, number {i}</a></p>" for i in range(8))
    carousel = f"<div id='slides'><a href='#slides' data-slide='next'>Next</a>{slides}</div>"
    text = text_of(read(f"<div><h1>Harbour</h1>{PROSE}</div><div>{OTHERS}{carousel}</div>"))
    assert "number 7" not in text


def test_scripts_are_not_named_among_what_was_left_out() -> None:
    document = read(f"<script>let theme = 'dark';</script>{page(entry('moor'))}<style>p {{ color: red }}</style>")
    assert any("left out" in warning for warning in document.warnings)
    assert not any("script" in warning or "style" in warning for warning in document.warnings)


def test_an_overview_in_a_wrapper_stands_under_its_heading_as_well() -> None:
    rows = "".join(f"<tr><td>int</td><td><a href='{name}.html'>harbour_{name}</a></td></tr>" for name in NAMES)
    overview = f"<h2>Functions</h2><div><div><table><colgroup><col></colgroup><tbody>{rows}</tbody></table></div></div>"
    text = text_of(read(f"<div><h1>Harbour</h1>{PROSE}{overview}</div><div>{OTHERS}</div>"))
    assert all(f"{name}.html" in text for name in NAMES)
