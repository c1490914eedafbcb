"""Run commands: `/v1/shell/exec` (stdout and stderr in one) and `/v1/bash/exec` (apart, with an environment)."""

from __future__ import annotations

import os
import subprocess
import uuid

from .execution import FOREVER, Execution
from .fields import Fields
from .wire import success

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .place import Place
    from .wire import Answer, Request

SHELL = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"
SDK_OUTPUT_LIMIT = 30_000  # the protocol's `truncate: true`
ARGUMENT_LIMIT = 100_000  # Linux takes 128 KiB for one argument (MAX_ARG_STRLEN)


def shell_exec(request: Request, place: Place) -> Answer:
    """Run a command; `exec_dir` falls back to the working directory unless `strict`, as the protocol has it."""
    body = Fields(request)
    body.refuse("id", "async_mode", "no_change_timeout", "preserve_symlinks")
    directory = os.path.join(place.workdir, body.text("exec_dir", ""))
    if not body.flag("strict") and not os.path.isdir(directory):
        directory = place.workdir
    limit = min(place.max_output, SDK_OUTPUT_LIMIT) if body.flag("truncate") else place.max_output
    execution, done = _run(body, place, limit, cwd=directory, stderr=subprocess.STDOUT)
    ended = done and not execution.timed_out
    return success(
        {
            "session_id": uuid.uuid4().hex,
            "command": body.text("command"),
            "status": "completed" if ended else "hard_timeout" if done else "running",
            "output": execution.outputs[0].text(),
            "exit_code": execution.child.exit_code if ended else None,
            "truncated": execution.outputs[0].left_out > 0,
            "duration_seconds": execution.duration_seconds,
        }
    )


def bash_exec(request: Request, place: Place) -> Answer:
    """Run a command with variables added to (or, by null, taken from) the environment for this call only."""
    body = Fields(request)
    body.refuse("session_id", "async_mode")
    directory = os.path.join(place.workdir, body.text("exec_dir", ""))
    changed = {**os.environ, **body.environment("env")}
    environment = {name: value for name, value in changed.items() if value is not None}
    limit = min(place.max_output, body.count("max_output_length", 0) or place.max_output)
    execution, done = _run(body, place, limit, cwd=directory, stderr=subprocess.PIPE, env=environment)
    ended = done and not execution.timed_out
    stdout, stderr = (output.text() for output in execution.outputs)
    return success(
        {
            "session_id": uuid.uuid4().hex,
            "command_id": uuid.uuid4().hex,
            "command": body.text("command"),
            "status": "completed" if ended else "timed_out" if done else "running",
            "stdout": stdout,
            "stderr": stderr,
            "exit_code": execution.child.exit_code if ended else None,
            "offset": len(stdout),
            "stderr_offset": len(stderr),
            "truncated": any(output.left_out for output in execution.outputs),
            "duration_seconds": execution.duration_seconds,
        }
    )


def _run(
    body: Fields, place: Place, limit: int, *, cwd: str, stderr: int, env: dict[str, str] | None = None
) -> tuple[Execution, bool]:
    hard_timeout, soft_timeout = body.number("hard_timeout", FOREVER), body.number("timeout", FOREVER)
    command = body.text("command").encode("utf-8", "surrogateescape")
    script = _script_of(command) if len(command) > ARGUMENT_LIMIT else None
    try:
        child = place.children.start(
            [SHELL, f"/proc/self/fd/{script}"] if script else [SHELL, "-c", os.fsdecode(command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=cwd,
            env=env,
            pass_fds=(script,) if script else (),
        )
    finally:
        if script:
            os.close(script)
    execution = Execution(child, limit, hard_timeout)
    return execution, execution.finish(soft_timeout)


def _script_of(command: bytes) -> int:
    """Put a command that is too long for an argument into a nameless file; gives its descriptor."""
    descriptor = os.memfd_create("command")
    with os.fdopen(os.dup(descriptor), "wb") as script:
        script.write(command)
    return descriptor
