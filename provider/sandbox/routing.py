"""Which sandboxes are reached directly, whatever proxy the environment names."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_direct(url: str) -> bool:
    """Tell whether a URL is on this machine or a private network: a proxy could not reach it, or would see it.

    Loopback, private and link-local addresses, and names without a dot, as containers have them.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return address.is_loopback or address.is_private or address.is_link_local
