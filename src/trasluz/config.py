"""What a model and its training are made of: frozen settings that mirror the module tree.

Knows no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from trasluz.parse import Settings

ScoreName = Literal["scaled-dot", "dot", "bilinear", "mlp", "cosine"]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
TokenId = Annotated[int, Field(ge=0)]
TokenCount = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0.0)]


class NoPosition(Settings):
    """Tokens carry no position."""

    kind: Literal["none"] = "none"


class SinusoidalPosition(Settings):
    """Sines and cosines added to the embeddings; the first token stands at position `first`."""

    kind: Literal["sinusoidal"] = "sinusoidal"
    layout: Literal["interleaved", "halves"] = "halves"
    spacing: Literal["vaswani", "tensor2tensor"] = "vaswani"
    first: TokenCount = 0


class LearnedPosition(Settings):
    """A learnt vector for each of `length` positions, added to the embeddings."""

    kind: Literal["learned"] = "learned"
    length: Count = 512


class NoScaling(Settings):
    """Every pair of numbers turns as fast as it was learnt."""

    kind: Literal["none"] = "none"


class LinearScaling(Settings):
    """All turn `factor` times slower (Chen et al. 2023)."""

    kind: Literal["linear"] = "linear"
    factor: Positive


class Llama3Scaling(Settings):
    """Those that turn slowest over `length` tokens turn `factor` times slower (Grattafiori et al. 2024)."""

    kind: Literal["llama3"] = "llama3"
    factor: Positive
    low: Positive = 1.0
    high: Positive = 4.0
    length: Count = 8192

    @model_validator(mode="after")
    def _ramp_rises(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"'low' is {self.low:g} and 'high' {self.high:g}, but the first must be smaller")
        return self


class YarnScaling(Settings):
    """Likewise, with a ramp over dimensions, and a magnitude (Peng et al. 2024, section 3)."""

    kind: Literal["yarn"] = "yarn"
    factor: Positive
    fast: Positive = 32.0
    slow: Positive = 1.0
    length: Count
    magnitude: Positive
    whole: bool = True


RotaryScaling = Annotated[
    NoScaling | LinearScaling | Llama3Scaling | YarnScaling, Field(discriminator="kind")
]


class RotaryPosition(Settings):
    """Queries and keys rotated by their position; `scaling` makes a model hold more than it had learnt."""

    kind: Literal["rotary"] = "rotary"
    base: Positive = 10000.0
    scaling: RotaryScaling = NoScaling()


class RelativePosition(Settings):
    """A learnt bias of the scores for each bucket of distances."""

    kind: Literal["relative"] = "relative"
    buckets: Annotated[int, Field(ge=4, multiple_of=4)] = 32
    longest: Count = 128

    @model_validator(mode="after")
    def _longest_beyond_single_distances(self) -> Self:
        if self.longest <= self.buckets // 2:
            raise ValueError(
                f"'longest' is {self.longest}, but must be more than half of the {self.buckets} buckets"
            )
        return self


PositionConfig = Annotated[
    NoPosition | SinusoidalPosition | LearnedPosition | RotaryPosition | RelativePosition,
    Field(discriminator="kind"),
]


class NormConfig(Settings):
    """Which norm, and where it stands in a residual."""

    kind: Literal["layer", "rms"] = "layer"
    place: Literal["pre", "post"] = "post"
    epsilon: Positive = 1e-5


class AttentionConfig(Settings):
    """Heads and how they compare; without `kv_heads` as many, without `head_width` width / heads."""

    score: ScoreName = "scaled-dot"
    heads: Count = 4
    kv_heads: Count | None = None
    head_width: Count | None = None
    bias: bool = True
    dropout: Rate = 0.0

    @model_validator(mode="after")
    def _groups_of_heads(self) -> Self:
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise ValueError(
                f"'heads' is {self.heads} and 'kv_heads' {self.kv_heads}; the second must divide the first"
            )
        return self


class FeedForwardConfig(Settings):
    """The part of a block that treats each token alone."""

    hidden: Count = 1024
    activation: Literal["relu", "gelu", "gelu-tanh", "silu"] = "relu"
    gated: bool = False
    bias: bool = True
    dropout: Rate = 0.0


class StackConfig(Settings):
    """A stack of equal blocks."""

    layers: Count = 3
    attention: AttentionConfig = AttentionConfig()
    feedforward: FeedForwardConfig = FeedForwardConfig()
    norm: NormConfig = NormConfig()
    position: PositionConfig = SinusoidalPosition()
    dropout: Rate = 0.1

    @property
    def length(self) -> int | None:
        """The most positions that there are, where they are learnt."""
        return self.position.length if isinstance(self.position, LearnedPosition) else None


class EmbeddingConfig(Settings):
    """The tables of tokens; `shared` is one table for both languages, `tied` uses it for the output too.

    With `fixed_padding` the vector of the padding symbol learns nothing from being looked up. Without a
    `dropout` of their own, embeddings have that of their stack.
    """

    vocabulary: Count
    shared: bool = True
    tied: bool = True
    scaled: bool = True
    norm: bool = False
    output_bias: bool = False
    output_scale: float = 1.0
    fixed_padding: bool = False
    dropout: Rate | None = None


NO_PADDING = -1
"""What pads where a vocabulary has no symbol for it: no token at all."""


class SymbolsConfig(Settings):
    """The ids of the tokens that are no text."""

    pad: Annotated[int, Field(ge=NO_PADDING)] = 0
    start: TokenId = 1
    end: TokenId = 2
    unknown: TokenId = 3

    def check(self, vocabulary: int) -> None:
        """Raise where a symbol is no token of such a vocabulary."""
        for name, token in self:
            if token >= vocabulary:
                raise ValueError(
                    f"symbols.{name} is {token}, but the vocabulary has the tokens 0 to {vocabulary - 1}"
                )


class TransformerConfig(Settings):
    """An encoder-decoder Transformer (Vaswani et al. 2017)."""

    kind: Literal["transformer"] = "transformer"
    width: Count = 256
    embedding: EmbeddingConfig
    encoder: StackConfig = StackConfig()
    decoder: StackConfig = StackConfig()
    symbols: SymbolsConfig = SymbolsConfig()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        _check_heads(self.width, encoder=self.encoder, decoder=self.decoder)
        self.symbols.check(self.embedding.vocabulary)
        return self

    def longest_target(self, source: int) -> int | None:
        """The most tokens that the model can write after `source` tokens, where it has such a limit."""
        return self.decoder.length


class DecoderOnlyConfig(Settings):
    """One stack for source and target in one sequence, or for text alone (Radford et al. 2018)."""

    kind: Literal["decoder-only"] = "decoder-only"
    width: Count = 256
    embedding: EmbeddingConfig
    decoder: StackConfig = StackConfig()
    symbols: SymbolsConfig = SymbolsConfig()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        _check_heads(self.width, decoder=self.decoder)
        self.symbols.check(self.embedding.vocabulary)
        return self

    @model_validator(mode="after")
    def _one_table(self) -> Self:
        if not self.embedding.shared:
            raise ValueError("a decoder-only model has one table of tokens; leave embedding.shared at true")
        return self

    def longest_target(self, source: int) -> int | None:
        """The most tokens that the model can write after `source` tokens, where it has such a limit."""
        return None if self.decoder.length is None else self.decoder.length - source


class RecurrentEncoderConfig(Settings):
    """Layers that read the source from both ends; each direction has half of `width` (None: the model's)."""

    layers: Count = 1
    width: Annotated[int, Field(ge=2, multiple_of=2)] | None = None
    dropout: Rate = 0.2


class RecurrentAttentionConfig(Settings):
    """How a decoder step looks at the source, and what is done with what it finds.

    The `current` state asks, and what it finds is read out (Luong et al. 2015); with `input_feeding` it goes
    into the next step as well. Or the `previous` state asks, and what it finds goes into this step (Bahdanau
    et al. 2015). With the score `none` nothing is looked at: the sentence is squeezed into one vector, which
    every step gets (Cho et al. 2014).
    """

    score: ScoreName | Literal["none"] = "bilinear"
    query: Literal["current", "previous"] = "current"
    input_feeding: bool = False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.score == "none" and (self.query == "previous" or self.input_feeding):
            given = "'query' is 'previous'" if self.query == "previous" else "'input_feeding' is on"
            raise ValueError(
                f"the score is 'none', so there is no query, but {given}; choose a score, or leave that out"
            )
        if self.query == "previous" and self.input_feeding:
            raise ValueError(
                "'input_feeding' is on, but where 'query' is 'previous' what is found goes into the cells "
                "already; choose one of the two"
            )
        return self


class RecurrentDecoderConfig(Settings):
    """Layers that write the target token by token; `width` of None means the model's."""

    layers: Count = 1
    width: Count | None = None
    attention: RecurrentAttentionConfig = RecurrentAttentionConfig()
    dropout: Rate = 0.2


class RecurrentConfig(Settings):
    """A recurrent encoder-decoder, with attention or without (Bahdanau et al. 2015; Luong et al. 2015)."""

    kind: Literal["recurrent"] = "recurrent"
    cell: Literal["lstm", "gru"] = "lstm"
    width: Count = 256
    embedding: EmbeddingConfig
    encoder: RecurrentEncoderConfig = RecurrentEncoderConfig()
    decoder: RecurrentDecoderConfig = RecurrentDecoderConfig()
    symbols: SymbolsConfig = SymbolsConfig()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        self.symbols.check(self.embedding.vocabulary)
        if self.encoder.width is None and self.width % 2:
            raise ValueError(
                f"the width {self.width} is odd, but the two directions of the encoder share it; "
                "choose an even one, or give encoder.width"
            )
        return self

    def longest_target(self, source: int) -> int | None:
        """None: it can write as many tokens as it likes."""
        return None


def _check_heads(width: int, **stacks: StackConfig) -> None:
    """Raise where the heads of a stack cannot share the width."""
    for name, stack in stacks.items():
        heads = stack.attention.heads
        if stack.attention.head_width is None and width % heads:
            raise ValueError(
                f"the width {width} is not divisible by the {heads} heads of the {name}; "
                f"choose a multiple of {heads}, or give {name}.attention.head_width"
            )


def _kind_of_model(settings: Any) -> Any:
    """The kind that settings of a model name: a Transformer where they name none."""
    if isinstance(settings, Mapping):
        return settings.get("kind", "transformer")
    return getattr(settings, "kind", None)


ModelConfig = Annotated[
    Annotated[TransformerConfig, Tag("transformer")]
    | Annotated[RecurrentConfig, Tag("recurrent")]
    | Annotated[DecoderOnlyConfig, Tag("decoder-only")],
    Discriminator(_kind_of_model),
]


class AdapterConfig(Settings):
    """Low-rank adaptation (Hu et al. 2022): of which matrices, by their names in a block, and how large."""

    rank: Count = 8
    alpha: Positive = 16.0
    matrices: tuple[str, ...] = ("query", "value")


Task = Literal["translation", "language-model"]


class Manifest(Settings):
    """What `config.json` of a model directory says; the range of the model in pieces and in sentences."""

    format: Count
    task: Task = "translation"
    model: ModelConfig
    longest_source: TokenCount
    most_sentences: Count | None = None
    source_language: str | None = None
    target_language: str | None = None
