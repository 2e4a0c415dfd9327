"""English: the guided lesson of the lab, chapter by chapter."""

LESSON: dict[str, str] = {}
