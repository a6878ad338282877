"""The tokeniser of each family: of which files it is made, and what stands around the pieces of a text.

Knows no weights. For a family whose own tokeniser is a tokenizer.json, that is taken where it is there, else
what it was made from. Marian and M2M100 are the other way round: theirs are the other files, and a
tokenizer.json, which somebody made from them, does not know both sides of a pair.

Llama's prompts begin with a symbol, the frame's `opening`; GPT-2's begin with nothing, and only an empty one
is read as the start symbol. Which of the two it is a tokenizer.json says by itself, and else a flag in
tokenizer_config.json.

Each function raises `TrasluzError` for what is missing, damaged or does not fit the configuration, and for
languages that the checkpoint does not have.
"""

from __future__ import annotations

from dataclasses import replace

from trasluz.config import DecoderOnlyConfig, TransformerConfig
from trasluz.errors import TrasluzError
from trasluz.models.families import codes, entries
from trasluz.models.families.entries import Entries
from trasluz.models.families.family import Files, Languages
from trasluz.models.families.hints import Hints
from trasluz.text.tokenizer import Frame, Tokenizer

OF_NO_FAMILY = "PreTrainedTokenizerFast"
"""What tokenizer_config.json calls a tokeniser that is all in its tokenizer.json."""
SETTINGS, GENERATION = "config.json", "generation_config.json"
PROBES = ("a", "1", "The")
"""Texts that show whether words in front change how what stands behind them is cut."""
MBART_OF_FIFTY = {"MBartTokenizer": False, "MBart50Tokenizer": True}


def t5(files: Files, config: TransformerConfig, languages: Languages) -> Tokenizer:
    """A source ends with the end symbol; the decoder starts with padding.

    Languages are words in front of a source, where the configuration has some for a pair; what else a source
    begins with, such as another task, is the user's.
    """
    found = entries.of_hub(files, config) if files.has(entries.HUB) else entries.of_t5(files, config)
    tasks = files.settings(SETTINGS).get("task_specific_params")
    prefix = codes.prefix_of_pair(tasks, languages, where=files.directory)
    frame = Frame(config.symbols.start, config.symbols.end, after=(config.symbols.end,))
    ours = found.framed(frame)
    before, *texts = ours.encode_all([prefix.rstrip(), *PROBES, *(prefix + one for one in PROBES)])
    alone, behind = texts[: len(PROBES)], texts[len(PROBES) :]
    if any([*before, *one] != whole for one, whole in zip(alone, behind, strict=True)):
        raise TrasluzError(
            f"{files.directory / SETTINGS}: the words {prefix!r} for {languages.source} to "
            f"{languages.target} run into the text behind them; end them in a space there, or leave the "
            "languages out and write them in front of the text"
        )
    return found.framed(replace(frame, before=tuple(before)))


def marian(files: Files, config: TransformerConfig, languages: Languages) -> Tokenizer:
    """A source ends with the end symbol; of a model with several targets it begins with the code of one.

    The source language need not be said; the target language must be where there are several, and must not
    be where there is one.
    """
    hints = Hints.read(files)
    own = hints.word("source_lang")
    if languages.source not in (None, own):
        reads = f"reads {own!r}" if own else "does not say which language it reads"
        raise TrasluzError(
            f"{files.directory}: the source language {languages.source!r} was given, but this model {reads}; "
            "leave it out"
        )
    slow = files.has(entries.MARIAN_MODELS[0]) or not files.has(entries.HUB)
    found = entries.of_marian(files, config) if slow else entries.of_hub(files, config)
    known = codes.codes_among(found.ids, found.symbols, codes.MARIAN)
    if not known and languages.target is not None:
        raise TrasluzError(
            f"{files.directory}: the target language {languages.target!r} was given, but this model has one "
            "pair of languages only; leave it out"
        )
    before = (codes.chosen(known, languages.target, side="target", where=files.directory),) if known else ()
    end = config.symbols.end
    return found.framed(Frame(config.symbols.start, end, after=(end,), before=before))


