"""Where a sandbox's published port is reached from this machine."""

from __future__ import annotations

_EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104 -- recognised here, not bound to


def sandbox_url(host: str, port: int, *, everywhere: str = "127.0.0.1") -> str:
    """Return the URL of a port published on `host`; `everywhere` stands for "all interfaces"."""
    reached = everywhere if host in _EVERYWHERE else host
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
