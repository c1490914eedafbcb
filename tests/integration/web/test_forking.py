"""A dashboard that was opened before its server forked: every process has connections and a head poller of its own."""

from __future__ import annotations

import os
import threading

from tests.support.waiting import wait_until
from tests.support.web import Fleet, open_app
from web.application import EXTENSION


def test_a_forked_child_begins_anew_and_leaves_the_parents_things_alone(fleet: Fleet) -> None:
    with open_app(fleet.settings) as app:
        client, services = app.test_client(), app.extensions[EXTENSION]
        assert client.get("/readyz").status_code == 200
        own, poller = services.reports, services.open_head_poller()
        pid = os.fork()
        if pid == 0:
            # Nothing of pytest may run here: the status alone tells how it went.
            status = 1
            try:
                is_ready = client.get("/readyz").status_code == 200 and client.get("/").status_code == 200
                is_fresh = services.reports is not own and services.open_head_poller() is not poller
                looks = [one.name for one in threading.enumerate()].count("web-head-poller")
                services.close()
                status = 0 if is_ready and is_fresh and looks == 1 else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert client.get("/").status_code == 200
        assert services.reports is own
        before = poller.freshness().position
        fleet.acquire("another")
        wait_until(lambda: poller.freshness().position > before, what="the parent's head poller goes on")
