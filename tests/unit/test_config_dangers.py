"""What would open a sandbox, the host or the dashboard is refused with its key, or allowed by name (S105, S106)."""

from __future__ import annotations

import hashlib
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from provider import ConfigError
from provider.config.dangers import find_dangers
from provider.config.loading import load_settings


def mount(host: str, inside: str = "/mnt/data") -> dict[str, Any]:
    return {"sandbox": {"mounts": [{"host_path": host, "container_path": inside}]}}


def security(**values: Any) -> dict[str, Any]:
    return {"sandbox": {"security": values}}


def proxy(address: str) -> dict[str, Any]:
    return {"web": {"auth": "proxy", "proxy": {"trusted_addresses": [address], "default_role": "operator"}}}


def token(text: str, name: str = "alice") -> dict[str, str]:
    return {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest()}


HOST_PATHS = [
    "/", "//", "/.", "/..", "/etc/..", "/etc", "/etc/", "/etc/passwd", "/tmp/../etc", "/proc", "/proc/1/root", "/sys",
    "/sys/fs/cgroup", "/dev", "/dev/sda", "/boot", "/run", "/var/run", "/var/run/docker.sock", "/run/containerd",
    "/run/docker.sock", "/run/podman/podman.sock", "/srv/other.sock", "/var", "/var/lib", "/var/lib/docker", "/root",
    "/root/.ssh", "/home", "/usr", "/bin", "/var/spool/cron", "/var/lib/kubelet/pods",
]  # fmt: skip

ALLOWABLE: list[tuple[dict[str, Any], str, str]] = [
    *((mount(path), "sandbox.mounts", "sandbox.mounts[0].host_path") for path in HOST_PATHS),
    *(
        (security(capabilities=[name]), "sandbox.security.capabilities", "sandbox.security.capabilities[0]")
        for name in ("ALL", "all", "SYS_ADMIN", "CAP_SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "SYS_RAWIO",
                     "BPF", "DAC_READ_SEARCH", "MKNOD", "NET_RAW")
    ),
    (security(seccomp="unconfined"), "sandbox.security.seccomp", "sandbox.security.seccomp"),
    (security(no_new_privileges=False), "sandbox.security.no_new_privileges", "sandbox.security.no_new_privileges"),
    ({"sandbox": {"host": "0.0.0.0"}}, "sandbox.host", "sandbox.host"),
    ({"sandbox": {"host": "::"}}, "sandbox.host", "sandbox.host"),
    ({"sandbox": {"host": "::ffff:0.0.0.0"}}, "sandbox.host", "sandbox.host"),
    *(
        (proxy(network), "web.proxy.trusted_addresses", "web.proxy.trusted_addresses[0]")
        for network in ("0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3")
    ),
]  # fmt: skip

REFUSED: list[tuple[dict[str, Any], str]] = [
    *(
        (mount("/srv/data", inside), "sandbox.mounts[0].container_path")
        for inside in ("/", "//", "/workspace/..", "/proc", "/proc/sys", "/sys", "/dev", "/etc", "/usr", "/bin", "/lib",
                       "/usr/local/lib/sandbox-ledger/sandboxd")
    ),
    *(({"sandbox": {"network": name}}, "sandbox.network") for name in ("host", "none", "container:other")),
    ({"sandbox": {"network": "mine", "egress": "none"}}, "sandbox.egress"),
    (security(capabilities=["SYS_EVERYTHING"]), "sandbox.security.capabilities[0]"),
    (security(capabilities=[""]), "sandbox.security.capabilities[0]"),
    (security(seccomp="/no/such/profile.json"), "sandbox.security.seccomp"),
    (security(allow_unsafe=["sandbox.everything"]), "sandbox.security.allow_unsafe[0]"),
    *(
        ({"sandbox": {key: f"a{bad}b"}}, f"sandbox.{key}")
        for key in ("image", "engine", "network")
        for bad in ("\0", "\r", "\n")
    ),
    ({"sandbox": {"readiness": {"path": "/ready\r\nHost: other"}}}, "sandbox.readiness.path"),
    (security(user="0\n0"), "sandbox.security.user"),
    (security(runtime="run\nsc"), "sandbox.security.runtime"),
    ({"sandbox": {"environment": {"KEY": "a\0b"}}}, "sandbox.environment.KEY"),
    ({"web": {"auth": "token", "tokens": [token("")]}}, "web.tokens[0].sha256"),
    ({"web": {"auth": "token", "tokens": [token("x"), token("x", "bob")]}}, "web.tokens[1].sha256"),
    ({"sandbox": {"host": "no-such-host.invalid"}}, "sandbox.host"),
    ({"sandbox": {"host": "0"}}, "sandbox.host"),
    ({"sandbox": {"host": "0x0"}}, "sandbox.host"),
    ({"sandbox": {"host": "0.0.0.0", "auth": "none", "security": {"allow_unsafe": ["sandbox.host"]}}}, "sandbox.host"),
    ({"sandbox": {"host": "192.0.2.1"}}, "sandbox.host"),
    ({"sandbox": {"host": "2001:db8::1"}}, "sandbox.host"),
    ({"sandbox": {"host": "fe80::1%lo"}}, "sandbox.host"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "allowed_by", "key"), ALLOWABLE, ids=lambda value: str(value)[:90])
