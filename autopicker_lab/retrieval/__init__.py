"""Finding passages: which pieces of files a model is given for a question, within a budget of tokens.

`Retriever.select` is all that other rooms call.
"""

from autopicker_lab.retrieval.bert import FolderEncoder
from autopicker_lab.retrieval.chosen import ChosenPassage, Retrieved
from autopicker_lab.retrieval.encoder import AskedEncoder, BundledEncoder, Encoder, bundled
from autopicker_lab.retrieval.passages import Heading, Passage, passages_of
from autopicker_lab.retrieval.retriever import Retriever

__all__ = [
    "AskedEncoder",
    "BundledEncoder",
    "ChosenPassage",
    "Encoder",
    "FolderEncoder",
    "Heading",
    "Passage",
    "Retrieved",
    "Retriever",
    "bundled",
    "passages_of",
]
