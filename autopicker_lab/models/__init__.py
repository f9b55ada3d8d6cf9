"""The providers: Ollama, any OpenAI-compatible API, and llama.cpp in this process, behind one Protocol."""

from autopicker_lab.models.base import Availability, ChatModel, gather, image_bytes, quality_prior
from autopicker_lab.models.catalogue import PROVIDERS, Catalogue, build

__all__ = ["PROVIDERS", "Availability", "Catalogue", "ChatModel", "build", "gather", "image_bytes", "quality_prior"]
