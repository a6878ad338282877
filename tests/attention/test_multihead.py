"""Multi-head attention against PyTorch's own, and against the bilinear score it is."""

from __future__ import annotations

import torch
from torch import nn

from trasluz.attention.attend import attend, attention_weights, pass_all
from trasluz.attention.multihead import MultiHead
from trasluz.attention.score import Bilinear

B, T, S, D, H, K = 2, 5, 7, 33, 3, 11


def test_it_is_pytorchs_multihead_attention_on_the_same_weights() -> None:
    ours = MultiHead(D, heads=H, kv_heads=H, head_width=K)
    theirs = nn.MultiheadAttention(D, H, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    x, memory = torch.randn(B, T, D), torch.randn(B, S, D)
    hidden = torch.zeros(B, S, dtype=torch.bool)
    hidden[1, 4:] = True
    expected, weights = theirs(x, memory, memory, key_padding_mask=hidden, average_attn_weights=False)
    heard: list[torch.Tensor] = []
    allowed = ~hidden[:, None, None]
    torch.testing.assert_close(ours(x, *ours.keys_values(memory), allowed=allowed), expected)
    ours.listener = heard.append
    torch.testing.assert_close(ours(x, *ours.keys_values(memory), allowed=allowed), expected)
    torch.testing.assert_close(heard[0], weights)


def test_one_head_with_projections_is_the_bilinear_score_of_their_product() -> None:
    heads = MultiHead(D, heads=1, kv_heads=1, head_width=K, score="dot", bias=False)
    bilinear = Bilinear(D, D, heads=1)
    with torch.no_grad():
        bilinear.weight.copy_(heads.query.weight.t() @ heads.key.weight)
    x, memory = torch.randn(B, T, D), torch.randn(B, S, D)
    values = heads.value(memory)[:, None]  # [B,1,S,K]
    looked = attend(
        bilinear, bilinear.prepare_query(x[:, None]), bilinear.prepare_key(memory[:, None]), values
    )
    torch.testing.assert_close(heads(x, *heads.keys_values(memory)), heads.output(looked[:, 0]))


def test_query_heads_of_a_group_share_keys_and_values() -> None:
    grouped = MultiHead(D, heads=6, kv_heads=2, head_width=K)
    full = MultiHead(D, heads=6, kv_heads=6, head_width=K)
    with torch.no_grad():
        for name in ("query", "output"):
            getattr(full, name).load_state_dict(getattr(grouped, name).state_dict())
        for name in ("key", "value"):
            for part in ("weight", "bias"):
                shared = getattr(getattr(grouped, name), part).unflatten(0, (2, K))
                getattr(getattr(full, name), part).copy_(shared.repeat_interleave(3, 0).flatten(0, 1))
    x = torch.randn(B, T, D)
    torch.testing.assert_close(grouped(x, *grouped.keys_values(x)), full(x, *full.keys_values(x)))


def test_keys_are_rotated_before_they_are_kept_and_queries_before_they_are_compared() -> None:
    heads = MultiHead(D, heads=H, kv_heads=H, head_width=K)
    x = torch.randn(B, T, D)
    key, _ = heads.keys_values(x, rotate=lambda turned: 2 * turned)
    plain, _ = heads.keys_values(x)
    torch.testing.assert_close(key, 2 * plain)
    heard: list[torch.Tensor] = []
    heads.listener = heard.append
    heads(x, *heads.keys_values(x), rotate=lambda turned: 3 * turned)
    query = heads.query(x).view(B, T, H, K).transpose(1, 2)
    expected = attention_weights(heads.score, heads.score.prepare_query(3 * query), plain)
    torch.testing.assert_close(heard[0], expected)


def test_a_gate_stands_between_what_the_heads_find_and_the_output() -> None:
    """To shut a head is to take its columns out of the output projection."""
    heads = MultiHead(D, heads=H, kv_heads=H, head_width=K)
    x = torch.randn(B, T, D)
    keys, values = heads.keys_values(x)
    heads.gate = lambda found: found * torch.tensor([1.0, 0.0, 1.0]).view(H, 1, 1)
    shut = heads(x, keys, values)
    heads.gate = pass_all
    with torch.no_grad():
        heads.output.weight[:, K : 2 * K] = 0.0
    torch.testing.assert_close(shut, heads(x, keys, values))
