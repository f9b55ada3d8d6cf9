"""Reader for PDF: `read_pdf` gives the Document, `page_image` a page as a picture.

The way of a file: traits, opening (mended, its hidden layers marked) -> pages.

The way of a page: words, drawing, annotations (what pdfium knows) -> ink (what is seen) -> page (turned upright) ->
trust, scans (read from the picture) -> tables (ruled), layout (reading order), alignment (unruled tables) -> heads
(running heads and feet) -> lines, structure (Markdown) -> reader (the Document).
"""

from autopicker_lab.extraction.pdf.reader import page_image, read_pdf

__all__ = ["page_image", "read_pdf"]
