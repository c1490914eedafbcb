"""The client of one sandbox: commands and files over the AIO "all-in-one sandbox" HTTP protocol."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlencode

from provider.sandbox.answers import Data, not_the_protocol, read_data
from provider.sandbox.results import CommandResult, FileEntry, Found, GrepMatch
from provider.sandbox.transport import Transport

T = TypeVar("T")
Activity = Callable[[], AbstractContextManager[None]]

EXIT_TIMED_OUT = 124  # as timeout(1) has it
EXIT_UNKNOWN = -1
FILE_LIMIT = 48 * 1024 * 1024  # of a file read into memory, unless the caller takes more
ENTRY_LIMIT = 10_000  # of a listing
WRITE_BLOCK = 4 * 1024 * 1024
MOST_BYTES = 2**63 - 1
STOPPING_SECONDS = 0.9  # what a server may need beyond a command's timeout, to stop it and answer
EXIT_CODES = (-(2**31), 2**31 - 1)
RUNNING_OR_STOPPED = {"running", "no_change_timeout", "hard_timeout", "timed_out", "killed", "terminated"}


class SandboxClient:
    """A thread-safe client; it connects at the first call.

    Every method raises `SandboxGone` when nobody answers at the address any more, and `SandboxTimeout` when its whole
    answer is not there in time: `timeout` counts from the call to the last byte. File methods raise the `OSError` that
    a local call would. No call is repeated: what may have reached the sandbox is never sent twice. `activity` is
    entered around every call. `token` goes with every call, to a server that asks for it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        sandbox_id: str,
        token: str | None = None,
        timeout: float = 60.0,
        command_timeout: float = 600.0,
        activity: Activity | None = None,
    ) -> None:
        self._sandbox_id = sandbox_id
        self._timeout = timeout
        self._command_timeout = command_timeout
        self._activity: Activity = activity or nullcontext
        self._transport = Transport(base_url.rstrip("/"), sandbox_id, token)

    def execute_command(
        self, command: str, env: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> CommandResult:
        """Run a shell command to its end, or stop it and all it started after `timeout` seconds.

        A server that has not answered one second later is given up: `SandboxTimeout`.
        `env` is added to the environment of this command only. A command that fails or times out is a result, no error.
        """
        seconds = self._command_timeout if timeout is None else timeout
        body: dict[str, Any] = {"command": command, "hard_timeout": seconds}
        path = "/v1/shell/exec"
        if env:
            # The endpoint that takes an environment keeps stdout and stderr apart; a subshell puts them in one order.
            path, body = "/v1/bash/exec", {**body, "command": f"( {command}\n) 2>&1", "env": dict(env)}
        deadline = time.monotonic() + seconds + STOPPING_SECONDS
        return _command_result(self._post(path, body, deadline=deadline))

    def read_file(self, path: str, *, start_line: int | None = None, end_line: int | None = None) -> str:
        """Read a text file or its lines [start_line, end_line), counted from 0; invalid UTF-8 is replaced.

        More than 8 MiB are no text to read at once (`AnswerTooLarge`): take lines, or `download_file`.
        """
        lines = {"start_line": start_line, "end_line": end_line}
        return self._post_file("/v1/file/read", path, lines).text("content")

    def write_file(self, path: str, content: str, append: bool = False) -> None:
        """Write a text file, making its directories."""
        self._write(path, io.BytesIO(content.encode("utf-8")), append=append)

    def update_file(self, path: str, content: bytes | BinaryIO, *, timeout: float | None = None) -> None:
        """Write a file of any bytes, making its directories; an open file is sent block by block."""
        stream = io.BytesIO(content) if isinstance(content, bytes | bytearray | memoryview) else content
        self._write(path, stream, append=False, timeout=timeout)

    def download_file(self, path: str, *, max_bytes: int = FILE_LIMIT, timeout: float | None = None) -> bytes:
        """Fetch a file's bytes; `OSError` (EFBIG) if it has more than `max_bytes`."""
        content = io.BytesIO()
        self.download_to(path, content, max_bytes=max_bytes, timeout=timeout)
        return content.getvalue()

    def download_to(
        self, path: str, target: BinaryIO, *, max_bytes: int | None = None, timeout: float | None = None
    ) -> None:
        """Write a file's bytes to an open file, block by block; what was written before an error stays there."""
        request = f"/v1/file/download?{urlencode({'path': path}, errors='surrogateescape')}"
        limit = MOST_BYTES if max_bytes is None else max_bytes
        with self._activity():
            status, body = self._transport.send(
                "GET", request, deadline=self._deadline(timeout), sink=target, max_bytes=limit
            )
        if status != 200:
            read_data(self._sandbox_id, status, body, path)
            raise not_the_protocol(self._sandbox_id, f"HTTP {status} to a download")

    def list_dir(self, path: str, max_depth: int = 2) -> Found[FileEntry]:
        """List what is in a directory, and below it down to `max_depth` levels, hidden files too."""
        options = {"recursive": max_depth > 1, "max_depth": max_depth, "show_hidden": True}
        return _entries(self._post("/v1/file/list", {"path": path, **options}, path=path), ENTRY_LIMIT)

    def glob(
        self,
        path: str,
        pattern: str,
        *,
        include_hidden: bool = False,
        files_only: bool = False,
        max_results: int = 1000,
    ) -> Found[FileEntry]:
        """Find files below `path` by a glob over their relative path, `**` for any number of directories."""
        options = {"include_hidden": include_hidden, "files_only": files_only, "max_results": max_results}
        body = {"path": path, "pattern": pattern, "include_metadata": True, **options}
        return _entries(self._post("/v1/file/glob", body, path=path), max_results)

    def grep(
        self,
        path: str,
        pattern: str,
        *,
        include: Sequence[str] = (),
        fixed_strings: bool = False,
        case_insensitive: bool = False,
        max_results: int = 200,
    ) -> Found[GrepMatch]:
        """Find lines by a regular expression in the text files below `path`; `include` holds globs for file names."""
        options = {"fixed_strings": fixed_strings, "case_insensitive": case_insensitive, "max_results": max_results}
        body = {"path": path, "pattern": pattern, "include": list(include) or None, "recursive": True, **options}
        answer = self._post("/v1/file/grep", body, path=path)
        return _found(answer, "matches", max_results, _grep_match)

    def close(self) -> None:
        """Close the connections; the sandbox itself goes on. Safe to call twice."""
        self._transport.close()

    def _write(self, path: str, content: BinaryIO, *, append: bool, timeout: float | None = None) -> None:
        deadline = self._deadline(timeout)
        block = content.read(WRITE_BLOCK)
        while True:
            fields = {"content": base64.b64encode(block).decode("ascii"), "encoding": "base64", "append": append}
            self._post_file("/v1/file/write", path, fields, deadline)
            append, block = True, content.read(WRITE_BLOCK)
            if not block:
                return

    def _post_file(self, endpoint: str, path: str, fields: Mapping[str, Any], deadline: float | None = None) -> Data:
        return self._post(endpoint, {"file": path, **fields}, path=path, deadline=deadline)

    def _post(
        self, endpoint: str, body: Mapping[str, Any], *, path: str | None = None, deadline: float | None = None
    ) -> Data:
        given = {name: value for name, value in body.items() if value is not None}
        with self._activity():
            by = self._deadline(None) if deadline is None else deadline
            status, content = self._transport.send("POST", endpoint, body=given, deadline=by)
        return read_data(self._sandbox_id, status, content, path)

    def _deadline(self, timeout: float | None) -> float:
        return time.monotonic() + (self._timeout if timeout is None else timeout)


def _command_result(answer: Data) -> CommandResult:
    timed_out = answer.text("status") in RUNNING_OR_STOPPED
    exit_code = answer.find_integer("exit_code", *EXIT_CODES)
    return CommandResult(
        output=answer.text("output") + answer.text("stdout") + answer.text("stderr"),
        exit_code=EXIT_TIMED_OUT if timed_out else EXIT_UNKNOWN if exit_code is None else exit_code,
        truncated=answer.take("truncated", bool, False),
        timed_out=timed_out,
        duration_seconds=answer.seconds("duration_seconds"),
    )


def _found(answer: Data, name: str, most: int, make: Callable[[Data], T]) -> Found[T]:
    """Return at most as many as were asked for, whatever the server sends."""
    objects = answer.list_objects(name, most + 1)
    truncated = answer.take("truncated", bool, False) or len(objects) > most
    return Found(tuple(make(fields) for fields in objects[:most]), truncated)


def _entries(answer: Data, most: int) -> Found[FileEntry]:
    return _found(answer, "files", most, _file_entry)


def _file_entry(fields: Data) -> FileEntry:
    return FileEntry(
        path=fields.text("path"),
        is_directory=fields.take("is_directory", bool, False),
        size=fields.find_integer("size"),
        modified_at=fields.find_time("modified_time"),
    )


def _grep_match(fields: Data) -> GrepMatch:
    return GrepMatch(
        path=fields.text("file"),
        line_number=fields.find_integer("line_number") or 0,
        line=fields.text("line_content"),
    )
