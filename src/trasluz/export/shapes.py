"""The shapes in which a model that was trained here goes out to Hugging Face.

All three descend from BART. Marian has its norms behind each part; Pegasus (Zhang et al. 2020) is the same
with norms before them, which most presets have; M2M100 is that with sines of another spacing.

Knows no weights and no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from trasluz.config import (
    EmbeddingConfig,
    Manifest,
    ModelConfig,
    PositionConfig,
    SinusoidalPosition,
    StackConfig,
    TransformerConfig,
)
from trasluz.errors import TrasluzError
from trasluz.export.program import most_tokens
from trasluz.export.specification import refusals
from trasluz.models.families.reading import ACTIVATIONS

FEWEST_POSITIONS = 1024
"""So many positions are written down at least; the architectures fail or count anew beyond them."""
EPSILON = 1e-5
SIDES = ("encoder", "decoder")
THEIRS = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
"""Their names of activations by ours; of two the first."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One of their architectures, which has no options where ours has.

    `model_type` and `architecture` are its names in config.json, `place` is that of its norms, `position` its
    positions where the padding symbol has some id, `has_bias` whether its output may have a bias.
    """

    name: str
    model_type: str
    architecture: str
    place: str
    position: Callable[[int], SinusoidalPosition]
    has_bias: bool

    def misfits(self, config: TransformerConfig) -> list[str]:
        """Why a model does not have this shape; nothing where it has."""
        return [*self._of_tables(config.embedding), *self._of_stacks(config)]

    def settings(self, manifest: Manifest) -> dict[str, Any]:
        """What config.json says of a model of this shape."""
        config = manifest.model
        assert isinstance(config, TransformerConfig), "it has this shape"
        stacks = {side: getattr(config, side) for side in SIDES}
        longest = most_tokens(manifest.longest_source, longest=None) + 1  # the start symbol counts here
        return {
            "model_type": self.model_type,
            "architectures": [self.architecture],
            "is_encoder_decoder": True,
            "vocab_size": config.embedding.vocabulary,
            "d_model": config.width,
            **{f"{side}_layers": stack.layers for side, stack in stacks.items()},
            **{f"{side}_attention_heads": stack.attention.heads for side, stack in stacks.items()},
            **{f"{side}_ffn_dim": stack.feedforward.hidden for side, stack in stacks.items()},
            "num_hidden_layers": config.encoder.layers,
            "activation_function": THEIRS[config.encoder.feedforward.activation],
            "scale_embedding": config.embedding.scaled,
            "max_position_embeddings": max(FEWEST_POSITIONS, longest),
            "dropout": config.encoder.dropout,
            **{f"{side}_layerdrop": 0.0 for side in SIDES},
            "attention_dropout": config.encoder.attention.dropout,
            "activation_dropout": config.encoder.feedforward.dropout,
            "pad_token_id": config.symbols.pad,
            "bos_token_id": config.symbols.start,
            "eos_token_id": config.symbols.end,
            "decoder_start_token_id": config.symbols.start,
            "tie_word_embeddings": True,
            "dtype": "float32",
        }

    def _of_tables(self, config: EmbeddingConfig) -> Iterator[str]:
        if not config.shared:
            yield "both languages have a table of their own"
        if not config.tied:
            yield "the output has a table of its own"
        if config.norm:
            yield "a norm stands behind the embeddings"
        if config.output_scale != 1.0:
            yield f"the output is scaled by {config.output_scale:g}"
        if config.output_bias and not self.has_bias:
            yield "the output has a bias"

    def _of_stacks(self, config: TransformerConfig) -> Iterator[str]:
        for side in SIDES:
            yield from self._of_stack(getattr(config, side), config, of=f"of the {side}")
        activations = sorted({getattr(config, side).feedforward.activation for side in SIDES})
        if len(activations) > 1:
            yield f"encoder and decoder have two activations, {' and '.join(activations)}"

    def _of_stack(self, stack: StackConfig, config: TransformerConfig, *, of: str) -> Iterator[str]:
        attention, norm, position = stack.attention, stack.norm, stack.position
        groups, heads = attention.kv_heads or attention.heads, attention.heads
        head_width = attention.head_width or config.width // heads
        wanted = self.position(config.symbols.pad)
        for holds, reason in (
            (norm.kind == "layer", f"the norms {of} are of the kind {norm.kind!r}, not 'layer'"),
            (norm.place == self.place, f"the norms {of} stand at {norm.place!r}, not at {self.place!r}"),
            (norm.epsilon == EPSILON, f"the epsilon of the norms {of} is {norm.epsilon:g}, not {EPSILON:g}"),
            (attention.score == "scaled-dot", f"the score {of} is {attention.score!r}, not 'scaled-dot'"),
            (groups == heads, f"the {heads} heads {of} share {groups} of keys and values"),
            (
                head_width * heads == config.width,
                f"the {heads} heads {of} are {head_width} wide, not the "
                f"width {config.width} divided by their number",
            ),
            (attention.bias, f"the attention {of} has no biases"),
            (stack.feedforward.bias, f"the feed-forward part {of} has no biases"),
            (not stack.feedforward.gated, f"the feed-forward part {of} is gated"),
            (position == wanted, f"the positions {of} are {_told(position)}, not {_told(wanted)}"),
        ):
            if not holds:
                yield reason


def _told(position: PositionConfig) -> str:
    """A position in words."""
    if not isinstance(position, SinusoidalPosition):
        return position.kind
    return f"{position.kind} ({position.layout}, {position.spacing}, the first at {position.first})"


MARIAN = Shape(
    name="Marian",
    model_type="marian",
    architecture="MarianMTModel",
    place="post",
    position=lambda pad: SinusoidalPosition(layout="halves", spacing="vaswani", first=0),
    has_bias=True,
)
M2M100 = Shape(
    name="M2M100",
    model_type="m2m_100",
    architecture="M2M100ForConditionalGeneration",
    place="pre",
    position=lambda pad: SinusoidalPosition(layout="halves", spacing="tensor2tensor", first=pad + 1),
    has_bias=False,
)


PEGASUS = Shape(
    name="Pegasus",
    model_type="pegasus",
    architecture="PegasusForConditionalGeneration",
    place="pre",
    position=MARIAN.position,
    has_bias=True,
)
SHAPES = (MARIAN, PEGASUS, M2M100)


def shape_of(config: ModelConfig) -> Shape:
    """The shape that a model has.

    Raises `TrasluzError` with every reason why it has none.
    """
    if not isinstance(config, TransformerConfig):
        raise TrasluzError(
            f"this model is {config.kind}, and what was trained here goes to Hugging Face as "
            f"{', '.join(shape.name for shape in SHAPES)}, which are encoder-decoder Transformers"
        )
    reasons = []
    for shape in SHAPES:
        misfits = shape.misfits(config)
        if not misfits:
            return shape
        reasons.append(f"{shape.name} does not fit, since {'; '.join(misfits)}")
    raise TrasluzError(
        "this model fits no shape in which it could go to Hugging Face without loss: "
        f"{'. '.join(reasons)}{'' if refusals(config) else '. `--to ctranslate2` can hold it'}"
    )
