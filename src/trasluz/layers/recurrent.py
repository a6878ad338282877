"""The recurrent encoder, and the decoder whose every step has a path to every source token.

Knows no vocabulary. Letters: B batch, T target tokens, S source tokens, E width of what goes in, W width of a
decoder cell, M width of the memory, D model, P parts of a cell's state, L layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from trasluz.attention.attend import Gate, Listener, attend, pass_all
from trasluz.attention.mask import every_key
from trasluz.attention.score import Score
from trasluz.errors import unknown
from trasluz.layers.dropout import Dropout
from trasluz.layers.state import RecurrentState


class LSTM(nn.Module):
    """Long short-term memory with a forget gate (Gers et al. 2000): hidden state and cell state."""

    parts = 2

    def __init__(self, inputs: int, *, width: int) -> None:
        super().__init__()
        self.inputs, self.width = inputs, width
        self.kernel = nn.LSTM(inputs, width, batch_first=True)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B,T,E] from `state` [P,B,W]: the hidden states [B,T,W] and the state after the last."""
        if x.shape[1] == 1:  # for a single step the kernel of sequences costs twice as much
            h, c = torch.lstm_cell(x[:, 0], (state[0], state[1]), *self.kernel.all_weights[0])
            return h[:, None], torch.stack([h, c])
        states, (h, c) = self.kernel(x, (state[:1], state[1:]))
        return states, torch.cat([h, c])


class GRU(nn.Module):
    """The gated recurrent unit (Cho et al. 2014, section 2.3); as in cuDNN, the reset gate acts on U·h."""

    parts = 1

    def __init__(self, inputs: int, *, width: int) -> None:
        super().__init__()
        self.inputs, self.width = inputs, width
        self.kernel = nn.GRU(inputs, width, batch_first=True)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B,T,E] from `state` [P,B,W]: the hidden states [B,T,W] and the state after the last."""
        if x.shape[1] == 1:
            h = torch.gru_cell(x[:, 0], state[0], *self.kernel.all_weights[0])
            return h[:, None], h[None]
        states, h = self.kernel(x, state)
        return states, h


CELLS: dict[str, type[LSTM] | type[GRU]] = {"lstm": LSTM, "gru": GRU}


def make_cell(kind: str, inputs: int, *, width: int) -> LSTM | GRU:
    """A cell of that kind, for inputs of `inputs` numbers and a hidden state of `width`.

    Raises `TrasluzError` for another kind.
    """
    if kind not in CELLS:
        raise unknown("cell", kind, CELLS)
    return CELLS[kind](inputs, width=width)


class Encoder(nn.Module):
    """Reads the source from both ends (Bahdanau et al. 2015, section 3.2), in layers of a pair of cells each.

    What a layer gives is dropped out in training (Zaremba et al. 2014, section 3.2). The cells that read from
    the end get each sentence turned round in its own length, so padding stays behind what is read.
    """

    def __init__(self, pairs: Sequence[tuple[LSTM | GRU, LSTM | GRU]], *, dropout: float) -> None:
        super().__init__()
        self.ahead = cast(Sequence[LSTM | GRU], nn.ModuleList(ahead for ahead, _ in pairs))
        self.back = cast(Sequence[LSTM | GRU], nn.ModuleList(back for _, back in pairs))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, filled: Tensor) -> tuple[Tensor, Tensor]:
        """Embedded tokens `x` [B,S,E], real where `filled` [B,S], padded at the right.

        Returns the memory [B,S,M], and the sentence in one vector [B,M]: where each direction ended.
        """
        order = turned(filled)  # [B,S]
        for ahead, back in zip(self.ahead, self.back, strict=True):
            nothing = x.new_zeros(ahead.parts, x.shape[0], ahead.width)
            forth = ahead(x, nothing)[0]  # [B,S,M/2]
            behind = take(back(take(x, order), nothing)[0], order)  # [B,S,M/2]
            x = self.dropout(torch.cat([forth, behind], -1))  # [B,S,M]
        width = x.shape[-1] // 2
        last = take(x, order[:, :1])[:, 0, :width]  # the first of the turned order is the last token
        return x, torch.cat([last, x[:, 0, width:]], -1)


def turned(filled: Tensor) -> Tensor:
    """Where to find each token when every sentence is turned round in its own length; [B,S] -> [B,S]."""
    at = torch.arange(filled.shape[1], device=filled.device)  # [S]
    from_end = filled.sum(1, keepdim=True) - 1 - at  # [B,S]
    return from_end.where(from_end >= 0, at)


def take(x: Tensor, places: Tensor) -> Tensor:
    """The vectors of `x` [B,S,E] at `places` [B,T]; [B,T,E]."""
    return x.gather(1, places[..., None].expand(-1, -1, x.shape[-1]))


class Cells(nn.Module):
    """Cells one above another, what each gives dropped out in training (Zaremba et al. 2014, section 3.2)."""

    def __init__(self, layers: Sequence[LSTM | GRU], *, dropout: float) -> None:
        super().__init__()
        self.layers = cast(Sequence[LSTM | GRU], nn.ModuleList(layers))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B,T,E] from `state` [P,L,B,W]: what the top gives [B,T,W], and the state after the last."""
        after = []
        for depth, layer in enumerate(self.layers):
            x, own = layer(x, state[:, depth])
            x = self.dropout(x)
            after.append(own)
        return x, torch.stack(after, 1)


