"""S126: a process forks while another of its threads writes; parent and child both go on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from provider.store.database import Database, open_database
from provider.store.log.event_store import SqlEventStore
from tests.contract.store_support import append, born

FORKS = 20


@contextmanager
def writing_in_another_thread(database: Database) -> Iterator[threading.Event]:
    """Begin a transaction in another thread, which ends it when the event is set and a moment has passed."""
    began, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("UPDATE ledger_head SET live = live")
            began.set()
            go_on.wait()

    thread = threading.Thread(target=write)
    thread.start()
    began.wait()
    yield go_on
    thread.join()


def write_in_child(url: str, number: int) -> int:
    """Fork, and let the child append with connections of its own; return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sandbox_id = f"{number:016x}"
            append(SqlEventStore(open_database(url)), *born(sandbox_id=sandbox_id), sandbox_id=sandbox_id)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_s126_a_fork_waits_for_the_writer_and_both_go_on(database_url: str) -> None:
    database = open_database(database_url)
    for number in range(FORKS):
        with writing_in_another_thread(database) as go_on:
            threading.Timer(0.02, go_on.set).start()
            assert write_in_child(database_url, number) == 0
    with database.reading() as connection:
        found = connection.exec_driver_sql("SELECT count(DISTINCT stream) FROM events").scalar_one()
    assert found == FORKS
    database.close()


def test_s126_who_forks_in_a_transaction_of_his_own_does_not_wait_for_it(database_url: str) -> None:
    database = open_database(database_url)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE ledger_head SET live = live")
        child = os.fork()
        if child == 0:
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    append(SqlEventStore(database), *born())
    database.close()
