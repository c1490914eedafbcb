"""`doctor` names what a sandbox may reach on the host: listeners on every interface, not those on loopback."""

from __future__ import annotations

import socket

from provider.cli.listeners import list_open_ports


def test_a_listener_on_every_interface_is_listed_and_one_on_loopback_is_not() -> None:
    with socket.create_server(("0.0.0.0", 0)) as everywhere, socket.create_server(("127.0.0.1", 0)) as here:
        ports = list_open_ports()
        assert everywhere.getsockname()[1] in ports
        assert here.getsockname()[1] not in ports
    assert everywhere.fileno() == -1
