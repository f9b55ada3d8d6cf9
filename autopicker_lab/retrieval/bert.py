"""FolderEncoder: an encoder whose weights lie in a folder, as those of a BERT (Devlin et al. 2019, arXiv:1810.04805).

all-MiniLM-L6-v2, bge-small and -base, gte-small and -base, e5-small and -base are of this kind, multilingual-e5-small
too. Computed with numpy, in this process, since what else reads them (torch) takes a gigabyte; others are served by
Ollama, or by a server that speaks OpenAI's API, and named by their id.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import SettingsError
from autopicker_lab.retrieval.encoder import prefixes, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]

FILES = ("config.json", "tokenizer.json", "model.safetensors")
_LONGEST = 512  # tokens of a text that are read
_AT_ONCE = 8  # texts
_FAR = -1e9  # what is added to the attention of a token that only fills up


class BertWeights:
    """The weights of a BERT, and what it makes of tokens.

    Args:
        folder: has config.json and model.safetensors.
    """

    def __init__(self, folder: Path):
        from safetensors.numpy import load_file

        self.config = json.loads((folder / "config.json").read_text("utf-8"))
        if self.config.get("model_type") != "bert":
            raise SettingsError(
                f"{folder} holds a model of type {self.config.get('model_type')!r}, which is not read here",
                "serve it by Ollama or another server, and name it by its id in the catalogue",
            )
        self._weights = {name.removeprefix("bert."): value for name, value in load_file(folder / FILES[2]).items()}

    def hidden(self, ids: Any, mask: Any) -> Floats:
        """The last layer's states of tokens, shape (texts, tokens, dimensions), for ids and mask of (texts, tokens)."""
        import numpy as np

        at = "embeddings."
        states = self._weights[f"{at}word_embeddings.weight"][ids]
        states = states + self._weights[f"{at}position_embeddings.weight"][: ids.shape[1]]
        states = self._normed(states + self._weights[f"{at}token_type_embeddings.weight"][0], f"{at}LayerNorm")
        away = np.where(mask[:, None, None, :], np.float32(0), np.float32(_FAR))
        for number in range(self.config["num_hidden_layers"]):
            states = self._layer(states, away, f"encoder.layer.{number}.")
        found: Floats = states
        return found

    def _layer(self, states: Any, away: Any, at: str) -> Any:
        import numpy as np

        texts, tokens, width = states.shape
        heads = self.config["num_attention_heads"]

        def split(name: str) -> Any:
            made = self._linear(states, f"{at}attention.self.{name}")
            return made.reshape(texts, tokens, heads, width // heads).transpose(0, 2, 1, 3)

        near = split("query") @ split("key").transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // heads)) + away
        near = np.exp(near - near.max(axis=-1, keepdims=True))
        near /= near.sum(axis=-1, keepdims=True)
        read = (near @ split("value")).transpose(0, 2, 1, 3).reshape(texts, tokens, width)
        read = self._linear(read, f"{at}attention.output.dense")
        states = self._normed(states + read, f"{at}attention.output.LayerNorm")
        inner = _gelu(self._linear(states, f"{at}intermediate.dense"))
        return self._normed(states + self._linear(inner, f"{at}output.dense"), f"{at}output.LayerNorm")

    def _linear(self, states: Any, name: str) -> Any:
        return states @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normed(self, states: Any, name: str) -> Any:
        import numpy as np

        mean = states.mean(axis=-1, keepdims=True)
        spread = np.sqrt(((states - mean) ** 2).mean(axis=-1, keepdims=True) + self.config.get("layer_norm_eps", 1e-12))
        return (states - mean) / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


class FolderEncoder:
    """The encoder of a folder: it loads on first use, and reads texts some at a time.

    The folder's `1_Pooling/config.json` says whether a text's vector is the mean of its tokens' (where there is none,
    too) or its first token's. Safe for several threads, which take turns.

    Args:
        folder: config.json, tokenizer.json and model.safetensors.

    Raises:
        SettingsError: files are missing; on first use, too, where they cannot be read or are another kind of model.
    """

    def __init__(self, folder: str | Path):
        self._folder = Path(folder).expanduser()
        missing = [name for name in FILES if not (self._folder / name).is_file()]
        if missing:
            raise SettingsError(
                f"{self._folder} is no encoder: {', '.join(missing)} missing", "name the folder of a BERT's weights"
            )
        self.name = str(self._folder.resolve())
        self._before_question, self._before_passage = prefixes(self._folder.name)
        self._lock = threading.Lock()
        self._model: tuple[BertWeights, Any, bool] | None = None

    def passages(self, texts: Sequence[str]) -> Floats:
        """Vectors of passages, shape (passages, dimensions)."""
        import numpy as np

        every = [self._before_passage + text for text in texts]
        if not every:
            return np.empty((0, 0), np.float32)
        return np.concatenate([self._encoded(every[i : i + _AT_ONCE]) for i in range(0, len(every), _AT_ONCE)])

    def question(self, text: str) -> Floats:
        """The vector of a question, shape (dimensions,)."""
        vector: Floats = self._encoded([self._before_question + text])[0]
        return vector

    def _encoded(self, texts: Sequence[str]) -> Floats:
        import numpy as np

        with self._lock:
            weights, tokenizer, is_mean = self._model = self._model or self._loaded()
            tokens = tokenizer.encode_batch(list(texts))
            ids = np.array([one.ids for one in tokens], np.int64)
            mask = np.array([one.attention_mask for one in tokens], bool)
            states = weights.hidden(ids, mask)
        pooled = (states * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True) if is_mean else states[:, 0]
        return unit(pooled)

    def _loaded(self) -> tuple[BertWeights, Any, bool]:
        import numpy as np
        from tokenizers import Tokenizer

        try:
            weights = BertWeights(self._folder)
            tokenizer = Tokenizer.from_file(str(self._folder / FILES[1]))
            weights.hidden(np.zeros((1, 1), np.int64), np.ones((1, 1), bool))  # all that it takes is there
        except SettingsError:
            raise
        except Exception as error:  # tokenizers has none that is narrower
            raise SettingsError(f"{self._folder} cannot be read: {error}", "fetch its files anew") from error
        tokenizer.enable_truncation(min(_LONGEST, weights.config.get("max_position_embeddings", _LONGEST)))
        tokenizer.enable_padding(pad_id=weights.config.get("pad_token_id", 0))
        pooling = self._folder / "1_Pooling" / "config.json"
        first = json.loads(pooling.read_text("utf-8")).get("pooling_mode_cls_token") if pooling.is_file() else False
        return weights, tokenizer, not first


def _gelu(values: Any) -> Any:
    """X Phi(x), by Abramowitz and Stegun's 7.1.26 for erf (1.5e-7 off at most)."""
    import numpy as np

    x = np.abs(values) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * x)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * np.float32(1.061405429)))))
    erf = np.sign(values) * (1 - tail * np.exp(-x * x))
    return (values * (1 + erf) / 2).astype(np.float32)
