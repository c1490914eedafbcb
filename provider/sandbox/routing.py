"""Which sandboxes are reached directly, whatever proxy the environment names, and through which proxy the others."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_direct(url: str) -> bool:
    """Whether a URL is on this machine or a private network: a proxy could not reach it, or would see it.

    Loopback, private and link-local addresses, and names without a dot, as containers have them.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return address.is_loopback or address.is_private or address.is_link_local


def find_proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, None for a direct one."""
    if is_direct(url):
        return None
    from urllib.request import getproxies, proxy_bypass  # costs what only a distant sandbox needs

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
