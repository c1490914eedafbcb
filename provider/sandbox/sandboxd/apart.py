"""Answer a request in a process of its own, which can be stopped.

A regular expression may run for ever, and Python holds its global lock meanwhile: in a thread it would silence the
whole server.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys

from .connection import answer_by
from .execution import FOREVER, Execution
from .grep import grep_files as grep_files_here
from .guard import Guard
from .place import Place
from .wire import Answer, Request

SEARCH_SECONDS = 20.0
CPU_SECONDS = 30
OUTPUT_LIMIT = 64 * 1024 * 1024  # never reached: the search bounds its answer
PROGRAM = "import sys, importlib; sys.path.insert(0, sys.argv[1]); importlib.import_module(sys.argv[2]).main()"


def grep_files(request: Request, place: Place) -> Answer:
    """Search files, for as long as `SEARCH_SECONDS`."""
    home, _, package = os.path.dirname(__file__).rpartition("/")
    with open(os.memfd_create("request"), "w+b") as stream:
        stream.write(json.dumps([place.roots, place.workdir, place.max_output, place.max_body]).encode() + b"\n")
        stream.write(request.body)
        stream.seek(0)
        command = [sys.executable, "-I", "-S", "-c", PROGRAM, home, f"{package}.apart"]
        child = place.children.start(command, stdin=stream, stdout=subprocess.PIPE)
    execution = Execution(child, OUTPUT_LIMIT, SEARCH_SECONDS)
    execution.finish(FOREVER)
    if execution.timed_out:
        raise OSError(errno.ETIMEDOUT, f"no end of the search in {SEARCH_SECONDS:g} s: take a simpler pattern or path")
    status, _, body = execution.outputs[0].content().partition(b"\n")
    if not status:
        raise OSError(errno.EIO, f"the search ended with exit code {child.exit_code}")
    return Answer(int(status), (body,), len(body))


def main() -> None:
    """Be that process: read the request from stdin, write the answer to stdout."""
    # A server that was killed cannot stop its search any more: the kernel does.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    roots, workdir, max_output, max_body = json.loads(sys.stdin.buffer.readline())
    request = Request("POST", "/v1/file/grep", {}, sys.stdin.buffer.read())
    answer = answer_by(grep_files_here, request, Place(roots, workdir, max_output, max_body, Guard({})))
    sys.stdout.buffer.write(b"%d\n" % answer.status + b"".join(answer.blocks))
