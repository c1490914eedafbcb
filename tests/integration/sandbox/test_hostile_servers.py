"""S102: whatever a sandbox answers, the call ends in time with an error that has a type, and the worker stays small."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from provider.domain.errors import AnswerTooLarge, SandboxError, SandboxTimeout
from provider.sandbox.readiness import wait_until_ready
from provider.sandbox.sandbox import Sandbox
from tests.integration.sandbox.hostile import MIB, MODES
from tests.integration.sandbox.test_connections import listening

TIMEOUT_SECONDS = 0.4
LATE_SECONDS = 1.0
SLACK_SECONDS = 1.5  # of a loaded machine
GROWTH_LIMIT = 64 * MIB
# The framing is all a download has of the protocol: any bytes may be a file.
OF_A_DOWNLOAD = list(MODES)[: list(MODES).index("empty body")]
SLOW = [name for name in MODES if "dripping" in name or name in {"silence", "continues", "head only"}]
# Good answers as far as a probe can see: it reads no body.
READY = {"dripping body", "dripping chunks", "dripping until close", "dripping trailers", "head only"}


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """Start the server in a process of its own, so that the memory measured is the client's."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.sandbox.hostile"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


@contextmanager
def sandbox_at(url: str, mode: str) -> Iterator[tuple[Sandbox, list[str]]]:
    """Open a sandbox object that answers in a mode; the list says whether a call holds it in use."""
    log: list[str] = []

    @contextmanager
    def activity() -> Iterator[None]:
        log.append("begin")
        try:
            yield
        finally:
            log.append("end")

    sandbox = Sandbox("5a4d", 1, f"{url}/{quote(mode, safe='')}", timeout=TIMEOUT_SECONDS, activity=activity)
    try:
        yield sandbox, log
    finally:
        sandbox.close()


def read_memory(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


@contextmanager
def bounded(timeout: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """Check that what is done inside ends in time and in little memory."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before, started_at = read_memory("VmRSS"), time.monotonic()
    yield
    assert time.monotonic() - started_at < timeout + LATE_SECONDS + SLACK_SECONDS
    assert read_memory("VmHWM") - before < GROWTH_LIMIT


def test_there_are_enough_modes() -> None:
    assert len(MODES) >= 30


@pytest.mark.parametrize("mode", MODES)
def test_s102_a_command_ends_in_time_with_a_typed_error(hostile: str, mode: str) -> None:
    with sandbox_at(hostile, mode) as (sandbox, log), bounded():
        with pytest.raises(SandboxError, match="sandbox 5a4d") as raised:
            sandbox.execute_command("true", timeout=TIMEOUT_SECONDS)
        assert log == ["begin", "end"]  # not held in use any longer
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 2000


@pytest.mark.parametrize("mode", OF_A_DOWNLOAD)
def test_s102_a_download_ends_in_time_with_a_typed_error(hostile: str, mode: str) -> None:
    with sandbox_at(hostile, mode) as (sandbox, _), bounded():
        if mode in {"body longer than said", "gzip bomb"}:  # any bytes are a file: those that came
            assert sandbox.download_file("x")[:2] in {b'{"', b"\x1f\x8b"}
            return
        with pytest.raises(SandboxError, match="sandbox 5a4d"):
            sandbox.download_file("x", max_bytes=MIB)


def test_s102_a_listing_ends_in_time_with_a_typed_error(hostile: str) -> None:
    for mode in ("empty objects", "empty strings", "many keys", "deep arrays", "string without an end", "tiny chunks"):
        with sandbox_at(hostile, mode) as (sandbox, _), bounded(), pytest.raises(SandboxError, match="sandbox 5a4d"):
            sandbox.list_dir("/")


def test_s102_what_a_command_said_last_is_asked_for_once(hostile: str) -> None:
    with sandbox_at(hostile, "silence") as (sandbox, _), bounded(), pytest.raises(SandboxTimeout) as raised:
        sandbox.execute_command("true", timeout=TIMEOUT_SECONDS)
    assert isinstance(raised.value, TimeoutError)  # what callers caught before it had a name


@pytest.mark.parametrize("mode", SLOW)
def test_s102_readiness_ends_at_its_deadline(hostile: str, mode: str) -> None:
    path = f"/{quote(mode, safe='')}"
    with bounded():
        by = time.monotonic() + TIMEOUT_SECONDS
        if mode in READY:
            assert wait_until_ready(hostile, path=path, deadline=by, still_running=lambda: True) < 5
            return
        with pytest.raises(TimeoutError, match="not ready"):
            wait_until_ready(hostile, path=path, deadline=by, still_running=lambda: True)


def test_s102_a_server_that_takes_no_upload(hostile: str) -> None:
    with listening() as (_, url):  # nobody accepts: the kernel takes a little, and then nothing more
        sandbox = Sandbox("5a4d", 1, url, timeout=TIMEOUT_SECONDS)
        content = b"x" * (16 * MIB)
        with bounded(), pytest.raises(SandboxTimeout):
            sandbox.update_file("x", content)
        sandbox.close()


def test_s102_the_connection_is_closed_at_the_deadline() -> None:
    with listening() as (listener, url):
        left = threading.Event()

        def wait_for_the_end() -> None:
            connection, _ = listener.accept()
            with connection:
                while connection.recv(65536):
                    pass
                left.set()

        thread = threading.Thread(target=wait_for_the_end)
        thread.start()
        sandbox = Sandbox("5a4d", 1, url, timeout=TIMEOUT_SECONDS)
        with pytest.raises(SandboxTimeout):
            sandbox.read_file("x")
        assert left.wait(10)  # although the object lives on
        sandbox.close()
        thread.join(10)


def test_s102_close_wakes_a_call_that_waits() -> None:
    with listening() as (listener, url):
        sandbox = Sandbox("5a4d", 1, url)
        problems: list[BaseException] = []

        def call() -> None:
            try:
                sandbox.read_file("x")
            except SandboxError as error:
                problems.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(10)
            sandbox.close()
            thread.join(10)
        assert not thread.is_alive()
        assert "was closed" in str(problems[0])


def test_a_file_of_any_size_is_taken_in_constant_memory(hostile: str, tmp_path: Path) -> None:
    with (
        sandbox_at(hostile, "body") as (sandbox, _),
        (tmp_path / "file").open("wb") as target,
        bounded(60),
        pytest.raises(AnswerTooLarge, match="more than 209715200 bytes"),
    ):
        sandbox.download_to("x", target, max_bytes=200 * MIB, timeout=60)
    assert (tmp_path / "file").stat().st_size >= 199 * MIB


def test_an_error_answer_is_not_written_into_the_file(hostile: str) -> None:
    target = io.BytesIO()
    with sandbox_at(hostile, "an error that paints the terminal") as (sandbox, _), pytest.raises(SandboxError):
        sandbox.download_to("x", target)
    assert target.getvalue() == b""
