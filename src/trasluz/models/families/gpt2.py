"""GPT-2 (Radford et al. 2019)."""

from __future__ import annotations

from trasluz.config import NO_PADDING, DecoderOnlyConfig
from trasluz.models.families import tokens
from trasluz.models.families.family import Family
from trasluz.models.families.names import BOTH, THIRDS, TRANSPOSED, WEIGHT, Entry, Table, expand
from trasluz.models.families.reading import ACTIVATIONS, Reading
from trasluz.parse import parse

END_OF_TEXT = 50256
"""The only symbol of the published models: it ends a text, and begins one."""
SUMMARY = ("activation", "first_dropout", "proj_to_labels", "type", "use_proj")
"""What the settings of a head that sums a text up are called; this family has none here."""


def config_from_hf(reading: Reading) -> DecoderOnlyConfig:
    """Layer norms before each part, learnt positions, the output tied to the table of tokens."""
    reading.must_be("scale_attn_weights", True)
    reading.must_be("scale_attn_by_inverse_layer_idx", False)
    reading.must_be("add_cross_attention", False)
    width = reading.count("n_embd")
    vocabulary, end = reading.count("vocab_size"), reading.token("eos_token_id", END_OF_TEXT)
    settings = {
        "width": width,
        "embedding": {
            "vocabulary": vocabulary,
            "scaled": False,
            "tied": reading.flag("tie_word_embeddings", default=True),
            "dropout": reading.number("embd_pdrop", 0.1),
        },
        "decoder": {
            "layers": reading.layers("n_layer"),
            "attention": {"heads": reading.count("n_head"), "dropout": reading.number("attn_pdrop", 0.1)},
            "feedforward": {
                "hidden": reading.count("n_inner", 4 * width),
                "activation": reading.choice("activation_function", ACTIVATIONS, default="gelu_new"),
            },
            "norm": {"place": "pre", "epsilon": reading.number("layer_norm_epsilon", 1e-5)},
            "position": {"kind": "learned", "length": reading.length("n_positions", 1024)},
            "dropout": reading.number("resid_pdrop", 0.1),
        },
        "symbols": {
            "pad": NO_PADDING,
            "start": reading.token("bos_token_id", END_OF_TEXT if vocabulary > END_OF_TEXT else end),
            "end": end,
            "unknown": reading.token("unk_token_id", end),
        },
    }
    reading.ignore("n_ctx", "pad_token_id", "reorder_and_upcast_attn", *(f"summary_{one}" for one in SUMMARY))
    reading.finish()
    return parse(DecoderOnlyConfig, settings, where=reading.where)


def table(config: DecoderOnlyConfig) -> Table:
    """Matrices are stored the other way round; query, key and value as one."""
    names = {"ln_1": "self_attention.residual.pre", "ln_2": "residual.pre"}
    matrices = {
        "attn.c_proj": "self_attention.multihead.output",
        "mlp.c_fc": "feedforward.widen",
        "mlp.c_proj": "feedforward.narrow",
    }
    blocks: list[Entry] = []
    for i in range(config.decoder.layers):
        theirs, ours = f"transformer.h.{i}", f"decoder.blocks.{i}"
        blocks += expand({f"{theirs}.{one}": f"{ours}.{other}" for one, other in names.items()})
        for one, other in matrices.items():
            blocks.append(Entry(f"{theirs}.{one}.weight", (f"{ours}.{other}.weight",), TRANSPOSED))
            blocks.append(Entry(f"{theirs}.{one}.bias", (f"{ours}.{other}.bias",)))
        for suffix in BOTH:
            parts = tuple(
                f"{ours}.self_attention.multihead.{part}{suffix}" for part in ("query", "key", "value")
            )
            blocks.append(Entry(f"{theirs}.attn.c_attn{suffix}", parts, THIRDS))
    once = {"transformer.wte": "embedding.table", "transformer.wpe": "embedding.position.embedding"}
    once |= {} if config.embedding.tied else {"lm_head": "output"}
    return Table(
        [*blocks, *expand(once, WEIGHT), *expand({"transformer.ln_f": "decoder.norm"})],
        copies={"lm_head.weight": "transformer.wte.weight"},
        prefix="transformer.",
        derived=[r"transformer\.h\.\d+\.attn\.(masked_)?bias"],
    )


FAMILY = Family("gpt2", "language-model", config_from_hf, table, tokens.gpt2)
