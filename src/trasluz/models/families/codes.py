"""The codes of languages: those that checkpoints leave unsaid, and which of some codes is asked for.

Knows no tokeniser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from trasluz.errors import TrasluzError, nearest_first
from trasluz.models.families.family import Languages

_OF_25 = """
    ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV
    my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN
"""
_OF_50 = """
    af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX
    sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI
"""
_OF_100 = """
    af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi
    hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns
    oc or pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh
    zu
"""
_OF_8 = "en ha is ja cs ru zh de"

MBART_25 = tuple(_OF_25.split())
MBART_50 = (*MBART_25, *_OF_50.split())
"""In the order of their ids behind the pieces (Liu et al. 2020; Tang et al. 2020)."""
M2M100 = {"m2m100": tuple(_OF_100.split()), "wmt21": tuple(_OF_8.split())}
"""The same of M2M100 (Fan et al. 2021) and of its heir of eight languages (Tran et al. 2021), by what
tokenizer_config.json calls them."""

MARIAN = re.compile(r">>(?P<code>.+)<<")
MBART = re.compile(r"(?P<code>[a-z]{2}_[A-Z]{2})")
PAIR_OF_T5 = re.compile(r"translation_(?P<source>[\w-]+)_to_(?P<target>[\w-]+)")
M2M100_OR_NLLB = re.compile(r"__(?P<code>\w+?)__|(?P<script>[a-z]{2,3}_[A-Z][a-z]+)")

TOLD = 10
"""How many codes are told to whom asked for another."""


def codes_among(
    ids: Mapping[str, int], symbols: Collection[str], spelling: re.Pattern[str]
) -> dict[str, int]:
    """The id of each language, by its code without what the spelling puts around it, in the order of ids."""
    matches = ((spelling.fullmatch(name), ids[name]) for name in symbols if name in ids)
    found = [(match[match.lastgroup or 0], number) for match, number in matches if match]
    return dict(sorted(found, key=lambda one: one[1]))


def chosen(codes: Mapping[str, int], language: str | None, *, side: str, where: Path) -> int:
    """The id of the language that is asked for; `side` is source or target.

    Raises `TrasluzError` that lists the codes where there is none or another.
    """
    if not codes:
        raise TrasluzError(
            f"{where}: no file of the tokenizer names its languages; copy the whole checkpoint again, "
            "special_tokens_map.json among it"
        )
    if language is None:
        raise TrasluzError(f"{where}: the {side} language is missing; give one of {', '.join(codes)}")
    if language not in codes:
        raise TrasluzError(
            f"{where}: unknown {side} language {language!r}; allowed, nearest first: "
            f"{_some(_likeliest_first(language, codes))}"
        )
    return codes[language]


def _likeliest_first(language: str, codes: Collection[str]) -> list[str]:
    """The codes that begin as the language does, then the others, each the most alike first."""
    begun = language[:2].lower()
    return sorted(nearest_first(language, codes), key=lambda code: not code.lower().startswith(begun))


def _some(codes: Sequence[str]) -> str:
    """The first of some codes, and how many more there are."""
    more = len(codes) - TOLD
    return ", ".join(codes[:TOLD]) + (f", ... and {more} more; leave it out to see all" if more > 0 else "")


def both_chosen(codes: Mapping[str, int], languages: Languages, *, where: Path) -> tuple[int, int]:
    """The ids of source and target language."""
    source = chosen(codes, languages.source, side="source", where=where)
    return source, chosen(codes, languages.target, side="target", where=where)


def prefix_of_pair(tasks: object, languages: Languages, *, where: Path) -> str:
    """The words that a T5 was taught to translate at, from its `task_specific_params`; "" for no languages.

    Raises `TrasluzError` that lists the pairs where there is none or another.
    """
    named = tasks.items() if isinstance(tasks, Mapping) else ()
    prefixes = {
        (pair["source"], pair["target"]): prefix
        for name, task in named
        if (pair := PAIR_OF_T5.fullmatch(name))
        and isinstance(task, Mapping)
        and isinstance(prefix := task.get("prefix"), str)
    }
    if not prefixes:
        refuse_any(
            languages,
            where=where,
            why='this model takes its task in front of the text, such as "translate English to German: "; '
            "write it there, and leave the languages out",
        )
    if languages == Languages():
        return ""
    if (languages.source, languages.target) not in prefixes:
        pairs = ", ".join(f"{source} to {target}" for source, target in prefixes)
        raise TrasluzError(
            f"{where}: {languages.source or '?'} to {languages.target or '?'} was asked for, but this model "
            f"names {pairs}; for another task leave the languages out, and write it in front of the text"
        )
    return prefixes[languages.source, languages.target]


def refuse_any(languages: Languages, *, where: Path, why: str) -> None:
    """Raise `TrasluzError` where a language is asked for."""
    given = languages.source or languages.target
    if given is not None:
        raise TrasluzError(f"{where}: the language {given!r} was given, but {why}")
