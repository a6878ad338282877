"""Languages by their codes, as far as other programs want their names in English.

Knows no weights.
"""

from __future__ import annotations

import re
from dataclasses import replace

from trasluz.errors import TrasluzError
from trasluz.models.loaded import LoadedModel

_TABLE = """
    ar Arabic      ara arb
    az Azerbaijani aze azj
    bg Bulgarian   bul
    bn Bengali     ben
    ca Catalan     cat
    cs Czech       ces cze
    cy Welsh       cym wel
    da Danish      dan
    de German      deu ger
    el Greek       ell gre
    en English     eng
    eo Esperanto   epo
    es Spanish     spa
    et Estonian    est ekk
    eu Basque      eus baq
    fa Persian     fas per pes
    fi Finnish     fin
    fr French      fra fre
    ga Irish       gle
    gl Galician    glg
    gn Guarani     grn
    he Hebrew      heb
    hi Hindi       hin
    hr Croatian    hrv
    hu Hungarian   hun
    id Indonesian  ind
    it Italian     ita
    ja Japanese    jpn
    ko Korean      kor
    ky Kyrgyz      kir
    lt Lithuanian  lit
    lv Latvian     lav lvs
    ms Malay       msa may zsm
    nb Norwegian   nob
    nl Dutch       nld dut
    pl Polish      pol
    pt Portuguese  por
    qu Quechua     que quy
    ro Romanian    ron rum
    ru Russian     rus
    sk Slovak      slk slo
    sl Slovenian   slv
    sq Albanian    sqi alb als
    sr Serbian     srp
    sv Swedish     swe
    sw Swahili     swa swh
    th Thai        tha
    tl Tagalog     tgl
    tr Turkish     tur
    uk Ukrainian   ukr
    ur Urdu        urd
    vi Vietnamese  vie
    zh Chinese     zho chi
"""
_ROWS = [line.split() for line in _TABLE.strip().splitlines()]
NAMES = {code: name for code, name, *_ in _ROWS}
"""English names of languages by ISO 639-1."""
OTHERWISE = {word.lower(): code for code, *words in _ROWS for word in words}
"""ISO 639-1 by name, and by the codes of three letters that ISO 639-2 and -3 and NLLB have."""
CODE = re.compile(r"[a-z]{2,3}", re.ASCII)


def plain_code(language: str) -> str:
    """The code of a language without its country: `en` for en-US, en_XX, eng, eng_Latn and English."""
    first = re.split("[-_]", language.strip().lower())[0]
    return OTHERWISE.get(first, first)


def code_of(language: str) -> str:
    """The plain code of a language, for a file that is named after it.

    Raises `TrasluzError` where that is no code.
    """
    code = plain_code(language)
    if not CODE.fullmatch(code):
        raise TrasluzError(
            f"{language!r} is no code of a language; give one of two or three letters, such as en"
        )
    return code


def name_of(language: str) -> str:
    """The English name of a language, or its code where no name is known."""
    return NAMES.get(plain_code(language), language)


def with_languages(loaded: LoadedModel, *, source: str | None, target: str | None) -> LoadedModel:
    """A model with the languages that it does not name itself.

    Raises `TrasluzError` where it names another one.
    """
    manifest = loaded.manifest
    update = {}
    for side, given in (("source", source), ("target", target)):
        own = getattr(manifest, f"{side}_language")
        if given and own and plain_code(given) != plain_code(own):
            raise TrasluzError(
                f"--{side}-language is {given!r}, but this model has {own!r} as its {side} language; "
                "leave it out"
            )
        update[f"{side}_language"] = own or given
    return replace(loaded, manifest=manifest.model_copy(update=update))
