"""The report of a run as one HTML page: a cover, then the executed notebook without its code.

What notebooks print may come from models, files and strangers: in a report nothing runs, and nothing is fetched.
"""

from __future__ import annotations

import base64
import re
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.figures import as_written, leaves, readable
from autopicker_lab.chat.markdown import markdown_html

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# Nothing runs and nothing is fetched, whatever the page holds.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'"
_TAGS = (
    "a abbr b blockquote br caption code col colgroup dd details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr "
    "i img li mark ol p pre s small span strong sub summary sup table tbody td tfoot th thead tr u ul"
)
_ATTRIBUTES = {
    "*": {"class", "style", "title", "align", "colspan", "rowspan", "scope", "open"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
}
_STYLES = (
    "background background-color border border-bottom border-collapse border-left color display font-family font-size "
    "font-weight height line-height margin margin-left margin-top max-height opacity overflow padding padding-left "
    "text-align vertical-align white-space width"
)
_CALLED = re.compile(r"(?<![\w-])([\w-]*+) ?\(")
_FETCH_NOTHING = frozenset({"rgb", "rgba", "hsl", "hsla", "var", "calc", "linear-gradient"})  # functions of a style
_LONGEST_STYLE = 2000
_NAME = re.compile(r"""<svg\b[^>]*?\saria-label=(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_COVER_STYLE = """<style>
.cover{border-bottom:2px solid #0072b2;font:16px/1.5 system-ui,sans-serif;margin:1em .3em 2em;padding-bottom:1em}
.cover h1{font-size:1.6em;margin:0}.cover .verdict{font-size:1.25em;margin:.6em 0}
.cover table{border-collapse:collapse;margin:.4em 0}.cover h2{font-size:1em;margin:1em 0 0}
.cover :is(td,th){border-bottom:1px solid #c9ccd3;padding:.2em 1em .2em 0;text-align:left;vertical-align:top}
.cover td{overflow-wrap:anywhere}
</style>"""


class _Safe(str):
    """HTML that was made so that it runs nothing."""

    __slots__ = ()


def report_html(executed: Path, record: Mapping[str, Any]) -> str:
    """Write an executed notebook as one HTML page behind a cover.

    Args:
        record: of the run, as `record.json` has it: its verdict, figures, parameters and stamp go onto the cover.
    """
    import nbformat
    from nbconvert import HTMLExporter

    notebook = nbformat.read(executed, 4)
    title = str(record["name"] or record["benchmark"])
    language = notebook.metadata.get("language_info", {}).get("name", "python")
    notebook.metadata = nbformat.from_dict({"title": title, "language_info": {"name": str(language)}})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", ()):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
    filters: dict[str, Callable[..., str]] = {
        "markdown2html": lambda text: _Safe(markdown_html(text)),
        "strip_files_prefix": lambda html: html,
        "clean_html": _cleaned,
    }
    exporter = HTMLExporter(
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,  # numbers of what is not shown, and too pale to read
        embed_images=True,
        sanitize_html=True,
        filters=filters,
        **dict.fromkeys(("mathjax_url", "require_js_url", "jquery_url", "widget_renderer_url"), ""),
    )
    html = _replaced(exporter.from_notebook_node(notebook)[0], "script", lambda _: "")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    html = re.sub(r"<head\b[^>]*>", lambda match: match[0] + policy, html, count=1)
    return re.sub(r"<main\b[^>]*>", lambda match: match[0] + _cover(title, record), html, count=1)


def _cleaned(html: object) -> str:
    """HTML of a notebook's output with the tags and attributes of text, tables and pictures alone."""
    if isinstance(html, _Safe):
        return html
    import nh3

    text = html.decode("utf-8", "replace") if isinstance(html, bytes) else str(html)
    text = _replaced(text, "svg", _as_picture)
    for name in ("script", "style"):
        text = _replaced(text, name, lambda _: "")
    return nh3.clean(
        text,
        tags=set(_TAGS.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        clean_content_tags=set(),
        link_rel=None,
        url_schemes={"http", "https", "data"},
        filter_style_properties=set(_STYLES.split()),
    )


def _kept(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute that neither runs nor fetches anything; None leaves it out."""
    if name == "style":
        called = _CALLED.findall(" ".join(value[:_LONGEST_STYLE].split()))
        is_plain = len(value) <= _LONGEST_STYLE and "\\" not in value and "/*" not in value
        return value if is_plain and all(name.lower() in _FETCH_NOTHING for name in called) else None
    if name == "href":
        return value if value.lower().startswith(("http:", "https:", "#")) else None
    if name == "src":
        return value if value.startswith("data:image/") else None
    return value


def _replaced(html: str, name: str, made: Callable[[str], str]) -> str:
    """HTML with each element of a name as it is `made` anew; one that never ends stays."""
    opening, closing = (re.compile(pattern, re.IGNORECASE) for pattern in (rf"<{name}\b", rf"</{name}\s*>"))
    pieces, at = [], 0
    while (begun := opening.search(html, at)) and (ended := closing.search(html, begun.end())):
        pieces += [html[at : begun.start()], made(html[begun.start() : ended.end()])]
        at = ended.end()
    return "".join([*pieces, html[at:]])


def _as_picture(drawing: str) -> str:
    """A drawing as a picture, in which scripts do not run."""
    named = _NAME.match(drawing)
    words = unescape(named[1] or named[2] or "") if named else ""
    data = base64.b64encode(drawing.encode()).decode()
    return f'<img alt="{escape(words or "a plot")}" src="data:image/svg+xml;base64,{data}">'


def _cover(title: str, record: Mapping[str, Any]) -> str:
    stamp, figures = record["stamp"], dict(leaves(record["figures"]))
    commit = stamp.get("commit")
    environment = {
        "Run": stamp.get("utc"),
        "Machine": stamp.get("machine"),
        "Python": stamp.get("python"),
        "Commit": f"{commit[:12]}{', changed since' if stamp.get('dirty') else ''}" if commit else None,
    }
    first = [name for name in record.get("look_first", ()) if name in figures]
    verdict = record.get("verdict") or "No verdict: the figures below speak for themselves."
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class='verdict'>{escape(verdict)}</p>",
        _table("Look at these first", {name: figures[name] for name in first}),
        _table("Made by", environment),
        _table("Parameters", {name: as_written(value) for name, value in record["parameters"].items()}),
    ]
    return f"{_COVER_STYLE}<section class='cover'>{''.join(parts)}</section>"


def _table(title: str, values: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(written)}</td></tr>"
        for name, written in (readable(name, value) for name, value in values.items() if value not in (None, ""))
    ]
    return f"<h2>{escape(title)}</h2><table>{''.join(rows)}</table>" if rows else ""
