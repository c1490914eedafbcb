"""The client of one sandbox: commands and files over the AIO "all-in-one sandbox" HTTP protocol."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlencode

from provider.sandbox.answers import Data, read_data
from provider.sandbox.results import CommandResult, FileEntry, Found, GrepMatch
from provider.sandbox.transport import Transport

Activity = Callable[[], AbstractContextManager[None]]

EXIT_TIMED_OUT = 124  # as timeout(1) has it
EXIT_UNKNOWN = -1
ANSWER_LIMIT = 256 * 1024 * 1024
WRITE_BLOCK = 16 * 1024 * 1024
STOPPING_SECONDS = 10.0  # what a server may need beyond a command's timeout, to stop it and answer
RUNNING_OR_STOPPED = {"running", "no_change_timeout", "hard_timeout", "timed_out", "killed", "terminated"}


class SandboxClient:
    """A thread-safe client; it connects at the first call.

    Every method raises `SandboxGone` when nobody answers at the address any more, and `TimeoutError` when the sandbox
    is silent for too long; file methods raise the `OSError` that a local call would. No call is repeated: what may have
    reached the sandbox is never sent twice. `activity` is entered around every call.
    """

    def __init__(
        self,
        base_url: str,
        *,
        sandbox_id: str,
        timeout: float = 60.0,
        command_timeout: float = 600.0,
        activity: Activity | None = None,
    ) -> None:
        self._sandbox_id = sandbox_id
        self._timeout = timeout
        self._command_timeout = command_timeout
        self._activity: Activity = activity or nullcontext
        self._transport = Transport(base_url.rstrip("/"), sandbox_id)

    def execute_command(
        self, command: str, env: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> CommandResult:
        """Run a shell command to its end, or stop it and all it started after `timeout` seconds.

        `env` is added to the environment of this command only. A command that fails or times out is a result, no error.
        """
        seconds = self._command_timeout if timeout is None else timeout
        body: dict[str, Any] = {"command": command, "hard_timeout": seconds}
        path = "/v1/shell/exec"
        if env:
            # The endpoint that takes an environment keeps stdout and stderr apart; a subshell puts them in one order.
            path, body = "/v1/bash/exec", {**body, "command": f"( {command}\n) 2>&1", "env": dict(env)}
        return _command_result(self._post(path, body, timeout=seconds + STOPPING_SECONDS))

    def read_file(self, path: str, *, start_line: int | None = None, end_line: int | None = None) -> str:
        """Read a text file or its lines [start_line, end_line), counted from 0; invalid UTF-8 is replaced."""
        lines = {"start_line": start_line, "end_line": end_line}
        return self._post_file("/v1/file/read", path, lines).take("content", str, "")

    def write_file(self, path: str, content: str, append: bool = False) -> None:
        """Write a text file, making its directories."""
        self._write(path, content.encode("utf-8"), append=append)

    def update_file(self, path: str, content: bytes) -> None:
        """Write a file of any bytes, making its directories."""
        self._write(path, content, append=False)

    def download_file(self, path: str, *, max_bytes: int = ANSWER_LIMIT) -> bytes:
        """Fetch a file's bytes; `OSError` (EFBIG) if it has more than `max_bytes`."""
        target = f"/v1/file/download?{urlencode({'path': path}, errors='surrogateescape')}"
        with self._activity():
            status, body = self._transport.send("GET", target, timeout=self._timeout, max_bytes=max_bytes)
        if status != 200:
            read_data(self._sandbox_id, status, body, path)
        return body

    def list_dir(self, path: str, max_depth: int = 2) -> Found[FileEntry]:
        """List what is in a directory, and below it down to `max_depth` levels, hidden files too."""
        options = {"recursive": max_depth > 1, "max_depth": max_depth, "show_hidden": True}
        return _entries(self._post("/v1/file/list", {"path": path, **options}, path=path))

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
        return _entries(self._post("/v1/file/glob", body, path=path))

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
        matches = tuple(_grep_match(match) for match in answer.list_objects("matches"))
        return Found(matches, answer.take("truncated", bool, False))

    def close(self) -> None:
        """Close the connections; the sandbox itself goes on. Safe to call twice."""
        self._transport.close()

    def _write(self, path: str, content: bytes, *, append: bool) -> None:
        for start in range(0, max(1, len(content)), WRITE_BLOCK):
            block = base64.b64encode(content[start : start + WRITE_BLOCK]).decode("ascii")
            fields = {"content": block, "encoding": "base64", "append": append or start > 0}
            self._post_file("/v1/file/write", path, fields)

    def _post_file(self, endpoint: str, path: str, fields: Mapping[str, Any]) -> Data:
        return self._post(endpoint, {"file": path, **fields}, path=path)

    def _post(
        self, endpoint: str, body: Mapping[str, Any], *, path: str | None = None, timeout: float | None = None
    ) -> Data:
        given = {name: value for name, value in body.items() if value is not None}
        with self._activity():
            status, content = self._transport.send(
                "POST", endpoint, json=given, timeout=timeout or self._timeout, max_bytes=ANSWER_LIMIT
            )
        return read_data(self._sandbox_id, status, content, path)


def _command_result(answer: Data) -> CommandResult:
    timed_out = answer.take("status", str, "") in RUNNING_OR_STOPPED
    output = answer.take("output", str, "") + answer.take("stdout", str, "") + answer.take("stderr", str, "")
    return CommandResult(
        output=output,
        exit_code=EXIT_TIMED_OUT if timed_out else answer.take("exit_code", int, EXIT_UNKNOWN),
        truncated=answer.take("truncated", bool, False),
        timed_out=timed_out,
        duration_seconds=answer.seconds("duration_seconds"),
    )


def _entries(answer: Data) -> Found[FileEntry]:
    entries = (
        FileEntry(
            path=fields.take("path", str, ""),
            is_directory=fields.take("is_directory", bool, False),
            size=fields.find("size", int),
            modified_at=fields.find_time("modified_time"),
        )
        for fields in answer.list_objects("files")
    )
    return Found(tuple(entries), answer.take("truncated", bool, False))


def _grep_match(fields: Data) -> GrepMatch:
    return GrepMatch(
        path=fields.take("file", str, ""),
        line_number=fields.take("line_number", int, 0),
        line=fields.take("line_content", str, ""),
    )
