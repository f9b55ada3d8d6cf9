"""PDF: `read_pdf` for its text, `page_image` for a look at a page.

words (what pdfium knows) -> tables, layout (reading order) -> heads (what belongs to the paper) -> structure
(Markdown) -> reader (the Document).
"""

from autopicker_lab.extraction.pdf.reader import page_image, read_pdf

__all__ = ["page_image", "read_pdf"]
