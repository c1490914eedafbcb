"""Where else a seal is kept: a file, a program, or a web address, none of which a user of the database can change."""

from __future__ import annotations

import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from provider.domain.errors import SandboxError
from provider.domain.seals import Seal, format_seal

PATIENCE_SECONDS = 10.0


class SealNotDelivered(SandboxError):
    """A seal was made and kept here, but not everywhere it should be; the next one goes there again."""


def deliver_seal(seal: Seal, sinks: Sequence[str]) -> None:
    """Hand a seal, as the line that `seal` prints, to every sink; raise `SealNotDelivered` when one did not take it."""
    line = f"{format_seal(seal)}\n"
    failed = [f"{_name(sink)}: {problem}" for sink in sinks if (problem := _deliver(line, sink)) is not None]
    if failed:
        raise SealNotDelivered(
            f"the seal of position {seal.position} was made, but audit.seal_sinks did not take it: {'; '.join(failed)}"
        )


def _deliver(line: str, sink: str) -> str | None:
    try:
        if sink.startswith("|"):
            return _run(line, sink.removeprefix("|"))
        if sink.startswith(("http://", "https://")):
            _post(line, sink)
        else:
            _append(line, Path(sink))
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}"
    except urllib.error.URLError as error:
        return f"it cannot be reached ({error.reason})"
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _append(line: str, path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())


def _run(line: str, command: str) -> str | None:
    try:
        ran = subprocess.run(
            shlex.split(command), input=line, text=True, capture_output=True, timeout=PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {PATIENCE_SECONDS:g} s"
    return f"it exited with {ran.returncode}" if ran.returncode else None


def _post(line: str, url: str) -> None:
    request = urllib.request.Request(url, line.encode(), {"Content-Type": "application/json"})  # noqa: S310 - checked
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):  # noqa: S310 - http or https only
        pass


def _name(sink: str) -> str:
    """Return a sink's name without what may be a secret in it."""
    if sink.startswith("|"):
        return shlex.split(sink.removeprefix("|"))[0]
    return urlsplit(sink).hostname or sink if "://" in sink else sink
