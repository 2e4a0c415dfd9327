"""Spanish: what stands on the page of the lab. Its lesson is in es_lesson.py."""

LAB = {
    # the frame
    "lab.title": "duelo: laboratorio",
    "lab.skip": "Ir al contenido",
    "lab.nav": "Vistas",
    "lab.nav.watch": "Ver",
    "lab.nav.lesson": "Lección",
    "lab.nav.explore": "Explorar",
    "lab.nav.runs": "Corridas",
    # A: the live game, as the server says it (lab.server., lab.live.)
    # C: runs (lab.runs.)
    # C: exploring a run (lab.explore.)
}
