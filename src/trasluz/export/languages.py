"""Languages by their codes, as far as other programs want their names in English.

Knows no weights.
"""

from __future__ import annotations

from dataclasses import replace

from trasluz.errors import TrasluzError
from trasluz.models.loaded import LoadedModel

NAMES = {
    "ar": "Arabic",
    "az": "Azerbaijani",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "eo": "Esperanto",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "gl": "Galician",
    "gn": "Guarani",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "ky": "Kyrgyz",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "ms": "Malay",
    "nb": "Norwegian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "qu": "Quechua",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sq": "Albanian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""English names of languages by ISO 639-1."""

OTHERWISE = {"eng": "en", "english": "en", "spa": "es", "spanish": "es"}
"""How else people call the languages of the bundled corpus."""


def plain_code(language: str) -> str:
    """The code of a language without its country: `en` for en-US, en_XX and eng."""
    first = language.strip().lower().replace("_", "-").split("-")[0]
    return OTHERWISE.get(first, first)


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
