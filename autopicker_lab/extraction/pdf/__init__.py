"""PDF: `read_pdf` for its text, `page_image` for a look at a page.

words, drawing, annotations (what pdfium knows) -> tables (ruled), layout (reading order), alignment (unruled tables)
-> heads (what belongs to the paper) -> lines, structure (Markdown) -> reader (the Document).
"""

from autopicker_lab.extraction.pdf.reader import page_image, read_pdf

__all__ = ["page_image", "read_pdf"]
