"""Reader for PDF: `read_pdf` gives the Document, `page_image` a page as a picture.

The way of a page: words, drawing, annotations (what pdfium knows) -> page (turned upright) -> tables (ruled), layout
(reading order), alignment (unruled tables) -> heads (running heads and feet) -> lines, structure (Markdown) -> reader
(the Document).
"""

from autopicker_lab.extraction.pdf.reader import page_image, read_pdf

__all__ = ["page_image", "read_pdf"]
