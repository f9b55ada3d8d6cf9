"""Tokens of a piece of text by family of tokenizers: rates a word, a letter, a mark, and a character of each script.

Fitted by least squares on relative errors to the counts of the tokenizers themselves, over prose in 60 languages, the
Universal Declaration of Human Rights in 500, and source code in twelve languages.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES = ("o200k", "cl100k", "llama3", "qwen", "gemma", "deepseek", "llama2", "smollm", "gpt2")
OTHER = "other"

# In the order of `tokens._shape_counts`; letters of English, and of languages that tokenizers know well, cost less.
SHAPE_RATES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "words": (0.66, 0.94, 0.66, 0.75, 0.53, 0.99, 0.96, 0.78, 0.82),
        "small letters": (0.148, 0.142, 0.178, 0.172, 0.188, 0.108, 0.179, 0.204, 0.207),
        "capitals": (0.232, 0.231, 0.243, 0.231, 0.31, 0.303, 0.339, 0.453, 0.435),
        "long runs": (0.75, 2.87, 2.93, 3.57, 0, 3.06, 2.64, 4.88, 4.42),
        "digits": (1.09, 1.13, 1.07, 1.37, 1.37, 0.84, 1.37, 1.5, 0.73),
        "marks": (0.52, 0.42, 0.48, 0.49, 0.51, 0.5, 0.39, 0.47, 0.54),
        "marks before letters": (0.05, 0.05, 0, 0, 0.36, 0.61, 0.91, 0.44, 0.52),
        "lines": (0.16, 0.11, 0.06, 0.01, 0.49, 0.16, 0.67, 0.5, 0.56),
        "indents": (0.32, 0.74, 0.42, 0.46, 0.58, 0, 0.59, 0, 0.03),
        "blanks": (0.13, 0, 0.08, 0.03, 0.23, 0.1, 0.02, 0, 1.49),
        "English letters": (-0.072, -0.138, -0.109, -0.127, -0.084, -0.122, -0.16, -0.187, -0.204),
        "well-known letters": (-0.063, -0.087, -0.064, -0.089, -0.071, -0.071, -0.077, -0.033, -0.029),
    }
)

SCRIPT_RATES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "Latin-1 marks": (1, 1.3, 1.2, 1.2, 1, 1.2, 1.5, 1.79, 1.79),
        "Latin-1 letters": (0.93, 1.22, 1.09, 1.1, 0.93, 1.12, 1.41, 1.69, 1.69),
        "Latin Extended": (0.75, 1.41, 0.16, 0.49, 0.41, 1.57, 1.69, 1.86, 2.06),
        "combining marks": (1.2, 1.56, 1.44, 1.44, 1.2, 1.44, 1.8, 2.16, 2.16),
        "Latin Additional": (0, 0.37, 0, 0, 0, 0, 1.32, 2.31, 3.19),
        "Greek": (0.31, 0.91, 0.33, 0.92, 0.35, 0.37, 1.01, 0.87, 1.2),
        "Cyrillic": (0.193, 0.376, 0.241, 0.261, 0.207, 0.174, 0.284, 0.753, 1.134),
        "Cyrillic Extended": (1.81, 4.17, 4.48, 3.55, 2.62, 3.55, 3.44, 3.18, 2.82),
        "Armenian": (0.3, 2.23, 1.99, 1.2, 0.6, 0.56, 1.17, 2.22, 2.19),
        "Hebrew": (0.31, 0.99, 1.05, 0.31, 0.45, 0.33, 1.03, 1.18, 1.27),
        "Arabic": (0.22, 0.64, 0.31, 0.3, 0.28, 0.23, 0.89, 0.99, 1.07),
        "Arabic Extended": (0.48, 1.43, 0.67, 1.56, 0.34, 0.61, 1.33, 1.89, 2.23),
        "Devanagari": (0.23, 1.01, 0.49, 0.98, 0.2, 0.47, 1.06, 1.17, 1.74),
        "Bengali": (0.31, 1.28, 1.33, 1.16, 0.23, 0.31, 1.18, 2.06, 2.24),
        "Gurmukhi": (0.48, 2.02, 2.1, 1.92, 0.53, 0.92, 3.01, 2.15, 1.86),
        "Gujarati": (0.27, 1.83, 1.89, 1.63, 0.33, 0.79, 2.27, 3.06, 3.05),
        "Oriya": (0.6, 0.78, 0.72, 0.72, 0.6, 0.72, 0.9, 1.08, 1.08),
        "Tamil": (0.32, 1.47, 1.5, 1.2, 0.26, 0.52, 1.17, 1.9, 3.03),
        "Telugu": (0.42, 1.89, 1.93, 1.64, 0.41, 0.78, 1.85, 3.07, 3.04),
        "Kannada": (0.38, 1.9, 1.93, 1.51, 0.43, 0.74, 1.46, 3.06, 2.99),
        "Malayalam": (0.32, 1.75, 1.76, 1.47, 0.31, 0.81, 2.34, 2.35, 3.04),
        "Sinhala": (0.51, 2.01, 2.05, 1.6, 0.42, 0.93, 1.85, 3.05, 3.03),
        "Thai": (0.38, 0.93, 0.47, 0.59, 0.33, 0.35, 1.02, 1.93, 2.01),
        "Lao": (1.87, 2.15, 2.01, 1.3, 0.56, 1.81, 2.72, 3.02, 3.01),
        "Tibetan": (1.51, 2.07, 2.08, 1.36, 0.69, 1.12, 1.43, 2.34, 2.74),
        "Myanmar": (0.69, 2.15, 2.17, 1.63, 0.54, 1.03, 1.78, 2.95, 2.94),
        "Georgian": (0.29, 2.02, 2.06, 1.05, 0.42, 0.71, 1.02, 2.05, 2.9),
        "Ethiopic": (2.05, 2.85, 2.89, 1.23, 0.79, 2.2, 2.58, 2.9, 2.89),
        "Khmer": (0.57, 1.69, 1.7, 1.25, 0.48, 1.24, 1.18, 2.26, 2.93),
        "punctuation and signs": (0.99, 1.29, 1.19, 1.19, 1, 1.2, 1.49, 1.79, 1.8),
        "kana": (0.6, 0.87, 0.57, 0.63, 0.37, 0.6, 0.99, 1.71, 1.02),
        "CJK punctuation": (0.9, 1.17, 1.08, 1.08, 0.9, 1.08, 1.35, 1.62, 1.62),
        "Han": (0.85, 1.15, 0.78, 0.65, 0.67, 0.54, 1.1, 1.81, 2.17),
        "Hangul": (0.49, 0.84, 0.54, 0.58, 0.51, 0.53, 1.12, 2.57, 2.64),
        "full width": (1, 1.3, 1.2, 1.2, 1, 1.2, 1.5, 1.8, 1.8),
        "emoji and rare letters": (2.5, 3.25, 3, 3, 2.5, 3, 3.75, 4.5, 4.5),
        "other": (2, 2.6, 2.4, 2.4, 2, 2.4, 3, 3.6, 3.6),
    }
)

# The first bytes, in UTF-8, that the characters of a script begin with.
SCRIPT_BYTES: Mapping[str, str] = MappingProxyType(
    {
        "Latin-1 marks": "c2",
        "Latin-1 letters": "c3",
        "Latin Extended": "c4 c5 c6 c7 c8 c9",
        "combining marks": "cc cd",
        "Latin Additional": "e1ba e1bb",
        "Greek": "ce cf",
        "Cyrillic": "d0 d1",
        "Cyrillic Extended": "d2 d3",
        "Armenian": "d4 d5",
        "Hebrew": "d6 d7",
        "Arabic": "d8 d9",
        "Arabic Extended": "da db",
        "Devanagari": "e0a4 e0a5",
        "Bengali": "e0a6 e0a7",
        "Gurmukhi": "e0a8 e0a9",
        "Gujarati": "e0aa e0ab",
        "Oriya": "e0ac e0ad",
        "Tamil": "e0ae e0af",
        "Telugu": "e0b0 e0b1",
        "Kannada": "e0b2 e0b3",
        "Malayalam": "e0b4 e0b5",
        "Sinhala": "e0b6 e0b7",
        "Thai": "e0b8 e0b9",
        "Lao": "e0ba e0bb",
        "Tibetan": "e0bc e0bd e0be e0bf",
        "Myanmar": "e180 e181 e182",
        "Georgian": "e183 e1b2",
        "Ethiopic": "e188 e189 e18a e18b e18c e18d",
        "Khmer": "e19e e19f",
        "punctuation and signs": "e2",
        "kana": "e381 e382 e383",
        "CJK punctuation": "e380",
        "Han": "e4 e5 e6 e7 e8 e9",
        "Hangul": "ea eb ec ed",
        "full width": "ef",
        "emoji and rare letters": "f0",
    }
)
