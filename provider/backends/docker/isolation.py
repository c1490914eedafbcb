"""Whether the engine keeps neighbours apart, found out by trying: one without its firewall ignores the setting."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import docker
from docker.errors import APIError

from provider.backends.docker.engine import Engine
from provider.backends.docker.inspection import SANDBOX_PORT
from provider.backends.docker.network import CLOSED_TO_NEIGHBOURS

ANSWER_SECONDS = 3
_LISTEN = "import socket; s = socket.create_server(('', {port}))\nwhile True: s.accept()[0].close()"
_ASK = "import socket; socket.create_connection(('{address}', {port}), {seconds}).close()"


def keeps_neighbours_apart(engine: Engine, image: str) -> bool:
    """Start two throw-away containers as sandboxes are, and try to get from one to the other.

    Nothing of it is left. Raise `BackendUnavailable` when the engine cannot say.
    """
    name = f"sandbox-ledger-doctor-{secrets.token_hex(4)}"
    with engine.asking("try whether neighbours are kept apart") as client, ExitStack() as undone:
        network = client.create_network(name, driver="bridge", options=CLOSED_TO_NEIGHBOURS)["Id"]
        undone.callback(_remove_network, client, network)
        listener = undone.enter_context(_running(client, image, name, _LISTEN.format(port=SANDBOX_PORT)))
        address = client.inspect_container(listener)["NetworkSettings"]["Networks"][name]["IPAddress"]
        ask = _ASK.format(address=address, port=SANDBOX_PORT, seconds=ANSWER_SECONDS)
        asker = undone.enter_context(_running(client, image, name, ask))
        return bool(client.wait(asker, timeout=10 * ANSWER_SECONDS)["StatusCode"])


@contextmanager
def _running(client: docker.APIClient, image: str, network: str, program: str) -> Iterator[str]:
    made = client.create_container(
        image, ["python3", "-c", program], host_config=client.create_host_config(network_mode=network, cap_drop=["ALL"])
    )["Id"]
    try:
        client.start(made)
        yield made
    finally:
        client.remove_container(made, force=True, v=True)


def _remove_network(client: docker.APIClient, network: str) -> None:
    with contextlib.suppress(APIError):  # somebody else has
        client.remove_network(network)
