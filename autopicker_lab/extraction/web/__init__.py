"""Reader for HTML, XHTML and saved pages (MHTML): `read_html` gives the Document.

The way of a page: archive (the page within MHTML), page (a tree, in any encoding), furniture and article (what is
content) -> writer (blocks), lists, tables, inline, forms, mathml, media (Markdown) -> structure (metadata) -> reader.
"""

from autopicker_lab.extraction.web.reader import read_html

__all__ = ["read_html"]
