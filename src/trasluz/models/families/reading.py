"""The configuration of a foreign checkpoint, read key by key: every key is used, or known not to matter.

Knows no family. A key that nobody asked for is an error: it might change what the model computes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from trasluz.errors import TrasluzError

Value = TypeVar("Value")

_WITHOUT_EFFECT = """
    _num_labels is_decoder is_encoder_decoder
    _attn_implementation _attn_implementation_autoset _name_or_path adapters architectures
    attn_implementation auto_map bad_words_ids begin_suppress_tokens chunk_size_feed_forward
    classif_dropout classifier_dropout cross_attention_hidden_size decoder_layerdrop diversity_penalty
    do_sample dtype early_stopping encoder_layerdrop encoder_no_repeat_ngram_size
    exponential_decay_length_penalty finetuning_task forced_bos_token_id forced_eos_token_id
    gradient_checkpointing id2label init_std initializer_factor initializer_range label2id
    length_penalty max_length max_new_tokens min_length model_type no_repeat_ngram_size num_beam_groups
    num_beams num_labels num_return_sequences output_attentions output_hidden_states output_past
    output_scores prefix problem_type pruned_heads remove_invalid_values repetition_penalty return_dict
    return_dict_in_generate sep_token_id suppress_tokens task_specific_params temperature tf_legacy_loss
    tokenizer_class top_k top_p torch_dtype torchscript transformers_version typical_p use_bfloat16
    use_cache
"""
WITHOUT_EFFECT = frozenset(_WITHOUT_EFFECT.split())
"""Keys that say how a checkpoint was made, or how somebody generated with it; generation is the user's."""

LARGEST, LONGEST = 2**20, 2**31
"""The most that a size and a length may be: no model has more, and a matrix of three sizes can be counted."""


ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "silu": "silu",
    "swish": "silu",
}
"""Our names of activations by theirs."""


class Reading:
    """A config.json, of which each key must be asked for.

    `stored` are the names of the tensors beside it. Errors name the file `where`.
    """

    def __init__(self, settings: Mapping[str, Any], *, stored: Collection[str] = (), where: str) -> None:
        self.settings, self.stored, self.where = settings, stored, where
        self._asked: set[str] = set()

    def number(self, key: str, default: float | None = None) -> float:
        """A number; without a default it must be there."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, value, "it should be a number")
        return value

    def count(self, key: str, default: int | None = None, *, most: int = LARGEST) -> int:
        """A whole number from 1 to `most`."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.wrong(key, value, "it should be a whole number, 1 or more")
        if value > most:
            raise self.wrong(key, value, f"no model has more than {most} there; copy it again")
        return value

    def length(self, key: str, default: int) -> int:
        """How many tokens a text, or a distance in it, may have."""
        return self.count(key, default, most=LONGEST)

    def layers(self, key: str, default: int | None = None) -> int:
        """How many layers there are; each of them has tensors of its own."""
        value = self.count(key, default)
        if value > len(self.stored):
            raise self.wrong(key, value, f"there are {len(self.stored)} tensors beside it, fewer than layers")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "it should be true or false")
        return value

    def token(self, key: str, default: int | None = None) -> int | None:
        """The id of a token, if there is one; of several the first."""
        value = self.settings.get(key)
        self._asked.add(key)
        first = value[0] if isinstance(value, list) and value else value
        if first is None:
            return default
        if isinstance(first, bool) or not isinstance(first, int) or first < 0:
            raise self.wrong(key, value, "it should be the id of a token")
        return first

    def choice(self, key: str, allowed: Mapping[str, Value], *, default: str) -> Value:
        """What stands in `allowed` for the word of that key."""
        value = self._value(key, default)
        if not isinstance(value, str) or value not in allowed:
            raise self.wrong(key, value, f"Trasluz has {', '.join(allowed)}")
        return allowed[value]

    def word(self, key: str, *, default: str) -> str:
        """Any word."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, value, "it should be a word")
        return value

    def group(self, key: str) -> Reading | None:
        """A group of settings inside, if it is there."""
        value = self.settings.get(key)
        self._asked.add(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.wrong(key, value, "it should be a group of settings")
        return Reading(value, where=f"{self.where}, {key}")

    def must_be(self, key: str, only: Any) -> None:
        """Refuse anything but one value, which is also what a missing key means."""
        value = self._value(key, only)
        if value != only:
            raise self.wrong(key, value, f"Trasluz has only {only!r} there")

    def ignore(self, *keys: str) -> None:
        """These do not change what the model computes."""
        self._asked.update(keys)

    def finish(self) -> None:
        """Raise `TrasluzError` that lists every key that nobody asked for."""
        self.must_be("tie_encoder_decoder", False)
        left = sorted(self.settings.keys() - self._asked - WITHOUT_EFFECT)
        if left:
            told = ", ".join(f"{key} ({self.settings[key]!r})" for key in left)
            raise TrasluzError(
                f"{self.where}: Trasluz does not know what {told} would change in this model, so it is not "
                "loaded; take the key out if it changes nothing"
            )

    def wrong(self, key: str, value: Any, why: str) -> TrasluzError:
        """The error for a value that cannot be had."""
        return TrasluzError(f"{self.where}: {key} is {value!r}, but {why}")

    def _value(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        value = self.settings.get(key, default)
        if value is None:
            value = default
        if value is None:
            raise TrasluzError(f"{self.where}: the key {key!r} is missing; copy the whole checkpoint again")
        return value
