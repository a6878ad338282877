"""Spanish inflection: plurals, agreement, shortened forms, conjugation, contractions.

Knows the irregular forms of the grammar's own words, and the rules for the regular ones. Persons are counted
yo 0, tú 1, él 2, nosotros 3, ellos 4: vosotros is not used.
"""

from __future__ import annotations

import re
from functools import cache

PLURALS = {
    "joven": "jóvenes",
    "examen": "exámenes",
    "país": "países",
    "paraguas": "paraguas",
}
UNACCENTED = str.maketrans("áéíóú", "aeiou")
SHORTENED = {"bueno": "buen", "primero": "primer", "tercero": "tercer", "grande": "gran", "malo": "mal"}
"""Adjectives that lose their end before a singular noun: masculine, but `gran` for both genders."""

ENDINGS = {
    "present": {
        "a": ("o", "as", "a", "amos", "an"),
        "e": ("o", "es", "e", "emos", "en"),
        "i": ("o", "es", "e", "imos", "en"),
    },
    "past": {
        "a": ("é", "aste", "ó", "amos", "aron"),
        "e": ("í", "iste", "ió", "imos", "ieron"),
        "i": ("í", "iste", "ió", "imos", "ieron"),
    },
    "imperfect": {
        "a": ("aba", "abas", "aba", "ábamos", "aban"),
        "e": ("ía", "ías", "ía", "íamos", "ían"),
        "i": ("ía", "ías", "ía", "íamos", "ían"),
    },
}
PAST_AFTER_VOWEL = ("í", "íste", "yó", "ímos", "yeron")
STRONG_PAST = ("e", "iste", "o", "imos", "ieron")
FUTURE = ("é", "ás", "á", "emos", "án")

STEM_CHANGES = {
    "acostar": ("o", "ue"),
    "cerrar": ("e", "ie"),
    "contar": ("o", "ue"),
    "costar": ("o", "ue"),
    "despertar": ("e", "ie"),
    "dormir": ("o", "ue"),
    "encontrar": ("o", "ue"),
    "entender": ("e", "ie"),
    "enviar": ("i", "í"),
    "jugar": ("u", "ue"),
    "nevar": ("e", "ie"),
    "llover": ("o", "ue"),
    "perder": ("e", "ie"),
    "poder": ("o", "ue"),
    "querer": ("e", "ie"),
    "recordar": ("o", "ue"),
    "seguir": ("e", "i"),
    "tener": ("e", "ie"),
    "venir": ("e", "ie"),
    "volver": ("o", "ue"),
}
"""The last such vowel of the stem changes in the present, except with nosotros."""
WEAK_CHANGES = {"dormir": ("o", "u"), "seguir": ("e", "i")}
"""The change in the past of él and ellos and in the gerund."""
FIRST_PERSON = {
    "caer": "caigo",
    "conocer": "conozco",
    "dar": "doy",
    "hacer": "hago",
    "poner": "pongo",
    "salir": "salgo",
    "seguir": "sigo",
    "tener": "tengo",
    "traer": "traigo",
    "venir": "vengo",
    "ver": "veo",
}
STRONG_STEMS = {
    "estar": "estuv",
    "haber": "hub",
    "hacer": "hic",
    "poder": "pud",
    "poner": "pus",
    "querer": "quis",
    "tener": "tuv",
    "traer": "traj",
    "venir": "vin",
}
FUTURE_STEMS = {
    "haber": "habr",
    "hacer": "har",
    "oír": "oir",
    "poder": "podr",
    "poner": "pondr",
    "querer": "querr",
    "salir": "saldr",
    "tener": "tendr",
    "venir": "vendr",
}
WHOLE = {
    ("ser", "present"): ("soy", "eres", "es", "somos", "son"),
    ("ser", "past"): ("fui", "fuiste", "fue", "fuimos", "fueron"),
    ("ser", "imperfect"): ("era", "eras", "era", "éramos", "eran"),
    ("estar", "present"): ("estoy", "estás", "está", "estamos", "están"),
    ("ir", "present"): ("voy", "vas", "va", "vamos", "van"),
    ("ir", "past"): ("fui", "fuiste", "fue", "fuimos", "fueron"),
    ("ir", "imperfect"): ("iba", "ibas", "iba", "íbamos", "iban"),
    ("oír", "present"): ("oigo", "oyes", "oye", "oímos", "oyen"),
    ("haber", "present"): ("he", "has", "hay", "hemos", "han"),
    ("dar", "past"): ("di", "diste", "dio", "dimos", "dieron"),
    ("ver", "past"): ("vi", "viste", "vio", "vimos", "vieron"),
    ("ver", "imperfect"): ("veía", "veías", "veía", "veíamos", "veían"),
}
"""Tenses that no rule gives; `hay` is the impersonal form of haber."""
PRONOUNS = ("me", "te", "se", "nos", "se")