def mbart(files: Files, config: TransformerConfig, languages: Languages) -> Tokenizer:
    """Of 25 languages: a source ends with its code, and the decoder starts with that of the target.

    Of 50: a source begins with its code, and the decoder writes that of the target first.
    """
    hub = files.has(entries.HUB)
    found = entries.of_hub(files, config, named=codes.MBART_50) if hub else entries.of_mbart(files, config)
    known = codes.codes_among(found.ids, found.symbols, codes.MBART)
    kind = (Hints.read(files).word("tokenizer_class") or "").removesuffix("Fast")
    fifty = MBART_OF_FIFTY.get(kind, len(known) > len(codes.MBART_25))
    source, target = codes.both_chosen(known, languages, where=files.directory)
    start, end = config.symbols.start, config.symbols.end
    if fifty:
        return found.framed(Frame(start, end, after=(end,), before=(source,), forced=(target,)))
    return found.framed(Frame(target, end, after=(end, source)))


def m2m100(files: Files, config: TransformerConfig, languages: Languages) -> Tokenizer:
    """A source begins with its code, and the decoder writes that of the target first; also for NLLB.

    An NLLB of legacy behaviour has the code of the source behind the end symbol.
    """
    hints = Hints.read(files)
    if files.has(entries.VOCABULARY) and files.has(entries.model_of_fairseq(files, hints)):
        found = entries.of_m2m100(files, config)
    else:
        found = entries.of_hub(files, config) if files.has(entries.HUB) else entries.of_nllb(files, config)
    known = codes.codes_among(found.ids, found.symbols, codes.M2M100_OR_NLLB)
    if not known and hints.word("tokenizer_class") == OF_NO_FAMILY:
        return one_pair(files, config, languages)
    source, target = codes.both_chosen(known, languages, where=files.directory)
    start, end = config.symbols.start, config.symbols.end
    if hints.flag("legacy_behaviour"):
        return found.framed(Frame(start, end, after=(end, source), forced=(target,)))
    return found.framed(Frame(start, end, after=(end,), before=(source,), forced=(target,)))


def one_pair(files: Files, config: TransformerConfig, languages: Languages) -> Tokenizer:
    """A source ends with the end symbol, and there is no code of a language: what Trasluz writes."""
    codes.refuse_any(languages, where=files.directory, why="this model has one pair of languages only")
    found, end = entries.of_hub(files, config), config.symbols.end
    return found.framed(Frame(config.symbols.start, end, after=(end,)))


def gpt2(files: Files, config: DecoderOnlyConfig, languages: Languages) -> Tokenizer:
    """Nothing stands around a prompt, unless the tokeniser says so."""
    _refuse_for_language_model(files, languages)
    found = entries.of_hub(files, config) if files.has(entries.HUB) else entries.of_gpt2(files, config)
    return found.framed(_around_prompts(found, files, config))


def llama(files: Files, config: DecoderOnlyConfig, languages: Languages) -> Tokenizer:
    """A prompt begins with the start symbol, unless the tokeniser says otherwise."""
    _refuse_for_language_model(files, languages)
    found = entries.of_hub(files, config) if files.has(entries.HUB) else entries.of_llama(files, config)
    return found.framed(_around_prompts(found, files, config))


def _around_prompts(found: Entries, files: Files, config: DecoderOnlyConfig) -> Frame:
    """The start symbol, where the tokeniser itself would put it there, and all that ends what is written."""
    start, end = config.symbols.start, config.symbols.end
    opening = (start,) if found.opening[:1] == (start,) else ()
    rows = config.embedding.vocabulary
    ends = {one for name in (SETTINGS, GENERATION) for one in _ends(files, name, rows=rows)} - {end}
    return Frame(start, end, after=(), opening=opening, also_end=tuple(sorted(ends)))


def _ends(files: Files, name: str, *, rows: int) -> list[int]:
    """The end symbols that a file of settings names: one, several or none."""
    said = files.settings(name).get("eos_token_id")
    ids = said if isinstance(said, list) else [] if said is None else [said]
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one < rows for one in ids):
        raise TrasluzError(
            f"{files.directory / name}: eos_token_id is {said!r}, but it should be the id of a token, 0 to "
            f"{rows - 1}, or several"
        )
    return ids


def _refuse_for_language_model(files: Files, languages: Languages) -> None:
    codes.refuse_any(languages, where=files.directory, why="a language model goes on in that of its prompt")
