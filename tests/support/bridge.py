"""A network for a private Docker engine, so that it disturbs no other engine on the machine.

Two engines with the usual settings would give out the same addresses, and each one that starts empties the firewall
chains of the other. So a private engine leaves the firewall alone; all it needs are two rules of its own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass

SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


@dataclass(frozen=True)
class Bridge:
    """A bridge with addresses for the default network, and a pool for the networks that tests make."""

    name: str
    number: int

    @property
    def address(self) -> str:
        """The bridge's own address in the default network."""
        return f"10.241.{self.number}.1/24"

    @property
    def pool(self) -> str:
        """What dockerd gives to further networks: 256 of 62 addresses, because every ledger takes one."""
        return f"base={self._further},size=26"

    @property
    def _further(self) -> str:
        """Its share of 10.128.0.0/10."""
        return f"10.{128 + self.number // 4}.{self.number % 4 * 64}.0/18"

    @classmethod
    def make(cls, *, open_between: bool = True) -> Bridge:
        """Make a bridge whose addresses nobody on this machine uses; by default all its containers may talk."""
        taken = _run("ip", "-4", "route", "show", "table", "all")
        free = [n for n in range(1, 255) if f"10.241.{n}." not in taken]
        number = secrets.choice(free)
        bridge = cls(name=f"sl{number}-{secrets.token_hex(3)}", number=number)
        _run("ip", "link", "add", "name", bridge.name, "type", "bridge")
        _run("ip", "address", "add", bridge.address, "dev", bridge.name)
        _run("ip", "link", "set", bridge.name, "up")
        for rule in bridge._rules() if open_between else ():
            _run("iptables", "-w", "-I", "FORWARD", *rule)
        return bridge

    def remove(self) -> None:
        """Remove the bridge and its rules."""
        _run("ip", "link", "delete", self.name, check=False)
        for rule in self._rules():
            _run("iptables", "-w", "-D", "FORWARD", *rule, check=False)

    def _rules(self) -> list[list[str]]:
        """Let containers of one network talk, even where another engine's policy is to drop what it does not know."""
        networks = (f"10.241.{self.number}.0/24", self._further)
        return [["-s", network, "-d", network, "-j", "ACCEPT"] for network in networks]


def find_program(name: str) -> str | None:
    """Return the path of a program that may be in root's directories only."""
    return shutil.which(name, path=SEARCH_PATH)


def _run(program: str, *arguments: str, check: bool = True) -> str:
    command = [find_program(program) or program, *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
