"""Spanish forms, each as the Academy's grammar and dictionary give it."""

from __future__ import annotations

import pytest

from trasluz.corpus.grammar import spanish


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("carta", "cartas"),
        ("flor", "flores"),
        ("lápiz", "lápices"),
        ("voz", "voces"),
        ("lección", "lecciones"),
        ("ratón", "ratones"),
        ("jardín", "jardines"),
        ("autobús", "autobuses"),
        ("joven", "jóvenes"),
        ("examen", "exámenes"),
        ("paraguas", "paraguas"),
        ("reloj", "relojes"),
        ("sofá", "sofás"),
        ("rey", "reyes"),
        ("difícil", "difíciles"),
        ("árbol", "árboles"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert spanish.plural(one) == many


@pytest.mark.parametrize(
    ("adjective", "forms"),
    [
        ("viejo", "viejo vieja viejos viejas"),
        ("trabajador", "trabajador trabajadora trabajadores trabajadoras"),
        ("joven", "joven joven jóvenes jóvenes"),
        ("azul", "azul azul azules azules"),
        ("grande", "grande grande grandes grandes"),
    ],
)
def test_agreement(adjective: str, forms: str) -> None:
    every = [spanish.agree(adjective, gender=gender, many=many) for many in (False, True) for gender in "mf"]
    assert every == forms.split()


@pytest.mark.parametrize(
    ("adjective", "gender", "many", "form"),
    [
        ("bueno", "m", False, "buen"),
        ("bueno", "f", False, "buena"),
        ("bueno", "m", True, "buenos"),
        ("grande", "f", False, "gran"),
        ("grande", "f", True, "grandes"),
        ("primero", "m", False, "primer"),
        ("tercero", "f", False, "tercera"),
        ("segundo", "m", False, "segundo"),
    ],
)
def test_short_forms_before_the_noun(adjective: str, gender: str, many: bool, form: str) -> None:
    assert spanish.agree_before(adjective, gender=gender, many=many) == form


@pytest.mark.parametrize(
    ("infinitive", "tense", "forms"),
    [
        ("hablar", "present", "hablo hablas habla hablamos hablan"),
        ("comer", "past", "comí comiste comió comimos comieron"),
        ("vivir", "imperfect", "vivía vivías vivía vivíamos vivían"),
        ("cerrar", "present", "cierro cierras cierra cerramos cierran"),
        ("encontrar", "present", "encuentro encuentras encuentra encontramos encuentran"),
        ("jugar", "present", "juego juegas juega jugamos juegan"),
        ("seguir", "present", "sigo sigues sigue seguimos siguen"),
        ("enviar", "present", "envío envías envía enviamos envían"),
        ("conocer", "present", "conozco conoces conoce conocemos conocen"),
        ("tener", "present", "tengo tienes tiene tenemos tienen"),
        ("poner", "present", "pongo pones pone ponemos ponen"),
        ("oír", "present", "oigo oyes oye oímos oyen"),
        ("ver", "present", "veo ves ve vemos ven"),
        ("dar", "present", "doy das da damos dan"),
        ("ir", "present", "voy vas va vamos van"),
        ("estar", "present", "estoy estás está estamos están"),
        ("buscar", "past", "busqué buscaste buscó buscamos buscaron"),
        ("llegar", "past", "llegué llegaste llegó llegamos llegaron"),
        ("leer", "past", "leí leíste leyó leímos leyeron"),
        ("oír", "past", "oí oíste oyó oímos oyeron"),
        ("dormir", "past", "dormí dormiste durmió dormimos durmieron"),
        ("seguir", "past", "seguí seguiste siguió seguimos siguieron"),
        ("hacer", "past", "hice hiciste hizo hicimos hicieron"),
        ("traer", "past", "traje trajiste trajo trajimos trajeron"),
        ("poner", "past", "puse pusiste puso pusimos pusieron"),
        ("dar", "past", "di diste dio dimos dieron"),
        ("ir", "past", "fui fuiste fue fuimos fueron"),
        ("ver", "past", "vi viste vio vimos vieron"),
        ("ser", "imperfect", "era eras era éramos eran"),
        ("tener", "future", "tendré tendrás tendrá tendremos tendrán"),
        ("salir", "future", "saldré saldrás saldrá saldremos saldrán"),
        ("oír", "future", "oiré oirás oirá oiremos oirán"),
        ("leer", "future", "leeré leerás leerá leeremos leerán"),
    ],
)
def test_conjugation(infinitive: str, tense: str, forms: str) -> None:
    assert [spanish.conjugate(infinitive, tense=tense, person=person) for person in range(5)] == forms.split()


@pytest.mark.parametrize(
    ("infinitive", "form"),
    [
        ("hablar", "hablando"),
        ("comer", "comiendo"),
        ("leer", "leyendo"),
        ("traer", "trayendo"),
        ("oír", "oyendo"),
        ("ir", "yendo"),
        ("dormir", "durmiendo"),
        ("seguir", "siguiendo"),
        ("ver", "viendo"),
    ],
)
def test_gerunds(infinitive: str, form: str) -> None:
    assert spanish.gerund(infinitive) == form


def test_a_and_de_melt_into_the_article_but_not_into_the_pronoun() -> None:
    assert spanish.contract("a el niño le gusta el libro de el rey") == "al niño le gusta el libro del rey"
    assert spanish.contract("a él le gusta") == "a él le gusta"
    assert spanish.contract("a ella, ha el, para el") == "a ella, ha el, para el"


def test_and_is_e_before_the_sound_i() -> None:
    assert spanish.both("Ana", "Isabel") == "Ana e Isabel"
    assert spanish.both("Ana", "invita") == "Ana e invita"
    assert spanish.both("agua", "hielo") == "agua y hielo"
    assert spanish.both("Ana", "ella") == "Ana y ella"
