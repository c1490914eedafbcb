"""Hostile input everywhere: it is shown as it was written, and does nothing."""

from __future__ import annotations

from pathlib import Path

from tests.browser.places import EMPTY_PLACES
from tests.support.browser import Visitor, visit_live
from tests.support.web import Fleet, serving

ATTACK = "<script>window.hit=1</script><img src=x onerror=window.hit=1>\"'`{{7*7}}</pre></textarea>"
LOG = f"{ATTACK}\n</pre><script>window.hit=1</script>\n\x1b[31mred\u202e\n"


def test_nothing_that_is_shown_is_ever_run(empty_fleet: Fleet, tmp_path: Path, visitor: Visitor) -> None:
    empty_fleet.engine.image = f"image:{ATTACK}"
    sandbox_id = empty_fleet.acquire(f"thread-{ATTACK}", f"user-{ATTACK}")
    empty_fleet.engine.write_log(sandbox_id, LOG)
    empty_fleet.crash(sandbox_id)
    empty_fleet.acquire(f"thread-{ATTACK}", f"user-{ATTACK}")
    with serving(tmp_path, empty_fleet.configuration) as server:
        page = visitor.enter(server.url)
        for path in (*EMPTY_PLACES.values(), f"/sandboxes/{sandbox_id}", f"/sandboxes/{sandbox_id}?at=0s"):
            visit_live(page, path)
            assert page.evaluate("window.hit") is None, path
            assert page.locator("img").count() == 0, path
        visit_live(page, f"/sandboxes/{sandbox_id}")
        assert f"thread-{ATTACK}" in page.locator("[data-region=facts]").inner_text()
        assert ATTACK in page.locator("pre.log").first.inner_text()
        visitor.close()


def test_hostile_addresses_do_nothing(fleet: Fleet, tmp_path: Path, visitor: Visitor) -> None:
    with serving(tmp_path, fleet.configuration) as server:
        page = visitor.enter(server.url, is_failing=True)
        for path in (
            "/sandboxes?q=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E",
            "/events?type=%3Cscript%3E&stream=%22onfocus%3Dalert(1)&since=%3Cb%3E",
            "/timeline?by=%3Cscript%3E&since=%3Cscript%3E",
            "/audit?operator=%22%3E%3Cimg%20src%3Dx%20onerror%3Dwindow.hit%3D1%3E",
            "/evictions?q=%3Cimg%20src%3Dx%3E&cursor=%3Cscript%3E",
            "/%3Cscript%3Ewindow.hit=1%3C/script%3E",
        ):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status in {200, 400, 404, 422}, path
            assert page.evaluate("window.hit") is None
            assert page.locator("img").count() == 0
        visitor.close()
