"""The directory of a model that is named as on the hub of Hugging Face, fetched if it is not there yet.

Knows no format of models.
"""

from __future__ import annotations

import re
from pathlib import Path

from trasluz.errors import TrasluzError

NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
WANTED = ("*.json", "*.safetensors", "*.model", "*.spm", "*.txt", "*.jinja", "LICENSE*", "NOTICE*")
"""What a model needs; code stays where it is, and so do old weights, of which safetensors are asked for."""


def directory_of(model: Path) -> Path:
    """The directory itself, or that of the model with such a name, such as `google-t5/t5-small`.

    Raises `TrasluzError` where there is no such directory and no such name, and where it cannot be fetched.
    """
    if model.exists() or model.parent.is_dir() or not NAME.fullmatch(model.as_posix()):
        return model  # beside what is there, a name that is not is more likely a mistake
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
    except ImportError:
        raise TrasluzError(
            f"{model}: there is no such directory, and if it is a name on the hub, fetching it needs "
            "huggingface_hub; install it with: pip install 'trasluz[hub]'"
        ) from None
    try:
        return Path(snapshot_download(model.as_posix(), allow_patterns=list(WANTED)))
    except RepositoryNotFoundError:
        raise TrasluzError(f"{model}: there is no such directory, and no such model on the hub") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
        raise TrasluzError(
            f"{model}: there is no such directory, and the hub cannot be reached to fetch a model of that "
            "name; check the network, or give a directory"
        ) from None