class Bridge(nn.Module):
    """tanh(W·s): the state of every layer before the first token, from the sentence in one vector
    (Cho et al. 2014, section A.1.1; Bahdanau et al. 2015, section A.2.2)."""

    def __init__(self, inputs: int, *, parts: int, layers: int, width: int) -> None:
        super().__init__()
        self.shape = (parts, layers, width)
        self.linear = nn.Linear(inputs, parts * layers * width)

    def forward(self, summary: Tensor) -> Tensor:
        """[B,M] -> [P,L,B,W]."""
        state = torch.tanh(self.linear(summary))  # [B,PLW]
        return state.view(-1, *self.shape).permute(1, 2, 0, 3).contiguous()  # as cuDNN wants it


class Attention(nn.Module):
    """One path from a decoder step to each source token: the memory itself, weighted by the score.

    There is one head, and nothing is projected but what the score projects. `listener` is set by whoever
    wants to see the weights, `gate` by whoever wants to switch the head off.
    """

    heads = 1

    def __init__(self, score: Score) -> None:
        super().__init__()
        self.score = score
        self.listener: Listener | None = None
        self.gate: Gate = pass_all

    def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Prepared keys [B,1,S,·] and values [B,1,S,M] of the memory [B,S,M], made once for all steps."""
        return self.score.prepare_key(memory[:, None]), memory[:, None]

    def forward(self, query: Tensor, state: RecurrentState) -> Tensor:
        """The context [B,T,M] of the queries [B,T,W]."""
        prepared = self.score.prepare_query(query[:, None])  # [B,1,T,·]
        context = attend(
            self.score,
            prepared,
            state.key,
            state.value,
            allowed=state.allowed,
            listener=self.listener,
        )  # [B,1,T,M]
        return self.gate(context)[:, 0]

    @contextmanager
    def as_one_pass(self) -> Iterator[None]:
        """While this lasts the steps count as one pass, whose weights the listener gets at its end."""
        listener = self.listener
        if listener is None:
            yield
            return
        heard: list[Tensor] = []
        self.listener = heard.append
        try:
            yield
        finally:
            self.listener = listener
        listener(torch.cat(heard, 2))


class Readout(nn.Module):
    """tanh(W·[all that a step knows]), dropped out in training: what the output makes logits of."""

    def __init__(self, inputs: int, *, width: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, width)
        self.dropout = Dropout(dropout)

    def forward(self, *known: Tensor) -> Tensor:
        """Any number of [B,T,·] -> [B,T,D]."""
        read: Tensor = self.dropout(torch.tanh(self.linear(torch.cat(known, -1))))
        return read


class Decoder(nn.Module, ABC):
    """The interface of the conventions: the same parts, asked in another order."""

    def __init__(self, cells: Cells, bridge: Bridge, readout: Readout) -> None:
        super().__init__()
        self.cells, self.bridge, self.readout = cells, bridge, readout

    @abstractmethod
    def begin(self, memory: Tensor, summary: Tensor, filled: Tensor) -> RecurrentState:
        """The state before the first token, from the memory [B,S,M], real where `filled` [B,S], and its
        summary [B,M]."""

    @abstractmethod
    def forward(self, x: Tensor, state: RecurrentState) -> Tensor:
        """Embedded tokens `x` [B,T,E] -> [B,T,D]; the state advances by T positions."""

    def attentions(self) -> Sequence[Attention]:
        """What looks at the memory, where anything does."""
        return ()


class OneVector(Decoder):
    """No attention: every step gets the same, the sentence in one vector (Cho et al. 2014, section 2.2)."""

    def begin(self, memory: Tensor, summary: Tensor, filled: Tensor) -> RecurrentState:
        """The summary is all that is kept of the memory."""
        nothing = memory.new_zeros(memory.shape[0], 1, 0, 0)
        return RecurrentState(
            cells=self.bridge(summary),
            fed=summary[:, None],
            key=nothing,
            value=nothing,
            allowed=every_key(filled[:, :0]),
        )

    def forward(self, x: Tensor, state: RecurrentState) -> Tensor:
        """[B,T,E] -> [B,T,D]."""
        summary = state.fed.expand(-1, x.shape[1], -1)  # [B,T,M]
        top, state.cells = self.cells(torch.cat([x, summary], -1), state.cells)  # [B,T,W]
        read: Tensor = self.readout(summary, top, x)
        return read


class Looking(Decoder):
    """What the conventions of attention share; `fed` is the width of what one step hands to the next besides
    its state."""

    def __init__(
        self, cells: Cells, bridge: Bridge, readout: Readout, *, attention: Attention, fed: int = 0
    ) -> None:
        super().__init__(cells, bridge, readout)
        self.attention, self.fed = attention, fed

    def begin(self, memory: Tensor, summary: Tensor, filled: Tensor) -> RecurrentState:
        """The memory is kept whole, its keys prepared."""
        key, value = self.attention.keys_values(memory)
        return RecurrentState(
            cells=self.bridge(summary),
            fed=summary.new_zeros(summary.shape[0], 1, self.fed),
            key=key,
            value=value,
            allowed=every_key(filled),
        )

    def attentions(self) -> Sequence[Attention]:
        """The one path to each source token."""
        return (self.attention,)


class CurrentQuery(Looking):
    """The state of this step asks, and what it finds is read out (Luong et al. 2015, section 3, equation 5).

    Nothing found goes back into the cells, so all steps of a known target run at once.
    """

    def forward(self, x: Tensor, state: RecurrentState) -> Tensor:
        """[B,T,E] -> [B,T,D]."""
        top, state.cells = self.cells(x, state.cells)  # [B,T,W]
        read: Tensor = self.readout(self.attention(top, state), top)
        return read


class InputFeeding(Looking):
    """As above, and what was read out goes into the cells of the next step (Luong et al. 2015, 3.3)."""

    def forward(self, x: Tensor, state: RecurrentState) -> Tensor:
        """[B,T,E] -> [B,T,D]."""
        read = []
        with self.attention.as_one_pass():
            for token in torch.split(x, 1, 1):  # [B,1,E]
                top, state.cells = self.cells(torch.cat([token, state.fed], -1), state.cells)  # [B,1,W]
                state.fed = self.readout(self.attention(top, state), top)
                read.append(state.fed)
        return torch.cat(read, 1)


class PreviousQuery(Looking):
    """The state before asks, and what it finds goes into the cells (Bahdanau et al. 2015, section 3.1).

    The new state, the context and the token are read out by one layer, as in Nematus (Sennrich et al. 2017,
    section 2), where the paper has a maxout layer.
    """

    def forward(self, x: Tensor, state: RecurrentState) -> Tensor:
        """[B,T,E] -> [B,T,D]."""
        read = []
        with self.attention.as_one_pass():
            for token in torch.split(x, 1, 1):  # [B,1,E]
                context = self.attention(state.cells[0, -1][:, None], state)  # [B,1,M]
                top, state.cells = self.cells(torch.cat([token, context], -1), state.cells)  # [B,1,W]
                read.append(self.readout(context, top, token))
        return torch.cat(read, 1)
