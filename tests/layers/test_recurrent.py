"""Cells, encoder and decoders against the equations of their papers, worked step by step in NumPy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from trasluz.attention.score import MLP, SCORES, Bilinear, Cosine, Score, make_score
from trasluz.errors import TrasluzError
from trasluz.layers.recurrent import (
    CELLS,
    GRU,
    LSTM,
    Attention,
    Bridge,
    Cells,
    CurrentQuery,
    Decoder,
    Encoder,
    InputFeeding,
    Looking,
    OneVector,
    PreviousQuery,
    Readout,
    make_cell,
    take,
    turned,
)

B, T, S, E, W, D, L = 3, 5, 7, 11, 13, 17, 2
FILLED = torch.arange(S) < torch.tensor([[7], [4], [1]])  # [B,S]
CONVENTIONS: tuple[type[Looking], ...] = (CurrentQuery, InputFeeding, PreviousQuery)

Array = NDArray[np.float64]


def numbers(tensor: Tensor) -> Array:
    array: Array = tensor.detach().double().numpy()
    return array


def shaken(module: nn.Module) -> nn.Module:
    """Weights large enough for every part to matter."""
    torch.manual_seed(7)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.4)
    return module.eval()


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def one_step(cell: LSTM | GRU, x: Array, state: Sequence[Array]) -> list[Array]:
    """The equations of a cell for one vector: (h, c) of an LSTM, (h,) of a GRU."""
    weights = [numbers(weight) for weight in cell.kernel.all_weights[0]]
    from_x, from_h = weights[0] @ x + weights[2], weights[1] @ state[0] + weights[3]
    if isinstance(cell, LSTM):
        i, f, g, o = np.split(from_x + from_h, 4)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]
    (r, z, n), (r_h, z_h, n_h) = np.split(from_x, 3), np.split(from_h, 3)
    new = np.tanh(n + sigmoid(r + r_h) * n_h)
    z = sigmoid(z + z_h)
    return [z * state[0] + (1 - z) * new]


def score_of(score: Score) -> Callable[[Array, Array], float]:
    """The formula of a score of one query and one key."""
    if isinstance(score, Bilinear):
        matrix = numbers(score.weight[0])
        return lambda q, k: float(q @ matrix @ k)
    if isinstance(score, MLP):
        query, key, vector = numbers(score.query[0]), numbers(score.key[0]), numbers(score.vector[0, :, 0])
        return lambda q, k: float(vector @ np.tanh(q @ query + k @ key))
    if isinstance(score, Cosine):
        temperature = score.temperature.item()
        return lambda q, k: float(temperature * q @ k / (np.linalg.norm(q) * np.linalg.norm(k)))
    scale = 1 / math.sqrt(W) if "Scaled" in type(score).__name__ else 1.0
    return lambda q, k: float(scale * q @ k)


def look(attention: nn.Module, query: Array, memory: Array) -> tuple[Array, Array]:
    """The percentages and the mean of the memory [S,M] that a query finds."""
    assert isinstance(attention, Attention)
    compare = score_of(attention.score)
    raised = np.exp([compare(query, key) for key in memory])
    weights: Array = raised / raised.sum()
    return weights, weights @ memory


def by_the_paper(decoder: Decoder, x: Array, memory: Array, summary: Array) -> tuple[Array, Array]:
    """What a decoder reads out [T,D] and its weights [T,S], for one sentence without padding."""
    bridge, readout = decoder.bridge.linear, decoder.readout.linear
    parts = decoder.cells.layers[0].parts
    begin = np.tanh(numbers(bridge.weight) @ summary + numbers(bridge.bias)).reshape(parts, L, W)
    state = [list(begin[:, depth]) for depth in range(L)]  # of each layer [h, c] or [h]
    fed = np.zeros(D)
    seen, read = [], []

    def advance(incoming: Array) -> None:
        for depth, cell in enumerate(decoder.cells.layers):
            state[depth] = one_step(cell, incoming, state[depth])
            incoming = state[depth][0]

    for token in x:
        if isinstance(decoder, OneVector):  # h_t = f(h_{t-1}, y_{t-1}, c)
            weights = np.zeros(len(memory))
            advance(np.concatenate([token, summary]))
            known = np.concatenate([summary, state[-1][0], token])
        elif isinstance(decoder, PreviousQuery):  # c_i = look(s_{i-1}); s_i = f(s_{i-1}, y_{i-1}, c_i)
            weights, context = look(decoder.attention, state[-1][0], memory)
            advance(np.concatenate([token, context]))
            known = np.concatenate([context, state[-1][0], token])
        else:  # h_t = f(h_{t-1}, y_{t-1}, fed); c_t = look(h_t)
            assert isinstance(decoder, Looking)
            advance(np.concatenate([token, fed]) if isinstance(decoder, InputFeeding) else token)
            weights, context = look(decoder.attention, state[-1][0], memory)
            known = np.concatenate([context, state[-1][0]])
        fed = np.tanh(numbers(readout.weight) @ known + numbers(readout.bias))
        seen.append(weights)
        read.append(fed)
    return np.stack(read), np.stack(seen)


def parts_of(cell: str, *, inputs: int, known: int, memory: int) -> tuple[Cells, Bridge, Readout]:
    layers = [make_cell(cell, inputs, width=W), make_cell(cell, W, width=W)]
    return (
        Cells(layers, dropout=0.0),
        Bridge(memory, parts=layers[0].parts, layers=L, width=W),
        Readout(known, width=D, dropout=0.0),
    )


def make_decoder(kind: type[Looking], *, cell: str, score: str, memory: int) -> Looking:
    inputs, known = {
        CurrentQuery: (E, memory + W),
        InputFeeding: (E + D, memory + W),
        PreviousQuery: (E + memory, memory + W + E),
    }[kind]
    decoder = kind(
        *parts_of(cell, inputs=inputs, known=known, memory=memory),
        attention=Attention(make_score(score, query_width=W, key_width=memory, heads=1, kv_heads=1)),
        fed=D if kind is InputFeeding else 0,
    )
    shaken(decoder)
    return decoder


def one_vector(*, cell: str, memory: int) -> OneVector:
    decoder = OneVector(*parts_of(cell, inputs=E + memory, known=memory + W + E, memory=memory))
    shaken(decoder)
    return decoder


def any_decoder(kind: type[Decoder]) -> Decoder:
    if issubclass(kind, Looking):
        return make_decoder(kind, cell="lstm", score="dot", memory=W)
    return one_vector(cell="lstm", memory=W)


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_is_its_equations_in_one_go_and_step_by_step(kind: str) -> None:
    cell = make_cell(kind, E, width=W)
    shaken(cell)
    x, state = torch.randn(B, T, E), torch.randn(cell.parts, B, W)
    states, last = cell(x, state)
    steps = state
    for at in range(T):
        hidden, steps = cell(x[:, at : at + 1], steps)
        torch.testing.assert_close(hidden, states[:, at : at + 1])
    torch.testing.assert_close(steps, last)
    for row in range(B):
        expected = list(numbers(state[:, row]))
        for at in range(T):
            expected = one_step(cell, numbers(x[row, at]), expected)
            np.testing.assert_allclose(states[row, at].detach(), expected[0], atol=1e-5)
        np.testing.assert_allclose(last[:, row].detach(), expected, atol=1e-5)


def test_an_unknown_cell_is_refused() -> None:
    with pytest.raises(TrasluzError) as refused:
        make_cell("lsmt", E, width=W)
    assert str(refused.value) == "unknown cell 'lsmt'; allowed, nearest first: lstm, gru"


def test_a_sentence_is_turned_round_in_its_own_length() -> None:
    order = turned(FILLED)
    assert order.tolist() == [[6, 5, 4, 3, 2, 1, 0], [3, 2, 1, 0, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]]
    x = torch.randn(B, S, E)
    torch.testing.assert_close(take(x, order)[1, :4], x[1, :4].flip(0))
    torch.testing.assert_close(take(take(x, order), order), x)


@pytest.mark.parametrize("kind", CELLS)
def test_the_encoder_is_pytorchs_over_packed_sentences(kind: str) -> None:
    theirs = {"lstm": nn.LSTM, "gru": nn.GRU}[kind](E, W, L, batch_first=True, bidirectional=True)
    pairs = [(make_cell(kind, inputs, width=W), make_cell(kind, inputs, width=W)) for inputs in (E, 2 * W)]
    for cell, weights in zip(itertools.chain(*pairs), theirs.all_weights, strict=True):
        with torch.no_grad():
            for ours, given in zip(cell.kernel.all_weights[0], weights, strict=True):
                ours.copy_(given)
    x = torch.randn(B, S, E)
    packed = pack_padded_sequence(x, FILLED.sum(1), batch_first=True, enforce_sorted=False)
    states, last = theirs(packed)
    expected, _ = pad_packed_sequence(states, batch_first=True)
    hidden = last[0] if kind == "lstm" else last  # [2L,B,W]
    memory, summary = Encoder(pairs, dropout=0.0)(x, FILLED)
    torch.testing.assert_close(memory[FILLED], expected[FILLED])
    torch.testing.assert_close(summary, torch.cat([hidden[-2], hidden[-1]], -1))


@pytest.mark.parametrize(
    ("kind", "cell", "score"), list(itertools.product(CONVENTIONS, CELLS, SCORES)), ids=str
)
def test_a_decoder_is_its_papers_equations(kind: type[Looking], cell: str, score: str) -> None:
    width = 19 if score in ("bilinear", "mlp") else W  # these two compare a query and a key of other widths
    decoder = make_decoder(kind, cell=cell, score=score, memory=width)
    x, memory, summary = torch.randn(B, T, E), torch.randn(B, S, width), torch.randn(B, width)
    read = decoder(x, decoder.begin(memory, summary, FILLED))
    heard: list[Tensor] = []
    decoder.attention.listener = heard.append
    torch.testing.assert_close(decoder(x, decoder.begin(memory, summary, FILLED)), read)
    (weights,) = heard
    assert weights.shape == (B, 1, T, S)
    for row, length in enumerate(FILLED.sum(1).tolist()):
        expected, seen = by_the_paper(
            decoder, numbers(x[row]), numbers(memory[row, :length]), numbers(summary[row])
        )
        np.testing.assert_allclose(read[row].detach(), expected, atol=1e-5)
        np.testing.assert_allclose(weights[row, 0, :, :length].detach(), seen, atol=1e-5)
        assert not weights[row, 0, :, length:].any()


@pytest.mark.parametrize("kind", CONVENTIONS)
def test_the_weights_are_percentages_of_the_memory_that_every_step_used(kind: type[Looking]) -> None:
    decoder = make_decoder(kind, cell="gru", score="mlp", memory=19)
    attention = decoder.attention
    used: list[Tensor] = []
    attention.register_forward_hook(lambda module, given, found: used.append(found))
    x, memory, summary = torch.randn(B, T, E), torch.randn(B, S, 19), torch.randn(B, 19)
    decoder(x, decoder.begin(memory, summary, FILLED))
    heard: list[Tensor] = []
    attention.listener = heard.append
    decoder(x, decoder.begin(memory, summary, FILLED))
    torch.testing.assert_close(heard[0].sum(-1), torch.ones(B, 1, T))
    contexts = torch.cat(used, 1)  # [B,2T,M]: without a listener, and with one
    for found in torch.split(contexts, T, 1):
        torch.testing.assert_close(heard[0][:, 0] @ memory, found)


def test_nothing_is_kept_when_nobody_listens_and_the_listener_stays_after_a_pass() -> None:
    decoder = make_decoder(PreviousQuery, cell="gru", score="dot", memory=W)
    x, memory = torch.randn(B, T, E), torch.randn(B, S, W)
    decoder(x, decoder.begin(memory, memory[:, 0], FILLED))
    assert decoder.attention.listener is None
    heard: list[Tensor] = []
    decoder.attention.listener = heard.append
    for _ in range(2):
        decoder(x, decoder.begin(memory, memory[:, 0], FILLED))
    assert [tuple(weights.shape) for weights in heard] == [(B, 1, T, S)] * 2


@pytest.mark.parametrize("cell", CELLS)
def test_without_attention_a_decoder_is_its_papers_equations(cell: str) -> None:
    decoder = one_vector(cell=cell, memory=19)
    x, memory, summary = torch.randn(B, T, E), torch.randn(B, S, 19), torch.randn(B, 19)
    read = decoder(x, decoder.begin(memory, summary, FILLED))
    for row in range(B):
        expected, _ = by_the_paper(decoder, numbers(x[row]), numbers(memory[row]), numbers(summary[row]))
        np.testing.assert_allclose(read[row].detach(), expected, atol=1e-5)


@pytest.mark.parametrize("kind", [CurrentQuery, OneVector])
def test_without_attention_the_summary_is_all_that_a_decoder_knows_of_the_memory(kind: type[Decoder]) -> None:
    decoder = any_decoder(kind)
    x, memory, summary = torch.randn(B, T, E), torch.randn(B, S, W), torch.randn(B, W)
    read = decoder(x, decoder.begin(memory, summary, FILLED))
    other_memory = decoder(x, decoder.begin(torch.randn(B, S, W), summary, FILLED))
    other_summary = decoder(x, decoder.begin(memory, torch.randn(B, W), FILLED))
    assert torch.equal(read, other_memory) == isinstance(decoder, OneVector)
    assert bool(decoder.attentions()) == isinstance(decoder, Looking)
    assert not torch.allclose(read, other_summary)


@pytest.mark.parametrize("kind", [*CONVENTIONS, OneVector])
def test_what_each_part_of_a_pass_leaves_is_what_the_next_one_takes_up(kind: type[Decoder]) -> None:
    decoder = any_decoder(kind)
    x, memory = torch.randn(B, T, E), torch.randn(B, S, W)
    whole = decoder(x, decoder.begin(memory, memory[:, 0], FILLED))
    state = decoder.begin(memory, memory[:, 0], FILLED)
    parts = [decoder(part, state) for part in torch.split(x, [2, 1, 2], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole)


@pytest.mark.parametrize("cell", CELLS)
def test_a_kernel_of_sequences_gets_its_state_in_one_piece(cell: str) -> None:  # cuDNN refuses any other
    decoder = make_decoder(CurrentQuery, cell=cell, score="dot", memory=W)
    pieces: list[bool] = []

    def check(kernel: nn.Module, given: tuple[Tensor, Tensor | tuple[Tensor, Tensor]]) -> None:
        states = given[1] if isinstance(given[1], tuple) else (given[1],)
        pieces.extend(state.is_contiguous() for state in states)

    for layer in decoder.cells.layers:
        layer.kernel.register_forward_pre_hook(check)
    x, memory = torch.randn(B, T, E), torch.randn(B, S, W)
    state = decoder.begin(memory, memory[:, 0], FILLED)
    decoder(x, state)
    decoder(x, state.select(torch.tensor([2, 0, 1])))
    assert len(pieces) == 2 * L * decoder.cells.layers[0].parts
    assert all(pieces)


@pytest.mark.parametrize("score", ["dot", "scaled-dot", "cosine"])
def test_a_memory_of_another_width_is_refused_where_the_score_cannot_compare(score: str) -> None:
    with pytest.raises(TrasluzError) as refused:
        make_decoder(CurrentQuery, cell="gru", score=score, memory=19)
    assert str(refused.value) == (
        f"the score '{score}' compares a query and a key of one width, but got 13 and 19; "
        "use 'bilinear' or 'mlp', or make the widths equal"
    )


def test_dropout_falls_on_what_goes_up_and_not_on_what_goes_on() -> None:
    torch.manual_seed(11)
    cells = Cells([make_cell("gru", E, width=W)], dropout=0.5)
    x, state = torch.randn(B, T, E), torch.randn(1, 1, B, W)
    given, after = cells.train()(x, state)
    _, undropped = cells.eval()(x, state)
    assert (given == 0).any()
    torch.testing.assert_close(after, undropped)
