"""The recurrent encoder-decoder: a source is read from both ends, a target is written word by word.

Knows no configuration and no text. Letters: B batch, S source tokens, T target tokens, D model,
V vocabulary.
"""

from __future__ import annotations

from torch import Tensor

from trasluz.attention.mask import not_padding, positions
from trasluz.layers.embedding import Embedding, Output
from trasluz.layers.recurrent import Decoder, Encoder
from trasluz.layers.state import RecurrentState
from trasluz.models.model import Attentions, Model, Symbols


class Recurrent(Model):
    """The sentence in one vector (Sutskever et al. 2014; Cho et al. 2014), or with attention to each of its
    tokens (Bahdanau et al. 2015; Luong et al. 2015), as the decoder is made."""

    def __init__(
        self,
        source_embedding: Embedding,
        target_embedding: Embedding,
        encoder: Encoder,
        decoder: Decoder,
        output: Output,
        symbols: Symbols,
    ) -> None:
        super().__init__(output.weight.shape[0], symbols)
        self.source_embedding = source_embedding
        self.target_embedding = target_embedding
        self.encoder = encoder
        self.decoder = decoder
        self.output = output

    def encode(self, source: Tensor) -> RecurrentState:
        """Read `source` [B,S], padded at the right; the decoder's state before its first token."""
        filled = not_padding(source, pad_id=self.pad_id)  # [B,S]
        memory, summary = self.encoder(self.source_embedding(source, positions(source)), filled)
        return self.decoder.begin(memory, summary, filled)

    def forward(self, source: Tensor, given: Tensor) -> Tensor:
        """What follows each token of `given` [B,T], in one pass: the decoder's vectors [B,T,D]."""
        return self._advance(given, self.encode(source))

    def start(self, source: Tensor) -> tuple[Tensor, RecurrentState]:
        """Read `source` [B,S]; the start symbol for each row [B], and the state."""
        return self.first(source), self.encode(source)

    def step(self, tokens: Tensor, state: RecurrentState) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]; the state advances by one position."""
        logits: Tensor = self.output(self._advance(tokens[:, None], state))
        return logits[:, 0]

    def attentions(self) -> Attentions:
        """The one attention of the decoder, where it has one."""
        return Attentions(cross=self.decoder.attentions())

    def _advance(self, given: Tensor, state: RecurrentState) -> Tensor:
        hidden: Tensor = self.decoder(self.target_embedding(given, positions(given)), state)
        return hidden
