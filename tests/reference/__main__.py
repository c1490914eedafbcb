"""`python -m tests.reference` writes the pages."""

from __future__ import annotations

from tests.reference import PAGES

for path, describe in PAGES.items():
    path.write_text(describe(), encoding="utf-8")
