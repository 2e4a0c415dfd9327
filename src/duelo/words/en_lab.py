"""English: what stands on the page of the lab. Its lesson is in en_lesson.py."""

LAB = {
    # the frame
    "lab.title": "duelo lab",
    "lab.skip": "Skip to the content",
    "lab.nav": "Views",
    "lab.nav.watch": "Watch",
    "lab.nav.lesson": "Lesson",
    "lab.nav.explore": "Explore",
    "lab.nav.runs": "Runs",
    # A: the live game, as the server says it (lab.server., lab.live.)
    # C: runs (lab.runs.)
    # C: exploring a run (lab.explore.)
}
