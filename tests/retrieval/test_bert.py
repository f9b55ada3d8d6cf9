"""FolderEncoder: a BERT of a few numbers, computed by hand beside it."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autopicker_lab.core import SettingsError
from autopicker_lab.retrieval import FolderEncoder

WIDTH, INNER = 4, 8


def folder_of(path: Path, kind: str = "bert", is_first: bool = False) -> Path:
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    draw = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (6, WIDTH),
        "embeddings.position_embeddings.weight": (16, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm": (WIDTH, WIDTH),
    }
    layer = "encoder.layer.0."
    for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
        shapes[layer + name] = (WIDTH, WIDTH)
    shapes |= {f"{layer}intermediate.dense": (INNER, WIDTH), f"{layer}output.dense": (WIDTH, INNER)}
    shapes |= {f"{layer}attention.output.LayerNorm": (WIDTH, WIDTH), f"{layer}output.LayerNorm": (WIDTH, WIDTH)}
    weights = {}
    for name, (out, inner) in shapes.items():
        if name.endswith(".weight"):
            weights[name] = draw.normal(size=(out, inner)).astype(np.float32)
        elif name.endswith("LayerNorm"):
            weights[f"{name}.weight"] = np.ones(out, np.float32)
            weights[f"{name}.bias"] = np.zeros(out, np.float32)
        else:
            weights[f"{name}.weight"] = draw.normal(size=(out, inner)).astype(np.float32)
            weights[f"{name}.bias"] = draw.normal(size=out).astype(np.float32)
    path.mkdir(exist_ok=True)
    save_file(weights, path / "model.safetensors")
    tokenizer = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "mill": 2, "river": 3, "boat": 4}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path / "tokenizer.json"))
    config = {"model_type": kind, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 16}
    (path / "config.json").write_text(json.dumps(config))
    (path / "1_Pooling").mkdir(exist_ok=True)
    (path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": is_first}))
    return path


def by_hand(path: Path, ids: list[int]) -> np.ndarray:
    """One text through the same weights, number by number where the code works on arrays."""
    from safetensors.numpy import load_file

    w = {name: value.astype(np.float64) for name, value in load_file(path / "model.safetensors").items()}

    def normed(row: Any) -> Any:
        return (row - row.mean()) / math.sqrt(row.var() + 1e-12)

    def linear(row: Any, name: str) -> Any:
        return w[f"encoder.layer.0.{name}.weight"] @ row + w[f"encoder.layer.0.{name}.bias"]

    rows = [
        normed(
            w["embeddings.word_embeddings.weight"][token]
            + w["embeddings.position_embeddings.weight"][at]
            + w["embeddings.token_type_embeddings.weight"][0]
        )
        for at, token in enumerate(ids)
    ]
    made = []
    for row in rows:
        read = np.zeros(WIDTH)
        for head in (slice(0, 2), slice(2, 4)):
            query = linear(row, "attention.self.query")[head]
            near = np.array([query @ linear(r, "attention.self.key")[head] / math.sqrt(2) for r in rows])
            shares = np.exp(near) / np.exp(near).sum()
            read[head] = sum(s * linear(r, "attention.self.value")[head] for s, r in zip(shares, rows, strict=True))
        state = normed(row + linear(read, "attention.output.dense"))
        inner = np.array([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in linear(state, "intermediate.dense")])
        made.append(normed(state + linear(inner, "output.dense")))
    return np.array(made)


@pytest.mark.parametrize("is_first", [False, True])
def test_vectors_are_those_of_the_weights_alone_and_beside_longer_texts(tmp_path: Path, is_first: bool) -> None:
    encoder = FolderEncoder(folder_of(tmp_path / "tiny", is_first=is_first))
    vectors = encoder.passages(["mill river boat", "boat"])
    for vector, ids in zip(vectors, ([2, 3, 4], [4]), strict=True):
        states = by_hand(tmp_path / "tiny", ids)
        pooled = states[0] if is_first else states.mean(axis=0)
        assert vector == pytest.approx(pooled / np.linalg.norm(pooled), abs=1e-5)
    assert encoder.question("boat") == pytest.approx(vectors[1], abs=1e-6)


def test_a_text_longer_than_the_model_reads_is_cut(tmp_path: Path) -> None:
    encoder = FolderEncoder(folder_of(tmp_path / "tiny"))
    assert encoder.question("mill " * 40) == pytest.approx(encoder.question("mill " * 16), abs=1e-6)


def test_another_kind_of_model_and_a_folder_without_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="which is not read here"):
        FolderEncoder(folder_of(tmp_path / "other", kind="qwen2")).question("mill")
    with pytest.raises(SettingsError, match="is no encoder"):
        FolderEncoder(tmp_path)


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
def test_files_that_cannot_be_read_say_what_to_do(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path / "broken")
    (folder / name).write_bytes(b'{"cut o')
    with pytest.raises(SettingsError, match="cannot be read"):
        FolderEncoder(folder).question("mill")
