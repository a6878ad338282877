"""The entries of a checkpoint's tokeniser: from its tokenizer.json, or from the files that came before that.

Knows no frame, and not which languages are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import PurePath

from sentencepiece import SentencePieceProcessor

from trasluz.config import DecoderOnlyConfig, TransformerConfig
from trasluz.errors import TrasluzError, unknown
from trasluz.models.families.codes import M2M100, M2M100_OR_NLLB, MARIAN, MBART_25, MBART_50
from trasluz.models.families.family import Files
from trasluz.models.families.hints import Hints, vocabulary_in
from trasluz.text.hub import HubPieces, Machine
from trasluz.text.mapped import (
    FAIRSEQ_SYMBOLS,
    MappedPieces,
    ids_as_they_are,
    ids_of_fairseq,
    read_sentencepiece,
    symbols_of,
)
from trasluz.text.tokenizer import Frame, Tokenizer

HUB = "tokenizer.json"
FAIRSEQ_MODEL, T5_MODEL, LLAMA_MODEL = "sentencepiece.bpe.model", "spiece.model", "tokenizer.model"
MARIAN_MODELS = ("source.spm", "target.spm")
VOCABULARY, TARGET_VOCABULARY, MERGES = "vocab.json", "target_vocab.json", "merges.txt"
CARRIED = (
    HUB,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    MERGES,
    "*vocab*.json",
    "*.spm",
    "*.model",
)
"""The files of a tokeniser, which are kept byte for byte."""

OPENED = "add_bos_token"
END_OF_TEXT, MASK = "<|endoftext|>", "<mask>"

Config = TransformerConfig | DecoderOnlyConfig


@dataclass(frozen=True, slots=True)
class Entries:
    """All entries by their names, symbols among them; `framed` makes the tokeniser of them and a frame.

    `opening` is what the tokeniser itself would put before a text; a flag in tokenizer_config.json says so
    where there is no tokenizer.json.
    """

    ids: Mapping[str, int]
    symbols: Collection[str]
    framed: Callable[[Frame], Tokenizer]
    opening: tuple[int, ...] = ()


def of_hub(files: Files, config: Config, *, named: Collection[str] = ()) -> Entries:
    """From a tokenizer.json; `named` are symbols whether or not a file says so."""
    hints = Hints.read(files)
    _look_for(files, HUB)
    return _of_machine(
        Machine.read(
            files.data(HUB),
            named={*hints.symbols, *named},
            numbered=[config.symbols.end],
            where=str(files.directory / HUB),
        ),
        files,
        config,
    )


def of_gpt2(files: Files, config: Config) -> Entries:
    """From vocab.json and merges.txt: byte-level BPE."""
    hints = Hints.read(files)
    _look_for(files, VOCABULARY, MERGES, HUB)
    vocabulary = vocabulary_in(files, VOCABULARY)
    end = {name for name, number in vocabulary.items() if number == config.symbols.end}
    symbols = hints.symbols | end | {END_OF_TEXT}
    added = {name: number for name, number in vocabulary.items() if name in symbols} | dict(hints.added)
    machine = Machine.of_merges(
        vocabulary,
        files.data(MERGES),
        spaced=hints.flag("add_prefix_space") or False,
        added=dict(sorted(added.items(), key=lambda one: one[1])),
        symbols=symbols,
        where=f"{files.directory}: {VOCABULARY} or {MERGES}",
    )
    opening = (config.symbols.start,) if hints.flag(OPENED) else ()
    return replace(_of_machine(machine, files, config), opening=opening)


def of_t5(files: Files, config: Config) -> Entries:
    """From a sentencepiece model; behind its pieces stand sentinels, the first of them last."""
    processor = _processor(files, T5_MODEL)
    count, ids = Hints.read(files).count("extra_ids", 100), ids_as_they_are(processor)
    _check_rows(len(ids) + count, files, config)
    sentinels = [f"<extra_id_{number}>" for number in reversed(range(count))]
    return _of_pieces(_Side(processor, _behind(ids, sentinels), sentinels), files, config)


def of_llama(files: Files, config: Config) -> Entries:
    """From a sentencepiece model alone; the start symbol opens a text, unless a flag says otherwise."""
    processor = _processor(files, LLAMA_MODEL)
    side = _Side(processor, ids_as_they_are(processor))
    opening = () if Hints.read(files).flag(OPENED) is False else (config.symbols.start,)
    return replace(_of_pieces(side, files, config), opening=opening)


def of_mbart(files: Files, config: Config) -> Entries:
    """From a sentencepiece model; behind its pieces stand 50 languages where the table has room, or 25."""
    processor = _processor(files, FAIRSEQ_MODEL)
    ids = ids_of_fairseq(processor)
    room = config.embedding.vocabulary - len(ids)
    behind = (*(MBART_50 if room > len(MBART_50) else MBART_25), MASK)
    return _of_pieces(_Side(processor, _behind(ids, behind), behind), files, config)


def of_nllb(files: Files, config: Config) -> Entries:
    """From a sentencepiece model; behind its pieces stand the languages that other files list."""
    hints = Hints.read(files)
    processor = _processor(files, model_of_fairseq(files, hints))
    languages = [one for one in (*hints.listed, *hints.added) if M2M100_OR_NLLB.fullmatch(one)]
    named = dict.fromkeys([*languages, MASK])
    ids = _behind(ids_of_fairseq(processor), [one for one in named if one not in hints.added])
    return _of_pieces(_Side(processor, ids, named), files, config)


def of_m2m100(files: Files, config: Config) -> Entries:
    """From a sentencepiece model and a vocabulary, behind which stand the languages."""
    hints = Hints.read(files)
    processor = _processor(files, model_of_fairseq(files, hints))
    kind = hints.word("language_codes") or "m2m100"
    if kind not in M2M100:
        raise unknown("language_codes in tokenizer_config.json", kind, M2M100)
    languages = [f"__{code}__" for code in M2M100[kind]]
    ids = _behind(vocabulary_in(files, VOCABULARY), languages)
    return _of_pieces(_Side(processor, ids, languages), files, config)


def of_marian(files: Files, config: Config) -> Entries:
    """From a sentencepiece model for each side, and one vocabulary for both or one for each."""
    separate = Hints.read(files).flag("separate_vocabs")
    names = (VOCABULARY, TARGET_VOCABULARY if separate else VOCABULARY)
    source, target = (
        _Side(processor, ids := vocabulary_in(files, name), [one for one in ids if MARIAN.fullmatch(one)])
        for processor, name in zip([_processor(files, one) for one in MARIAN_MODELS], names, strict=True)
    )
    return _of_pieces(source, files, config, target=target)


def model_of_fairseq(files: Files, hints: Hints) -> str:
    """The name of the sentencepiece model, which tokenizer_config.json may say, of whatever folder."""
    said = (PurePath(hints.word(key) or "").name for key in ("spm_file", "vocab_file"))
    return next((one for one in said if one.endswith(".model") and files.has(one)), FAIRSEQ_MODEL)


@dataclass(frozen=True, slots=True)
class _Side:
    """The pieces of one side, and what is known to be symbols among their names."""

    processor: SentencePieceProcessor
    ids: Mapping[str, int]
    symbols: Collection[str] = ()


def _of_machine(machine: Machine, files: Files, config: Config) -> Entries:
    _check_rows(_rows(machine.ids), files, config)
    make = partial(HubPieces, machine, pad_id=config.symbols.pad, files=_carried(files))
    return Entries(
        machine.ids, machine.symbols, lambda frame: make(frame=frame), opening=tuple(machine.opening)
    )


def _of_pieces(side: _Side, files: Files, config: Config, *, target: _Side | None = None) -> Entries:
    hints, carried = Hints.read(files), _carried(files)

    def prepare(side: _Side) -> tuple[Mapping[str, int], Collection[str], Callable[..., MappedPieces]]:
        symbols = {*FAIRSEQ_SYMBOLS, *side.symbols, *symbols_of(side.processor), *hints.symbols}
        ids = _with_added(side.ids, hints, symbols)
        _check_rows(_rows(ids), files, config)
        make = partial(
            MappedPieces,
            side.processor,
            ids=ids,
            symbols=symbols,
            unknown=_unknown(side, hints),
            pad_id=config.symbols.pad,
            files=carried,
        )
        return ids, symbols, make

    ids, symbols, make = prepare(side)
    if target is None:
        return Entries(ids, symbols, lambda frame: make(frame=frame))
    _, _, make_target = prepare(target)
    return Entries(ids, symbols, lambda frame: make(frame=frame, target=make_target(frame=frame)))


def _processor(files: Files, name: str) -> SentencePieceProcessor:
    _look_for(files, name, HUB)
    return read_sentencepiece(files.data(name), where=str(files.directory / name))


def _look_for(files: Files, *names: str) -> None:
    """Raise where none of these files is there: then the tokeniser is missing as a whole."""
    if not any(map(files.has, names)):
        raise TrasluzError(
            f"{files.directory}: the tokenizer is missing, as there is no {' and no '.join(names)}; "
            "copy the whole checkpoint again"
        )


def _behind(ids: Mapping[str, int], names: Collection[str]) -> dict[str, int]:
    """The ids with further names behind them."""
    return {**ids, **{name: len(ids) + at for at, name in enumerate(names)}}


def _with_added(ids: Mapping[str, int], hints: Hints, symbols: set[str]) -> Mapping[str, int]:
    """The ids with what was added beside the vocabulary.

    Raises where that is text, which sentencepiece would not find, and where two names have one id.
    """
    if plain := hints.plain - symbols:
        raise TrasluzError(
            f"{hints.where}: {', '.join(map(repr, sorted(plain)))} was added to the tokenizer as text, which "
            f"Trasluz finds only with a {HUB}; save the checkpoint's tokenizer as one"
        )
    names = {number: name for name, number in ids.items()}
    for name, number in hints.added.items():
        there = names.setdefault(number, name)
        if there != name or ids.get(name, number) != number:
            raise TrasluzError(
                f"{hints.where}: the token {name!r} was added with the id {number}, but the vocabulary has "
                f"{there!r} there; one of the files belongs to another model"
            )
    return {**ids, **hints.added}


def _unknown(side: _Side, hints: Hints) -> str:
    """The name of the symbol for what no piece spells."""
    own = side.processor.id_to_piece(side.processor.unk_id())
    for one in ("<unk>", hints.roles.get("unk_token"), own):
        if one in side.ids:
            return str(one)
    raise TrasluzError(
        f"{hints.where}: the vocabulary has no unknown symbol, such as <unk>; copy the whole checkpoint again"
    )


def _rows(ids: Mapping[str, int]) -> int:
    """How many rows a table must have."""
    return max(ids.values(), default=-1) + 1


def _check_rows(entries: int, files: Files, config: Config) -> None:
    """Raise where a token would have no vector; a table with rows to spare is usual."""
    rows = config.embedding.vocabulary
    if entries > rows:
        raise TrasluzError(
            f"{files.directory}: the tokenizer has {entries} entries, but the embedding of the model has "
            f"{rows} rows; one of them belongs to another model"
        )


def _carried(files: Files) -> dict[str, bytes]:
    """Every file of the tokeniser, by its name."""
    names = sorted(path.name for path in files.directory.iterdir() if path.is_file())
    return {name: files.data(name) for name in names if any(fnmatch(name, one) for one in CARRIED)}
