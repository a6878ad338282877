"""The adjectives of the bundled grammar, and which nouns they suit."""

from __future__ import annotations

from functools import cache

from trasluz.corpus.grammar.word import Adjective, Noun

PERSON, ALIVE = "person kin", "person kin animal"
LONG_TEXTS = "letter message book novel poem story"
BIG_THINGS = "furniture vehicle building container town plant chamber nature outdoors animal machine farm"

QUALITIES = (
    Adjective("tall", "alto", "person kin tower tree"),
    Adjective("young", "joven", "person sister brother daughter son aunt uncle friend neighbor"),
    Adjective("rich", "rico", PERSON),
    Adjective("intelligent", "inteligente", PERSON),
    Adjective("kind", "amable", PERSON),
    Adjective("friendly", "simpático", PERSON),
    Adjective("hardworking", "trabajador", PERSON),
    Adjective("strong", "fuerte", f"{PERSON} strong"),
    Adjective("famous", "famoso", "person sight art"),
    Adjective("big", "grande", BIG_THINGS),
    Adjective("small", "pequeño", f"{BIG_THINGS} child goods"),
    Adjective("old", "viejo", "text goods building vehicle openable town animal"),
    Adjective("new", "nuevo", "text goods building work transport"),
    Adjective("modern", "moderno", "building machine"),
    Adjective("expensive", "caro", "goods food drink restaurant hotel"),
    Adjective("cheap", "barato", "goods food drink restaurant hotel"),
    Adjective("beautiful", "bonito", "sight art flower dress town outdoors nature song house"),
    Adjective(
        "long", "largo", f"{LONG_TEXTS} sung watched street bridge river dress coat skirt scarf lesson"
    ),
    Adjective("interesting", "interesante", "text watched museum town lesson matter"),
    Adjective("difficult", "difícil", "lesson matter test"),
    Adjective("easy", "fácil", "lesson matter test"),
    Adjective("important", "importante", "letter message lesson matter test match"),
    Adjective("heavy", "pesado", "container package furniture piano"),
    Adjective("dangerous", "peligroso", "wild river knife street"),
    Adjective("quiet", "tranquilo", "beach village street park library hotel"),
    Adjective("red", "rojo", "color-red wear vehicle pen flower ball"),
    Adjective("green", "verde", "color-green wear vehicle openable ball"),
    Adjective("yellow", "amarillo", "wear flower vehicle umbrella"),
    Adjective("white", "blanco", "wear furniture horse cat house wall dish-ware flower"),
    Adjective("black", "negro", "wear horse cat dog vehicle umbrella pen"),
    Adjective("blue", "azul", "wear vehicle box door pencil ball"),
)
STATES = (
    Adjective("tired", "cansado", ALIVE, copula="estar", beside=False),
    Adjective("happy", "contento", PERSON, copula="estar", beside=False),
    Adjective("sad", "triste", PERSON, copula="estar", beside=False),
    Adjective("sick", "enfermo", ALIVE, copula="estar"),
    Adjective("busy", "ocupado", PERSON, copula="estar", beside=False),
    Adjective("worried", "preocupado", PERSON, copula="estar", beside=False),
    Adjective("angry", "enfadado", PERSON, copula="estar", beside=False),
    Adjective("nervous", "nervioso", ALIVE, copula="estar", beside=False),
    Adjective("alone", "solo", PERSON, copula="estar", beside=False),
    Adjective("ready", "listo", "person kin meal", copula="estar", beside=False),
    Adjective("open", "abierto", "openable opens museum church library bank", copula="estar", beside=False),
    Adjective("closed", "cerrado", "openable opens museum church library bank", copula="estar", beside=False),
    Adjective("broken", "roto", "breakable machine furniture toy", copula="estar"),
    Adjective("clean", "limpio", "wear chamber dish-ware window car street beach", copula="estar"),
    Adjective("dirty", "sucio", "wear chamber dish-ware window car street river", copula="estar"),
    Adjective("empty", "vacío", "container chamber street transport restaurant theater", copula="estar"),
    Adjective("full", "lleno", "container transport restaurant theater hotel", copula="estar", beside=False),
    Adjective("wet", "mojado", "wear dog cat", copula="estar"),
    Adjective("dry", "seco", "wear", copula="estar"),
    Adjective("cold", "frío", "dish cooked drink", copula="estar"),
    Adjective("hot", "caliente", "soup meat rice potato warm-drink", copula="estar"),
    Adjective("fresh", "fresco", "bread cheese fruit egg salad", copula="estar"),
    Adjective("delicious", "delicioso", "food meal warm-drink", copula="estar", beside=False),
)
BEFORE_NOUN = (
    Adjective("good", "bueno", "job text art food drink restaurant hotel student", copula="", before=True),
    Adjective("bad", "malo", "art student restaurant hotel", copula="", before=True),
    Adjective("great", "grande", "city writer painter actor actress king novel", copula="", before=True),
)
ORDINALS = (
    Adjective("first", "primero", "text lesson train bus street exam house song", copula="", before=True),
    Adjective("second", "segundo", "text lesson train bus street exam house song", copula="", before=True),
    Adjective("third", "tercero", "text lesson train bus street exam house song", copula="", before=True),
    Adjective("last", "último", "text lesson train bus exam song", copula="", before=True),
)
"""These go with "the" and a singular noun."""


@cache
def beside(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that the noun may have beside it, ordinals not among them."""
    every = (*QUALITIES, *STATES, *BEFORE_NOUN)
    return tuple(adjective for adjective in every if adjective.beside and noun.among(adjective.kinds))


@cache
def ordinals(noun: Noun) -> tuple[Adjective, ...]:
    """The ordinals that the noun may have before it."""
    return tuple(adjective for adjective in ORDINALS if noun.among(adjective.kinds))


@cache
def predicates(kinds: str) -> tuple[Adjective, ...]:
    """What may be said with ser or estar of a noun of these kinds (its English word among them)."""
    named = kinds.split()
    every = (*QUALITIES, *STATES)
    return tuple(adjective for adjective in every if any(kind in named for kind in adjective.kinds.split()))
