"""Run one sandbox process to its end and write down how it ended.

    python3 -I -S supervise.py DIRECTORY COMMAND...

A script on the standard library alone. It leaves its starter (own session, nobody's child), so that the sandbox
outlives the worker, and any worker on the machine can tell from DIRECTORY alone what became of it. `process.json` is
there before this command returns; `exit.json` before the supervisor ends.
"""
# pathlib is an import that every cold start would pay for:
# ruff: noqa: PTH105, PTH115, PTH123

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main(directory: str, command: list[str]) -> NoReturn:
    """Detach, run the command, forward SIGTERM and SIGINT to it, and record its end."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        os._exit(0 if os.read(reader, 1) else 1)
    os.setsid()
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as stream:
        start_time = stream.read().rpartition(")")[2].split()[19]
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        boot_id = stream.read().strip()
    namespace = os.readlink("/proc/self/ns/pid")
    content = (
        f'"pid": {os.getpid()}, "start_time": {start_time}, "boot_id": "{boot_id}", "pid_namespace": "{namespace}"'
    )
    write(f"{directory}/process.json", content)
    status = run(command, writer)
    code = os.waitstatus_to_exitcode(status)
    # As container engines say it: 128 + the signal.
    write(f"{directory}/exit.json", f'"exit_code": {code if code >= 0 else 128 - code}, "finished_at": {time.time()}')
    os._exit(0)


def run(command: list[str], started: int) -> int:
    """Run the command and return its wait status; a byte on `started` says that it runs."""
    child = 0
    stops: list[int] = []

    def forward(number: int, frame: object) -> None:
        stops.append(number)
        if child:
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    child = os.posix_spawn(command[0], command, os.environ, setsigdef=(signal.SIGTERM, signal.SIGINT))
    for stop in stops:  # came before there was anybody to forward it to
        os.kill(child, stop)
    os.write(started, b"1")
    os.close(started)
    return os.waitpid(child, 0)[1]


def write(path: str, content: str) -> None:
    """Write a JSON object so that a reader sees all of it or nothing."""
    with open(f"{path}.new", "w", encoding="ascii") as stream:
        stream.write("{" + content + "}\n")
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
