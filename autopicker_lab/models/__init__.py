"""The providers: Ollama, any OpenAI-compatible API, and llama.cpp in this process, behind one Protocol."""

from autopicker_lab.known_models import quality_prior
from autopicker_lab.models.base import Availability, ChatModel, complete_from_stream, image_bytes
from autopicker_lab.models.catalogue import PROVIDERS, Catalogue, build

__all__ = [
    "PROVIDERS",
    "Availability",
    "Catalogue",
    "ChatModel",
    "build",
    "complete_from_stream",
    "image_bytes",
    "quality_prior",
]
