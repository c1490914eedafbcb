"""Serve one connection: requests in turn, each to its handler, every error as an answer."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import traceback
from importlib import import_module

from .place import printable
from .wire import Malformed, Refused, failure, read_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .place import Place
    from .wire import Answer, Request

    Handler = Callable[[Request, Place], Answer]

# Modules load with their first request.
ROUTES = {
    "/v1/sandbox": ("GET", "info", "sandbox"),
    "/v1/shell/exec": ("POST", "commands", "shell_exec"),
    "/v1/bash/exec": ("POST", "commands", "bash_exec"),
    "/v1/file/read": ("POST", "files", "read"),
    "/v1/file/write": ("POST", "files", "write"),
    "/v1/file/replace": ("POST", "files", "replace"),
    "/v1/file/upload": ("POST", "files", "upload"),
    "/v1/file/download": ("GET", "files", "download"),
    "/v1/file/list": ("POST", "listing", "list_path"),
    "/v1/file/find": ("POST", "listing", "find"),
    "/v1/file/glob": ("POST", "listing", "glob_files"),
    "/v1/file/grep": ("POST", "apart", "grep_files"),
}
STATUS_OF_ERRNO = {"ENOENT": 404, "EACCES": 403, "EPERM": 403, "ENOSYS": 404, "EFBIG": 413, "ENOSPC": 507}
IDLE_SECONDS = 75
DRAIN_LIMIT = 128 * 1024 * 1024
SPAWNING = frozenset({"/v1/shell/exec", "/v1/bash/exec", "/v1/file/grep"})
"""What starts a process, which has its user from its start on."""


def serve(connection: socket.socket, place: Place) -> None:
    """Serve requests until the client leaves, is silent for too long, or sends what is no HTTP."""
    with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(IDLE_SECONDS)
        try:
            while (request := read_request(stream, connection, place.max_body, place.guard.check)) is not None:
                answer_to(request, place).send(connection, keep=request.keeps_alive)
                if not request.keeps_alive:
                    return
        except Malformed as refusal:
            failure(refusal.status, str(refusal)).send(connection, keep=False)
            _drain(connection)


def answer_to(request: Request, place: Place) -> Answer:
    """Let the handler of the request's path answer, with the rights of the user that commands run as."""
    return answer_by(_handle, request, place)


def answer_by(handler: Handler, request: Request, place: Place) -> Answer:
    """Let a handler answer; a failure becomes an answer too."""
    try:
        return handler(request, place)
    except Refused as refusal:
        return failure(refusal.status, str(refusal))
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "EIO")
        reason = error.strerror or str(error)
        where = f": {printable(error.filename)}" if isinstance(error.filename, str) else ""
        return failure(STATUS_OF_ERRNO.get(code, 400), reason + where, {"errno": code, "reason": reason})
    except ValueError as error:  # a NUL in a path, base64 that is none, half a surrogate pair
        return failure(422, str(error))
    except Exception as error:  # noqa: BLE001 -- the loop boundary: one request must not end the server
        sys.stderr.write(f"sandboxd: {request.method} {request.path} failed\n{traceback.format_exc()}")
        return failure(500, f"{type(error).__name__}: {error}")


def _handle(request: Request, place: Place) -> Answer:
    handler = _handler_of(request)
    if place.account is None or request.path == "/v1/sandbox":  # the first answer does not wait for it
        return handler(request, place)
    with place.account.rights(spawns=request.path in SPAWNING):
        return handler(request, place)


def _handler_of(request: Request) -> Handler:
    method, module, name = ROUTES.get(request.path, ("", "", ""))
    if not method:
        raise OSError(errno.ENOSYS, "no such endpoint", request.path)
    if request.method != method:
        raise Refused(405, f"{request.path} takes {method}, not {request.method}")
    handler: Handler = getattr(import_module(f"{__package__}.{module}"), name)
    return handler


def _drain(connection: socket.socket) -> None:
    """Read what the client still sends: closing over unread bytes resets the connection, and the answer is lost."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(2)
    for _ in range(DRAIN_LIMIT // 65536):
        if not connection.recv(65536):
            return