def test_a_danger_is_refused_unless_it_is_allowed_by_name(raw: dict[str, Any], allowed_by: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(raw)
    assert f"{key}: " in str(refused.value)
    assert f"allow_unsafe: [{allowed_by}]" in str(refused.value)
    sandbox = dict(raw.get("sandbox", {}))
    sandbox["security"] = {**sandbox.get("security", {}), "allow_unsafe": [allowed_by]}
    settings = load_settings({**raw, "sandbox": sandbox})
    assert [danger.key for danger in find_dangers(settings)] == [key], "what is allowed is still shown"


@pytest.mark.parametrize(("raw", "key"), REFUSED, ids=lambda value: str(value)[:90])
def test_what_cannot_be_meant_is_refused_with_its_key(raw: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(raw)
    assert f"{key}: " in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_link_to_a_danger_is_one(tmp_path: Path) -> None:
    link = tmp_path / "harmless"
    link.symlink_to("/etc")
    with pytest.raises(ConfigError, match=r"sandbox.mounts\[0\].host_path"):
        load_settings(mount(str(link)))


def test_the_ledger_itself_is_not_mounted(tmp_path: Path) -> None:
    raw = {**mount(str(tmp_path)), "database": {"url": f"sqlite:///{tmp_path}/ledger.db"}}
    with pytest.raises(ConfigError, match="the ledger's own database"):
        load_settings(raw)


def test_a_profile_that_is_none_is_refused(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    for text in ("not json", "[]", "{}"):
        profile.write_text(text)
        with pytest.raises(ConfigError, match="is no seccomp profile"):
            load_settings(security(seccomp=str(profile)))
    profile.write_text('{"defaultAction": "SCMP_ACT_ERRNO"}')
    assert load_settings(security(seccomp=str(profile))).sandbox.security.seccomp == str(profile)


@pytest.mark.parametrize(
    "raw",
    [
        mount("/srv/skills"), mount("/home/alice/work"), mount("/var/lib/app"), mount("/dev/shm/work"), mount("/opt/x"),
        mount("/srv/data", "/etc/ssl/certs"), security(capabilities=["CHOWN", "CAP_KILL", "setuid"]),
        proxy("10.0.0.0/8"), {"sandbox": {"network": "bridge"}},
        {"sandbox": {"environment": {"PEM": "-----BEGIN\nlines\n"}}},
    ],
    ids=lambda raw: str(raw)[:80],
)  # fmt: skip
def test_what_is_ordinary_passes(raw: dict[str, Any]) -> None:
    assert not find_dangers(load_settings(raw))


@pytest.mark.parametrize(
    ("written", "address"),
    [("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("::ffff:127.0.0.1", "127.0.0.1")],
)
def test_ports_are_published_on_an_address_never_on_a_name(written: str, address: str) -> None:
    if ":" in address and not _has_ipv6():
        pytest.skip("no IPv6 on this machine")
    assert load_settings({"sandbox": {"host": written}}).sandbox.host == address


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("# \n" * 7_000_000)
    begun = time.process_time()
    with pytest.raises(ConfigError, match="is larger than 256 KiB"):
        load_settings(path)
    assert time.process_time() - begun < 1, "seconds of processor time, which a busy machine does not lengthen"
