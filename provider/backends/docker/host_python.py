"""Which files make the running Python work somewhere else: interpreter, standard library, shared libraries."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from provider.domain.errors import SandboxError

_LEFT_OUT = {
    "__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests",
    "tkinter", "turtledemo",
}  # fmt: skip
_LEFT_OUT_FILES = re.compile(r"_tkinter|_test|_ctypes_test|xxlimited|turtle\.py|.*\.a$|.*\.exe$")
_LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)


def find_interpreter() -> Path:
    """Return the interpreter behind this one, out of any virtual environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = Path(sys.base_prefix) / "bin" / version
    if not found.exists():
        raise SandboxError(
            f"image build: no Python interpreter at {found}; use `image build` with the Dockerfile instead"
        )
    return found.resolve()


def list_standard_library() -> Iterator[tuple[Path, Path]]:
    """Yield (relative path, file) for what a sandbox can use of the standard library."""
    root = Path(sysconfig.get_path("stdlib"))
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _LEFT_OUT and not name.startswith("config-"))
        for name in sorted(files):
            if not _LEFT_OUT_FILES.match(name):
                path = Path(directory, name)
                yield path.relative_to(root), path


def find_compiled(source: Path) -> Path | None:
    """Return where Python keeps the compiled form of a source; None where it was never compiled."""
    path = Path(importlib.util.cache_from_source(str(source), optimization=""))
    return path if path.exists() else None


def compile_source(source: Path) -> bytes:
    """Compile a source into a form that is never checked against it: the image does not change."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, "compiled.pyc")
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(target), dfile=source.name, doraise=True, invalidation_mode=mode)
        return target.read_bytes()


def list_libraries(programs: Iterable[Path]) -> list[Path]:
    """Return the shared libraries that programs and extension modules load, the dynamic loader among them."""
    # `ldd` fails for a static program, which needs none; what it found for the others counts all the same.
    command = ["ldd", *map(str, programs)]
    listing = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    return sorted({Path(found) for found in _LIBRARY.findall(listing)})