@cache
def plural(word: str) -> str:
    """The plural of a noun or adjective.

    >>> plural("lápiz"), plural("lección")
    ('lápices', 'lecciones')
    """
    if word in PLURALS:
        return PLURALS[word]
    if word[-1] in "aeiouáéó":
        return word + "s"
    if word[-1] == "z":
        return word[:-1] + "ces"
    if word[-1] in "ns" and word[-2] in "áéíóú":
        return word[:-2] + word[-2:].translate(UNACCENTED) + "es"
    return word + "es"


@cache
def agree(adjective: str, *, gender: str, many: bool) -> str:
    """An adjective, given in the masculine singular, in the form that its noun asks for."""
    form = adjective
    if gender == "f" and form.endswith("o"):
        form = form[:-1] + "a"
    elif gender == "f" and form.endswith("or"):
        form += "a"
    return plural(form) if many else form


def agree_before(adjective: str, *, gender: str, many: bool) -> str:
    """The same directly before the noun: buen, primer, gran."""
    if not many and adjective in SHORTENED and (gender == "m" or adjective == "grande"):
        return SHORTENED[adjective]
    return agree(adjective, gender=gender, many=many)


@cache
def conjugate(infinitive: str, *, tense: str, person: int) -> str:
    """A finite form; `tense` is present, past (pretérito), imperfect or future.

    >>> conjugate("leer", tense="past", person=2)
    'leyó'
    """
    if (infinitive, tense) in WHOLE:
        return WHOLE[infinitive, tense][person]
    if tense == "future":
        return FUTURE_STEMS.get(infinitive, infinitive) + FUTURE[person]
    if tense == "past":
        return _past(infinitive, person=person)
    if tense == "present":
        if person == 0 and infinitive in FIRST_PERSON:
            return FIRST_PERSON[infinitive]
        stem = infinitive[:-2]
        if person != 3 and infinitive in STEM_CHANGES:
            stem = _changed(stem, STEM_CHANGES[infinitive])
        return stem + ENDINGS["present"][_class(infinitive)][person]
    return infinitive[:-2] + ENDINGS[tense][_class(infinitive)][person]


@cache
def gerund(infinitive: str) -> str:
    """The form in -ndo."""
    if infinitive == "ir":
        return "yendo"
    stem = infinitive[:-2]
    if _class(infinitive) == "a":
        return stem + "ando"
    if infinitive in WEAK_CHANGES:
        stem = _changed(stem, WEAK_CHANGES[infinitive])
    return stem + ("yendo" if _ends_in_vowel(stem) else "iendo")


def contract(text: str) -> str:
    """The text with al for "a el" and del for "de el" (the pronoun él stays apart)."""
    return re.sub(r"\b([Aa]|[Dd]e) el\b", lambda match: match[1] + "l", text)


def both(first: str, second: str) -> str:
    """Two texts joined by y, which is e before the sound i."""
    e = re.match(r"h?[ií](?!e)", second, re.IGNORECASE)
    return f"{first} {'e' if e else 'y'} {second}"


def _class(infinitive: str) -> str:
    return infinitive[-2].translate(UNACCENTED)


def _ends_in_vowel(stem: str) -> bool:
    return stem[-1] in "aeo"


def _changed(stem: str, change: tuple[str, str]) -> str:
    before, last, after = stem.rpartition(change[0])
    return before + (change[1] if last else "") + after


def _past(infinitive: str, *, person: int) -> str:
    """The pretérito of a verb that has no table of its own."""
    stem, vowel = infinitive[:-2], _class(infinitive)
    if infinitive in STRONG_STEMS:
        strong = STRONG_STEMS[infinitive]
        if person == 2 and strong.endswith("c"):
            return strong[:-1] + "zo"
        ending = STRONG_PAST[person]
        return strong + (ending[1:] if strong.endswith("j") and person == 4 else ending)
    if vowel != "a" and _ends_in_vowel(stem):
        return stem + PAST_AFTER_VOWEL[person]
    if vowel == "a" and person == 0:
        for letter, written in (("c", "qu"), ("g", "gu"), ("z", "c")):
            if stem.endswith(letter):
                stem = stem[:-1] + written
                break
    if person in (2, 4) and infinitive in WEAK_CHANGES:
        stem = _changed(stem, WEAK_CHANGES[infinitive])
    return stem + ENDINGS["past"][vowel][person]
