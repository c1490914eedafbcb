"""The sandbox image made of the running machine's own Python and busybox: no registry, no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from provider.backends.docker.blueprint import WORK_DIRECTORY
from provider.backends.docker.host_python import (
    compile_source,
    find_compiled,
    find_interpreter,
    list_libraries,
    list_standard_library,
)
from provider.backends.docker.inspection import SANDBOX_PORT
from provider.backends.docker.root_filesystem import RootFilesystem
from provider.domain.errors import SandboxError

SANDBOXD = Path(__file__).parents[2] / "sandbox" / "sandboxd"
BUSYBOX_PATH = "/bin:/usr/bin:/usr/local/bin"
SANDBOXD_IN_IMAGE = PurePosixPath("/usr/local/lib/sandbox-ledger/sandboxd")

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_LIBRARY = PurePosixPath(f"/usr/local/{sys.platlibdir}/python{_VERSION}")
_PASSWD = f"""root:x:0:0:root:{WORK_DIRECTORY}:/bin/sh
sandbox:x:1000:1000:sandbox:{WORK_DIRECTORY}:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
"""
_GROUP = "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n"
_COPIED_IF_THERE = ("/etc/ld.so.cache", "/etc/ssl/certs/ca-certificates.crt", "/etc/protocols", "/etc/services")

# The server is root, held in by the capabilities of `sandbox.security`; commands and file operations run as `sandbox`,
# who cannot change or stop it. `sandbox.security.user: root` (or any other user) makes both the same.
_COMMAND = ["python3", "-I", "-S", str(SANDBOXD_IN_IMAGE), "--host", "0.0.0.0", "--port", str(SANDBOX_PORT)]  # noqa: S104
_COMMAND += ["--root", "/", "--workdir", WORK_DIRECTORY]
CONFIGURATION = [
    "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin",
    f"ENV HOME={WORK_DIRECTORY}",
    "ENV LANG=C.UTF-8",
    "ENV SANDBOXD_USER=sandbox",
    f"WORKDIR {WORK_DIRECTORY}",
    f"EXPOSE {SANDBOX_PORT}",
    "CMD [" + ", ".join(f'"{word}"' for word in _COMMAND) + "]",
]


def fill(image: RootFilesystem) -> None:
    """Write everything a sandbox needs into the image."""
    busybox = _find_busybox()
    interpreter = find_interpreter()
    bash = shutil.which("bash")
    programs = [interpreter, busybox, *([Path(bash)] if bash else [])]
    _add_directories(image)
    _add_python(image, interpreter)
    if bash:
        image.add_file("/bin/bash", Path(bash))
    extensions = [path for _, path in list_standard_library() if path.suffix == ".so"]
    for library in list_libraries([*programs, *extensions]):
        image.add_file(PurePosixPath(library), library)
    _add_sandboxd(image)
    _add_busybox(image, busybox)
    _add_configuration(image)


def _find_busybox() -> Path:
    found = shutil.which("busybox", path=BUSYBOX_PATH)
    if found is None:
        raise SandboxError("image build: busybox is not installed; run `apt-get install busybox-static`, then again")
    return Path(found)


def _add_directories(image: RootFilesystem) -> None:
    for path in ("/dev", "/etc", "/proc", "/root", "/run", "/sys", "/var/log"):
        image.add_directory(path)
    for path in ("/tmp", "/var/tmp", WORK_DIRECTORY):  # noqa: S108 -- in the image
        image.add_directory(path, 0o1777)


def _add_python(image: RootFilesystem, interpreter: Path) -> None:
    # Python finds its library by where it lies itself, so both move to /usr/local together.
    image.add_file(f"/usr/local/bin/python{_VERSION}", interpreter)
    for name in ("python3", "python"):
        image.add_link(f"/usr/local/bin/{name}", f"python{_VERSION}")
    for relative, source in list_standard_library():
        target = _LIBRARY / relative
        image.add_file(target, source)
        if source.suffix == ".py":
            _add_compiled(image, target, source)
    image.add_directory(_LIBRARY / "site-packages")


def _add_compiled(image: RootFilesystem, target: PurePosixPath, source: Path) -> None:
    compiled = find_compiled(source)
    cached = target.parent / "__pycache__" / f"{target.stem}.{sys.implementation.cache_tag}.pyc"
    if compiled is not None:
        image.add_file(cached, compiled)
    else:
        image.add_bytes(cached, compile_source(source))


def _add_sandboxd(image: RootFilesystem) -> None:
    for source in sorted(SANDBOXD.glob("*.py")):
        image.add_file(SANDBOXD_IN_IMAGE / source.name, source)
        cached = SANDBOXD_IN_IMAGE / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        image.add_bytes(cached, compile_source(source))


def _add_busybox(image: RootFilesystem, busybox: Path) -> None:
    image.add_file("/bin/busybox", busybox)
    command = [str(busybox), "--list-full"]
    applets = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.split()
    for applet in applets:
        image.add_link(f"/{applet}", "/bin/busybox")


def _add_configuration(image: RootFilesystem) -> None:
    image.add_bytes("/etc/passwd", _PASSWD.encode())
    image.add_bytes("/etc/group", _GROUP.encode())
    image.add_bytes("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    for path in map(Path, _COPIED_IF_THERE):
        if path.exists():
            image.add_file(PurePosixPath(path), path)
