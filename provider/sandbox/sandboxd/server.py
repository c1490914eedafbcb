"""Start, listen, look after processes, and leave."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

from . import VERSION
from . import __doc__ as usage
from .account import take_account
from .connection import serve
from .guard import Guard, take_identity
from .place import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .children import Children

DEFAULTS = {
    "host": "127.0.0.1",
    "port": "0",
    "port-file": "",
    "workdir": "",
    "max-output": str(1024 * 1024),
    "max-body": str(64 * 1024 * 1024),
}


def main(arguments: list[str]) -> NoReturn:
    """Serve until SIGTERM or SIGINT; does not return."""
    options, roots = _options_of(arguments)
    signals = _catch_signals()
    workdir = os.path.abspath(options["workdir"] or (roots[0] if roots else os.getcwd()))
    os.makedirs(workdir, exist_ok=True)
    guard = Guard(take_identity(os.environ))
    place = Place(roots or ["/"], workdir, int(options["max-output"]), int(options["max-body"]), guard)
    place.account = take_account(os.environ)
    family = socket.AF_INET6 if ":" in options["host"] else socket.AF_INET
    listener = socket.create_server((options["host"], int(options["port"])), family=family, backlog=128)
    port: int = listener.getsockname()[1]
    threading.Thread(target=_accept, args=(listener, place), daemon=True).start()
    if options["port-file"]:
        _write_port(options["port-file"], port)
    _log(f"{VERSION} listening on {options['host']} port {port}, working in {workdir}")
    children = _open_for_commands(place)
    _supervise(signals, children)
    children.stop_all()
    os._exit(0)  # threads that wait for a client or a command are not waited for


def _options_of(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Parse the command line; `argparse` would take longer than everything else here."""
    options, roots = dict(DEFAULTS), []
    words = iter(arguments)
    for word in words:
        flag, _, value = word.partition("=")
        name = flag[2:] if flag.startswith("--") else ""
        if name != "root" and name not in options:
            raise SystemExit(f"unknown option: {word}\n\n{usage}")
        value = value or next(words, "")
        if not value:
            raise SystemExit(f"option {flag} needs a value\n\n{usage}")
        if name == "root":
            roots.append(value)
        else:
            options[name] = value
    return options, roots


def _catch_signals() -> int:
    """Have the numbers of signals written to a pipe; gives its reading end.

    Before anything else: as PID 1 a process has no default reaction to SIGTERM.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return reader


def _supervise(signals: int, children: Children) -> None:
    """Reap whatever ends, until told to stop."""
    while True:
        received = os.read(signals, 4096)
        if signal.SIGTERM in received or signal.SIGINT in received:
            return
        children.reap()


def _open_for_commands(place: Place) -> Children:
    from .children import Children, adopt_orphans  # the first answer does not wait for this

    if os.getpid() != 1:
        adopt_orphans()
    children = Children(place.account.options if place.account else {})
    place.start(children)
    return children


def _accept(listener: socket.socket, place: Place) -> None:
    while True:
        _take_connection(listener, place)


def _take_connection(listener: socket.socket, place: Place) -> None:
    try:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, place), daemon=True).start()
    except (OSError, RuntimeError) as error:  # out of descriptors or threads: better slow than gone
        _log(f"cannot take a connection: {error}")
        time.sleep(0.1)


def _write_port(path: str, port: int) -> None:
    """Write the port so that a reader sees all of it or nothing."""
    partial = f"{path}.{os.getpid()}"
    with open(partial, "w", encoding="ascii") as stream:
        stream.write(f"{port}\n")
    os.replace(partial, path)


def _log(message: str) -> None:
    sys.stderr.write(f"sandboxd: {message}\n")
    sys.stderr.flush()
