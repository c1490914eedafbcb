"""The configuration as frozen values, each number with its range. `provider.config` reads them from the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple, NewType

from provider.domain.policy import BackoffPolicy

Egress = Literal["open", "none"]
"""Whether a sandbox reaches anything but its worker."""

Bytes = NewType("Bytes", int)
"""A size; the file may say `512m`, `1g` or a number of bytes."""


class Range(NamedTuple):
    """The smallest and the largest value of a number; stands in the annotation of its field."""

    low: float
    high: float


# No wait is longer than this (about 30 years): the system's timers overflow not far above.
_FOREVER = 10**9
Seconds = Annotated[float, Range(0.001, _FOREVER)]
SecondsOrZero = Annotated[float, Range(0, _FOREVER)]
Quantity = Annotated[int, Range(1, 1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where the ledger lives. `url` may hold a password and is in no repr; `synchronous` applies to SQLite only."""

    url: str = field(default="sqlite:///sandbox-ledger.db", repr=False)
    synchronous: Literal["FULL", "NORMAL"] = "FULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class MountSettings:
    """One host directory shown inside every sandbox."""

    host_path: str
    container_path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessSettings:
    """When a new sandbox counts as ready: `successes` answers in a row within `timeout` seconds."""

    path: str = "/v1/sandbox"
    timeout: Seconds = 60.0
    successes: Annotated[int, Range(1, 1000)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What one sandbox may use; null lifts a limit.

    `tmp` is the size of `/tmp`, which is kept in memory and counts into `memory`; without it, it is on the host's disk.
    `disk` bounds everything else that is written outside of mounts, where the engine's storage driver can.
    """

    # Docker refuses less than 6 MiB.
    memory: Annotated[Bytes, Range(6 * 1024**2, 2**62)] | None = Bytes(1024**3)
    cpus: Annotated[float, Range(0.01, 100_000)] | None = 1.0
    pids: Annotated[int, Range(1, 2**22)] | None = 512
    tmp: Annotated[Bytes, Range(1024**2, 2**62)] | None = Bytes(512 * 1024**2)
    disk: Annotated[Bytes, Range(16 * 1024**2, 2**62)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """How far a sandbox is locked in. Capabilities are dropped to exactly `capabilities`."""

    no_new_privileges: bool = True
    seccomp: str = "default"
    capabilities: tuple[str, ...] = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
    read_only_root: bool = False
    user: str | None = None
    runtime: str | None = None
    allow_unsafe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffSettings:
    """Crash-loop back-off, in seconds and counts."""

    free: Annotated[int, Range(0, 1_000_000)] = 3
    window: Seconds = 600.0
    initial: Seconds = 10.0
    max: Seconds = 300.0
    reset_after: Seconds = 600.0

    def as_policy(self) -> BackoffPolicy:
        """Return the rule that these settings stand for."""
        return BackoffPolicy(
            free=self.free, window=self.window, initial=self.initial, max=self.max, reset_after=self.reset_after
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """How sandboxes are made and kept; durations in seconds.

    `port` is the base host port (null: the engine picks); `idle_timeout` 0 disables; `stop_timeout` is the time
    between SIGTERM and SIGKILL; `engine_timeout` the deadline of every engine call. `environment` may hold secrets
    and is left out of every repr.
    """

    backend: Literal["docker", "process"] = "docker"
    image: str = "sandbox-ledger/sandbox:latest"
    engine: str | None = None
    engine_timeout: Seconds = 10.0
    stop_timeout: SecondsOrZero = 5.0
    port: Annotated[int, Range(1, 65535)] | None = None
    host: str = "127.0.0.1"
    network: str | None = None
    egress: Egress = "open"
    auth: Literal["token", "none"] = "token"
    container_prefix: str = "sandbox"
    idle_timeout: SecondsOrZero = 600.0
    auto_restart: bool = True
    replicas: Quantity = 3
    max_per_user: Quantity | None = None
    overflow: Literal["wait", "reject", "burst"] = "wait"
    acquire_timeout: Seconds = 120.0
    mounts: tuple[MountSettings, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    liveness: Literal["auto", "kernel", "watch", "inspect"] = "auto"
    on_shutdown: Literal["keep", "destroy_own", "destroy_if_last"] = "keep"
    readiness: ReadinessSettings = field(default_factory=ReadinessSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    restart_backoff: BackoffSettings = field(default_factory=BackoffSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How worker processes prove that they live, in seconds."""

    heartbeat_interval: Seconds = 5.0
    lease_time: Seconds = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SweeperSettings:
    """The scheduled sweep, in seconds, but for the days for which the rows of past sweeps are kept."""

    enabled: bool = True
    interval: Seconds = 30.0
    orphan_grace: SecondsOrZero = 120.0
    retention_days: Annotated[float, Range(0.001, 1_000_000)] = 30.0


WebRole = Literal["viewer", "operator"]
"""A viewer reads everything; an operator also acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """Who may sign in with a token; only the token's SHA-256 is known here."""

    name: str
    sha256: str = field(repr=False)
    role: WebRole = "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """What a reverse proxy says about who asks, and which proxies are believed (addresses or networks).

    `roles` gives a role to a value of `role_header` (several, separated by commas, are allowed there), or to a user
    where there is no such header; whoever is not in it gets `default_role`.
    """

    trusted_addresses: tuple[str, ...] = ()
    user_header: str = "X-Forwarded-User"
    role_header: str | None = None
    roles: Mapping[str, WebRole] = field(default_factory=dict)
    default_role: Literal["none", "viewer", "operator"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """How the log is sealed: `seal_interval` in seconds, 0 disables. `seal_key` is a secret and is in no repr.

    `seal_sinks` get each seal too: the path of a file, `|` and a command, or an address; they may hold secrets.
    `log_tail` is what evidence keeps of a container's log; configured values of the environment are masked in any case.
    """

    seal_key: str | None = field(default=None, repr=False)
    seal_interval: SecondsOrZero = 3600.0
    seal_sinks: tuple[str, ...] = field(default=(), repr=False)
    log_tail: Literal["full", "redacted", "none"] = "redacted"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The dashboard: its address, and who may see it. Port 0 takes a free one; `session_lifetime` in seconds.

    `public_url` is what people open where a reverse proxy is in front; `session_key` is shared by servers on several
    machines and is in no repr.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Range(0, 65535)] = 8642
    auth: Literal["none", "token", "proxy"] = "none"
    tokens: tuple[TokenSettings, ...] = ()
    proxy: ProxySettings = field(default_factory=ProxySettings)
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    # One stays free for pages beside the streams, which take at most half.
    threads: Annotated[int, Range(4, 1000)] = 32
    session_lifetime: Annotated[float, Range(60, 31_536_000)] = 43_200.0
    session_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything, read once at start. `source` names where it came from, for messages."""

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    sweeper: SweeperSettings = field(default_factory=SweeperSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    web: WebSettings = field(default_factory=WebSettings)
    source: str = "defaults"
