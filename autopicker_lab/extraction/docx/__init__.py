"""Reader for DOCX: one walk over the XML of its parts, in document order.

`reader.py` begins; `walk.py` walks over paragraphs, runs and tables; the other modules know one thing each.
"""

from autopicker_lab.extraction.docx.reader import read_docx

__all__ = ["read_docx"]
