"""Names that mean a model, with Ollama's ":latest" and without."""

import pytest

from autopicker_lab.core import ModelSpec, UnknownModelError
from autopicker_lab.models import Catalogue, build


def test_latest_is_no_part_of_a_name() -> None:
    specs = (ModelSpec("plain", "ollama", "plain", "http://127.0.0.1:9", aliases=("other",)),)
    catalogue = Catalogue(
        build(spec) for spec in (*specs, ModelSpec("tagged:latest", "ollama", "x", "http://127.0.0.1:9"))
    )
    assert catalogue.get("plain:latest").describe().id == "plain"
    assert catalogue.get("other:latest").describe().id == "plain"
    assert catalogue.get("tagged").describe().id == "tagged:latest"
    for name in ("plain:7b", ":latest", "latest"):
        with pytest.raises(UnknownModelError):
            catalogue.get(name)
