"""The user that commands and file operations run as, where the server itself runs as root.

Commands then can neither stop nor change what serves them, and a file request can do no more than a command.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from typing import Any

VARIABLE = "SANDBOXD_USER"
SYSTEM_CALLS = {
    "x86_64": {"setresuid": 117, "setresgid": 119},
    "aarch64": {"setresuid": 147, "setresgid": 149},
}
NEEDED = {"KILL": 5, "SETGID": 6, "SETUID": 7}  # capabilities(7)


class Account:
    """An unprivileged user."""

    def __init__(self, name: str, uid: int, gid: int, groups: list[int]) -> None:
        self.name = name
        self._uid, self._gid, self._groups = uid, gid, groups
        self._thread = threading.local()

    @property
    def options(self) -> dict[str, Any]:
        """What `Popen` needs to start a process as this user."""
        return {"user": self._uid, "group": self._gid, "extra_groups": self._groups}

    @contextmanager
    def rights(self, *, spawns: bool) -> Iterator[None]:
        """Have this thread's file accesses judged by this user's rights (Linux `setfsuid`).

        The kernel takes the thread's capabilities over files away with it, for good; other threads keep theirs. A
        kernel without that call (gVisor's) gets the thread's effective user changed for the block instead, unless the
        block `spawns` a process: that one could take the server's rights back, and has its user from its start on.
        """
        if self._enter() or spawns:
            yield
        else:
            with self._changed_user():
                yield

    def _enter(self) -> bool:
        entered: bool | None = getattr(self._thread, "entered", None)
        if entered is None:
            libc = _libc()
            libc.setfsgid(self._gid)
            libc.setfsuid(self._uid)
            # It reports no failure: asked for an impossible user it changes nothing and tells the one in force.
            entered = (libc.setfsgid(-1), libc.setfsuid(-1)) == (self._gid, self._uid)
            self._thread.entered = entered
        return entered

    @contextmanager
    def _changed_user(self) -> Iterator[None]:
        self._set_effective("setresgid", self._gid)
        try:
            self._set_effective("setresuid", self._uid)
            try:
                yield
            finally:
                self._set_effective("setresuid", 0)
        finally:
            self._set_effective("setresgid", 0)

    def _set_effective(self, call: str, number: int) -> None:
        # Past the C library, whose function would change all threads.
        numbers = SYSTEM_CALLS.get(os.uname().machine)
        if numbers is None or _libc().syscall(numbers[call], -1, number, -1) != 0:
            raise PermissionError(f"cannot take the rights of user {self.name}")


def _libc() -> Any:
    import ctypes  # only where it is needed

    return ctypes.CDLL(None)


def take_account(environment: MutableMapping[str, str]) -> Account | None:
    """Take the user for commands from the environment; None for the server's own, and where it is not root.

    Raise `SystemExit` for a user that cannot be taken: commands as root instead would be a surprise.
    """
    wanted = environment.pop(VARIABLE, "")
    if wanted in {"", "root", "0"} or os.geteuid() != 0:
        return None
    missing = _missing_capabilities()
    if missing:
        raise SystemExit(
            f"sandboxd: commands as user {wanted} need the capabilities {', '.join(missing)} "
            "(sandbox.security.capabilities); or say sandbox.security.user: root"
        )
    import pwd

    try:
        entry = pwd.getpwuid(int(wanted)) if wanted.isdigit() else pwd.getpwnam(wanted)
    except KeyError:
        raise SystemExit(f"sandboxd: there is no user {wanted} in this image (sandbox.security.user)") from None
    os.setgroups([])  # of all threads: root's groups are not the user's
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups)


def _missing_capabilities() -> list[str]:
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        effective = next((int(line.split()[1], 16) for line in stream if line.startswith("CapEff:")), 0)
    return [name for name, bit in NEEDED.items() if not effective >> bit & 1]
