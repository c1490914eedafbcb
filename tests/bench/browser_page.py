"""The first page in a real browser, over a long history: when it is ready, and what its script and style weigh."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.long_history import long_history
from tests.bench.stage import Stage
from tests.bench.timing import in_words, median
from tests.support.browser import open_chromium
from tests.support.web import configuration, serving

STATIC = Path(__file__).resolve().parents[2] / "web" / "static"
KIB_15 = 15.0
READY = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000"


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Open the page again and again, each time in a session that has nothing of it yet."""
    store, history = long_history(stage, dialect)
    times = []
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory), configuration(store.database.url)) as server,
        open_chromium() as browser,
    ):
        for _ in range(3 if stage.quick else 15):
            context = browser.new_context(base_url=server.url)
            page = context.new_page()
            page.goto("/")
            page.locator("html.has-js").wait_for(state="attached")
            times.append(page.evaluate(READY))
            context.close()
    against = f"with scripts at work, of {history.position:,} events; fastest {in_words(min(times))}"
    return {f"now_ready_{dialect}": Reading(median(times), against)}


def weigh(_: Stage) -> Mapping[str, Reading]:
    """Weigh what a browser fetches beside the pages, compressed."""
    return {
        f"{kind}_size": Reading(_weight(kind) / 1024, f"{sum(1 for _ in STATIC.glob(f'*.{kind}'))} files, gzip")
        for kind in ("js", "css")
    }


def _weight(kind: str) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.glob(f"*.{kind}"))


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claim = Claim(f"now_ready_{dialect}", "s", Goal("<=", 1.0))
    return Benchmark(f"now_ready_{dialect}", (claim,), lambda stage: run(stage, dialect))


SIZES = Benchmark(
    "page_sizes", tuple(Claim(f"{kind}_size", "KiB", Goal("<=", KIB_15)) for kind in ("js", "css")), weigh
)
