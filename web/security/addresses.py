"""Who is at the other end of a connection, and who is behind a proxy that is trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Trusted:
    """The addresses of the proxies that are believed."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._networks: Sequence[Network] = [ipaddress.ip_network(address) for address in addresses]

    def __contains__(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)

    def find_client(self, peer: str | None, forwarded_for: str | None) -> Address | None:
        """Return the address of who asks: the last one on the way that is no trusted proxy.

        `forwarded_for` is believed only as far as trusted proxies wrote it.
        """
        found = parse_address(peer)
        for hop in reversed((forwarded_for or "").split(",")):
            if found not in self:
                break
            found = parse_address(hop.strip()) or found
        return found


def parse_address(text: str | None) -> Address | None:
    """Read an address; one of IPv4 inside IPv6 is the one of IPv4."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_loopback(text: str | None) -> bool:
    """Whether an address is this machine's own."""
    address = parse_address(text)
    return address is not None and address.is_loopback


def group_of(address: Address | None) -> str:
    """Name whom failures are counted for: an IPv6 network of 64 bits is one customer, who has all its addresses."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
