"""Files in a real server: content, names, errors, and the roots nobody leaves."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provider.sandbox.sandbox import Sandbox
from tests.integration.sandbox.conftest import RunningServer, Start
from tests.support.processes import find_children
from tests.support.waiting import wait_until


@pytest.mark.parametrize("content", ["", "a", "grüße 🎉\r\n\ttail", "\0 and \ufffd", "x" * 2_000_000])
def test_text_comes_back_as_it_was_written(sandbox: Sandbox, content: str) -> None:
    sandbox.write_file("some/new/Ünï cödé 🎉.txt", content)
    assert sandbox.read_file("some/new/Ünï cödé 🎉.txt") == content


def test_append_adds_to_the_end(sandbox: Sandbox) -> None:
    for part in ("one\n", "two\n"):
        sandbox.write_file("log", part, append=True)
    assert sandbox.read_file("log") == "one\ntwo\n"


def test_a_range_of_lines(sandbox: Sandbox) -> None:
    sandbox.write_file("lines", "0\n1\n2\n3\n")
    assert sandbox.read_file("lines", start_line=1, end_line=3) == "1\n2\n"
    assert sandbox.read_file("lines", start_line=3) == "3\n"
    assert sandbox.read_file("lines", end_line=1) == "0\n"
    assert sandbox.read_file("lines", start_line=9) == ""


def test_bytes_of_any_size_come_back(sandbox: Sandbox, server: RunningServer) -> None:
    content = os.urandom(40 * 1024 * 1024)  # more than one block
    sandbox.update_file("big", content)
    assert (server.root / "big").read_bytes() == content
    assert sandbox.download_file("big") == content
    sandbox.update_file("big", b"")
    assert sandbox.download_file("big") == b""


def test_a_download_is_bounded(sandbox: Sandbox) -> None:
    sandbox.update_file("big", b"x" * 1001)
    with pytest.raises(OSError, match="more than 1000 bytes"):
        sandbox.download_file("big", max_bytes=1000)
    assert len(sandbox.download_file("big", max_bytes=1001)) == 1001


def test_errors_are_those_of_local_files(sandbox: Sandbox, server: RunningServer) -> None:
    (server.root / "directory").mkdir()
    (server.root / "file").touch()
    os.mkfifo(server.root / "pipe")
    with pytest.raises(FileNotFoundError, match="sandbox 5a4d: No such file or directory") as error:
        sandbox.read_file("missing")
    assert error.value.filename == "missing"
    with pytest.raises(FileNotFoundError):
        sandbox.download_file("missing")
    with pytest.raises(IsADirectoryError):
        sandbox.read_file("directory")
    with pytest.raises(IsADirectoryError):
        sandbox.write_file("directory", "")
    with pytest.raises(NotADirectoryError):
        sandbox.list_dir("file")
    with pytest.raises(NotADirectoryError):
        sandbox.write_file("file/below", "")
    for path in ("pipe", "/dev/zero"):
        with pytest.raises(OSError, match=r"not a regular file|outside the directories"):
            sandbox.read_file(path)
    with pytest.raises(ValueError, match="refused the request"):
        sandbox.read_file("with\0nul")


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "deep/../../outside", "link/secret", "file-link"])
def test_nothing_outside_the_roots_is_touched(sandbox: Sandbox, server: RunningServer, path: str) -> None:
    outside = server.root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (server.root / "link").symlink_to(outside)
    (server.root / "file-link").symlink_to(outside / "secret")
    for attempt in (
        lambda: sandbox.read_file(path),
        lambda: sandbox.download_file(path),
        lambda: sandbox.write_file(path, "changed"),
        lambda: sandbox.list_dir(path),
        lambda: sandbox.grep(path, "secret"),
    ):
        with pytest.raises(PermissionError, match="outside the directories of this sandbox"):
            attempt()
    assert (outside / "secret").read_text() == "secret"
    assert not sandbox.grep(".", "secret")


def test_a_directory_whose_name_begins_like_a_root_is_outside(sandbox: Sandbox, server: RunningServer) -> None:
    sibling = Path(f"{server.root}-sibling")
    sibling.mkdir()
    with pytest.raises(PermissionError):
        sandbox.list_dir(str(sibling))


def test_several_roots(start_server: Start, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "file").write_text("shared")
    sandbox = Sandbox("5a4d", 1, start_server("--root", str(second)).url)
    assert sandbox.read_file(str(second / "file")) == "shared"
    sandbox.close()


def test_the_whole_machine_as_root(start_server: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("anywhere")
    sandbox = Sandbox("5a4d", 1, start_server("--root", "/").url)
    assert sandbox.read_file(str(tmp_path / "file")) == "anywhere"
    assert len(sandbox.grep(str(tmp_path / "file"), "any")) == 1
    sandbox.close()


def test_listing_goes_down_to_its_depth(sandbox: Sandbox) -> None:
    for path in ("a.txt", ".hidden", "one/b.txt", "one/two/c.txt"):
        sandbox.write_file(path, "12345")
    names = [entry.path.removeprefix("./") for entry in sandbox.list_dir(".")]
    assert names == [".hidden", "a.txt", "one", "one/b.txt", "one/two"]
    assert len(sandbox.list_dir(".", max_depth=1)) == 3
    entry = sandbox.list_dir(".")[1]
    assert (entry.is_directory, entry.size) == (False, 5)
    assert entry.modified_at is not None
    assert entry.modified_at.tzinfo is not None


def test_a_name_that_is_no_utf8_does_not_break_a_listing(sandbox: Sandbox, server: RunningServer) -> None:
    Path(os.fsdecode(os.fsencode(server.root) + b"/\xff.txt")).touch()
    assert [entry.path for entry in sandbox.list_dir(".")] == ["./\ufffd.txt"]
    assert [entry.path for entry in sandbox.glob(".", "*.txt")] == ["./\ufffd.txt"]


def test_globs(sandbox: Sandbox) -> None:
    for path in ("a.py", "b.txt", "x/c.py", "x/y/d.py", "x/.e.py"):
        sandbox.write_file(path, "")

    def glob(pattern: str, *, include_hidden: bool = False, files_only: bool = False) -> list[str]:
        found = sandbox.glob(".", pattern, include_hidden=include_hidden, files_only=files_only)
        return [str(entry)[2:] for entry in found]

    assert glob("*.py") == ["a.py"]
    assert glob("**/*.py") == ["a.py", "x/c.py", "x/y/d.py"]
    assert glob("**/*.py", include_hidden=True) == ["a.py", "x/.e.py", "x/c.py", "x/y/d.py"]
    assert glob("x/*") == ["x/c.py", "x/y"]
    assert glob("x/*", files_only=True) == ["x/c.py"]
    assert glob("x/**/[cd].py") == ["x/c.py", "x/y/d.py"]
    some = sandbox.glob(".", "**/*.py", max_results=2)
    assert (len(some), some.truncated) == (2, True)
    with pytest.raises(ValueError, match="relative to 'path'"):
        sandbox.glob(".", "../*")


def test_grep(sandbox: Sandbox) -> None:
    sandbox.write_file("a.py", "import os\nprint('Über')\n")
    sandbox.write_file("sub/b.txt", "nothing\nimport (x)\n")
    sandbox.update_file("binary", b"\0import os")
    found = sandbox.grep(".", "^import")
    assert [(match.path, match.line_number, match.line) for match in found] == [
        ("./a.py", 1, "import os"),
        ("./sub/b.txt", 2, "import (x)"),
    ]
    assert [str(match) for match in sandbox.grep(".", "über", case_insensitive=True)] == ["./a.py:2:print('Über')"]
    assert len(sandbox.grep(".", "(x)", fixed_strings=True)) == 1
    assert len(sandbox.grep(".", "import", include=["*.py"])) == 1
    assert len(sandbox.grep("a.py", "import")) == 1
    limited = sandbox.grep(".", "import", max_results=1)
    assert (len(limited), limited.truncated) == (1, True)
    with pytest.raises(ValueError, match="not a regular expression"):
        sandbox.grep(".", "(")
    with pytest.raises(FileNotFoundError):
        sandbox.grep("missing", "x")


def test_writers_at_the_same_time(sandbox: Sandbox) -> None:
    start = threading.Barrier(8)

    def write_and_read(number: int) -> bool:
        start.wait(10)
        for turn in range(10):
            sandbox.write_file(f"dir/{number}", f"{number}-{turn}")
            if sandbox.read_file(f"dir/{number}") != f"{number}-{turn}":
                return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(write_and_read, range(8)))


def test_a_regular_expression_without_end_silences_nobody(sandbox: Sandbox, server: RunningServer) -> None:
    sandbox.write_file("line", "a" * 60 + "b")
    with ThreadPoolExecutor(1) as thread:
        search = thread.submit(sandbox.grep, "line", "(a+)+$")
        (searcher,) = wait_until(lambda: find_children(server.process.pid), what="the search to begin")
        assert sandbox.execute_command("echo alive").output == "alive\n"
        os.kill(searcher, signal.SIGKILL)
        assert "the search ended with exit code 137" in str(search.exception(10))
