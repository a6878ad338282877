"""The verbs of the bundled grammar, with what they are done to and where."""

from __future__ import annotations

from trasluz.corpus.grammar.word import Verb

EVENT, MISHAP, STATE = "ptfm", "tf", "pt"
"""What does not go on ("finds"), what nobody means to do ("loses"), what is not done at all ("knows")."""

BE, BE_THERE = Verb("be", "ser", forms="ptf", state=True), Verb("be", "estar", forms="ptf", state=True)
BE_HAVING = Verb("be", "tener", forms="ptf", state=True)
"""English is what Spanish has: hunger, thirst, years."""
BE_DOING = Verb("be", "hacer", forms="ptf")
"""The weather, which makes cold or heat in Spanish."""

TRANSITIVE = (
    Verb("read", "leer", "text", places="library garden park room"),
    Verb("write", "escribir", "written", places="office library room garden"),
    Verb("eat", "comer", "food", places="kitchen garden park restaurant"),
    Verb("drink", "beber", "drink", places="kitchen garden restaurant hotel"),
    Verb("buy", "comprar", "food drink goods farm-animal flower", places="market shop"),
    Verb("sell", "vender", "food drink goods farm-animal house flower", places="market shop"),
    Verb("cook", "cocinar", "cooked", places="kitchen"),
    Verb("prepare", "preparar", "meal dish coffee tea sandwich lesson", determiners="some"),
    Verb("see", "ver", "sight watched animal transport castle", forms=EVENT, determiners="some"),
    Verb("watch", "ver", "watched", determiners="some", places="room hotel"),
    Verb("look for", "buscar", "carried tool small bicycle", places="house room garden", determiners="some"),
    Verb("find", "encontrar", "carried small container answer", forms=EVENT, determiners="some"),
    Verb("open", "abrir", "openable letter", determiners="some"),
    Verb("close", "cerrar", "door window container shop", determiners="some"),
    Verb("clean", "limpiar", "chamber house table car window shoes", determiners="some"),
    Verb("wash", "lavar", "wear dish-ware car", determiners="some"),
    Verb("wear", "llevar", "wear", forms=EVENT, state=True, determiners="some"),
    Verb("lose", "perder", "carried", forms=MISHAP, determiners="some"),
    Verb("forget", "olvidar", "carried lesson", forms=MISHAP, determiners="definite"),
    Verb("remember", "recordar", "told sung fact", forms="ptf", determiners="definite"),
    Verb("understand", "entender", "matter lesson joke film letter message", STATE, determiners="definite"),
    Verb("know", "conocer", "town song story hotel restaurant", STATE, state=True, determiners="definite"),
    Verb("have", "tener", "goods carried pet farm-animal", "ptf", state=True),
    Verb("want", "querer", "goods food drink pet flower", STATE, state=True),
    Verb("need", "necesitar", "goods tool carried", "ptf", state=True),
    Verb("use", "usar", "tool machine", EVENT, determiners="some"),
    Verb("learn", "aprender", "song poem lesson", determiners="some"),
    Verb("speak", "hablar", "language", forms="pfgm", places="school office"),
    Verb("study", "estudiar", "lesson language", places="school library university classroom"),
    Verb("explain", "explicar", "lesson matter", places="classroom school", determiners="definite"),
    Verb("listen to", "escuchar", "music radio song story", places="room garden", determiners="some"),
    Verb("hear", "oír", "heard music song bird", forms=EVENT, determiners="definite"),
    Verb("paint", "pintar", "painted painted-on plant chair", places="garden", determiners="some"),
    Verb("draw", "dibujar", "drawn animal flower", places="park garden classroom"),
    Verb("sing", "cantar", "sung", places="theater church school", determiners="some"),
    Verb("play", "tocar", "instrument", places="theater park house", determiners="some"),
    Verb("play", "jugar", "game", places="park garden school beach", determiners="some", preposition="a"),
    Verb("break", "romper", "breakable", forms="tf", determiners="some"),
    Verb("repair", "reparar", "machine vehicle chair door", determiners="some"),
    Verb("bring", "traer", "food drink tool post", forms="ptfgm"),
    Verb("send", "enviar", "post"),
    Verb("receive", "recibir", "post", forms="ptf"),
    Verb("tell", "contar", "told", determiners="some"),
    Verb("visit", "visitar", "town museum castle church school", determiners="definite"),
)
WITH_PEOPLE = (
    Verb("see", "ver", forms=EVENT),
    Verb("help", "ayudar"),
    Verb("call", "llamar"),
    Verb("visit", "visitar"),
    Verb("look for", "buscar"),
    Verb("wait for", "esperar"),
    Verb("invite", "invitar"),
    Verb("greet", "saludar", forms="ptfm"),
    Verb("follow", "seguir"),
    Verb("understand", "entender", forms=STATE),
    Verb("know", "conocer", forms=STATE, state=True),
    Verb("love", "querer", forms="p", state=True),
    Verb("remember", "recordar", forms="ptf"),
    Verb("hear", "oír", forms=EVENT),
)
"""What is done to people: their Spanish object has the personal a."""

GIVING = (
    Verb("give", "dar", "goods money flower whole-fruit post picture"),
    Verb("send", "enviar", "post picture money"),
    Verb("bring", "traer", "food drink post tool newspaper"),
    Verb("sell", "vender", "goods farm-animal"),
    Verb("read", "leer", "text"),
    Verb("explain", "explicar", "lesson matter"),
)

INTRANSITIVE = (
    Verb("sleep", "dormir", places="house room sofa bed hotel garden"),
    Verb("work", "trabajar", places="work kitchen garden"),
    Verb("live", "vivir", places="town island castle", forms="ptfm", state=True),
    Verb("study", "estudiar", places="study"),
    Verb("run", "correr", places="outdoors street"),
    Verb("swim", "nadar", places="waters"),
    Verb("dance", "bailar", places="theater square garden hotel"),
    Verb("sing", "cantar", places="theater church school kitchen"),
    Verb("play", "jugar", places="outdoors house street room"),
    Verb("rest", "descansar", places="garden park hotel beach house sofa"),
    Verb("eat", "comer", places="restaurant hotel kitchen garden"),
    Verb("cry", "llorar", places="room kitchen", forms="ptfg"),
    Verb("wait", "esperar", places="station airport office square street"),
)
OF_ANIMALS = "sleep run eat"
"""The intransitive verbs that animals do as well."""

GO = Verb("go", "ir", forms="ptfm")
COME_BACK = Verb("come back", "volver", forms="ptfm")
LEAVE = Verb("leave", "salir", forms="ptfm")
TRAVEL = Verb("travel", "viajar")
ARRIVE = Verb("arrive", "llegar", forms="ptf")
RISE = (
    Verb("get up", "levantar", forms="ptfm", reflexive=True),
    Verb("wake up", "despertar", forms="ptf", reflexive=True),
    Verb("go to bed", "acostar", forms="ptfm", reflexive=True),
)
LIKE = Verb("like", "gustar", forms="p")
THERE_BE = Verb("be", "haber", forms="ptf", state=True)
COST = Verb("cost", "costar", forms="pf")
