"""Readers for source code: an outline of its symbols, one Part a top-level symbol, nothing twice and nothing lost.

grammar (a tolerant tree, asked by a query) -> python, javascript; tinycss2 -> css; all -> outline (Parts, Document).
"""

from autopicker_lab.extraction.code.css import read_css
from autopicker_lab.extraction.code.javascript import read_javascript
from autopicker_lab.extraction.code.python import read_python

__all__ = ["read_css", "read_javascript", "read_python"]
