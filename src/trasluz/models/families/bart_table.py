"""The tensors in the descendants of BART (Lewis et al. 2020): Marian, mBART, M2M100 and Pegasus."""

from __future__ import annotations

from collections.abc import Iterator

from trasluz.config import EmbeddingConfig, StackConfig, TransformerConfig
from trasluz.models.families.names import ONE_ROW, Entry, Table, expand

ATTENTIONS = {"encoder": {"self_attn": "self_attention"}}
ATTENTIONS["decoder"] = {**ATTENTIONS["encoder"], "encoder_attn": "cross_attention"}
PROJECTIONS = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "output"}


def table_of(config: TransformerConfig) -> Table:
    """All tensors of a checkpoint with such a configuration."""
    shared = "model.shared.weight" if config.embedding.shared else "model.decoder.embed_tokens.weight"
    copies = {"lm_head.weight": shared}
    if config.embedding.shared:
        copies |= {f"model.{side}.embed_tokens.weight": shared for side in ATTENTIONS}
    return Table(
        entries=[
            *_tables(config.embedding),
            *_stack(config.encoder, "encoder"),
            *_stack(config.decoder, "decoder"),
        ],
        copies=copies,
        prefix="model.",
        derived=[r"model\.(encoder|decoder)\.embed_positions\.weights?"],
    )


def _tables(config: EmbeddingConfig) -> Iterator[Entry]:
    if config.shared:
        yield Entry("model.shared.weight", ("source_embedding.table.weight",))
    else:
        yield Entry("model.encoder.embed_tokens.weight", ("source_embedding.table.weight",))
        yield Entry("model.decoder.embed_tokens.weight", ("target_embedding.table.weight",))
    if not config.tied:
        yield Entry("lm_head.weight", ("output.weight",))
    if config.output_bias:
        yield Entry("final_logits_bias", ("output.bias",), ONE_ROW)


def _stack(config: StackConfig, side: str) -> list[Entry]:
    names = {
        "fc1": "feedforward.widen",
        "fc2": "feedforward.narrow",
        "final_layer_norm": f"residual.{config.norm.place}",
    }
    for theirs, ours in ATTENTIONS[side].items():
        names[f"{theirs}_layer_norm"] = f"{ours}.residual.{config.norm.place}"
        names |= {f"{theirs}.{one}": f"{ours}.multihead.{other}" for one, other in PROJECTIONS.items()}
    blocks = {
        f"model.{side}.layers.{{i}}.{theirs}": f"{side}.blocks.{{i}}.{ours}" for theirs, ours in names.items()
    }
    last = {f"model.{side}.layer_norm": f"{side}.norm"} if config.norm.place == "pre" else {}
    return [*expand(blocks, count=config.layers), *expand(last)]
