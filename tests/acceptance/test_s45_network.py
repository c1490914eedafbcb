"""Where sandboxes listen and how they are reached: S45, S46."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pytest

from provider import BackendUnavailable
from provider.domain.ids import derive_sandbox_id
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.engines import DockerAcceptanceEngine

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@on("process", "docker")
def test_s45_a_sandbox_listens_on_loopback(deployment: Deployment) -> None:
    sandbox = deployment.open_worker().provider.ensure("thread-1")
    assert sandbox.url.startswith("http://127.0.0.1:")
    if isinstance(deployment.engine, DockerAcceptanceEngine):
        with deployment.engine.client() as client:
            found = client.inspect_container(deployment.find_container(sandbox.id).container_id or "")
        published = [one for ports in found["NetworkSettings"]["Ports"].values() for one in ports or ()]
        assert [one["HostIp"] for one in published] == ["127.0.0.1"]


@on("process", "docker")
def test_s45_it_listens_elsewhere_only_when_told_to(deployment: Deployment) -> None:
    sandbox = deployment.open_worker(host="127.0.0.2").provider.ensure("thread-1")
    assert sandbox.url.startswith("http://127.0.0.2:")
    assert sandbox.execute_command("echo alive").output == "alive\n"


@on("docker")
def test_s45_in_a_network_there_is_no_port_and_the_name_is_the_address(deployment: Deployment) -> None:
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    with deployment.engine.client() as client, _network(client) as network:
        worker = deployment.open_worker(network=network, auth="none")
        worker.backend.fail("wait_ready", BackendUnavailable("this test's process is not in that network"))
        gate = worker.backend.hold("wait_ready")
        acquired = deployment.in_background(worker.provider.acquire, "thread-1")
        gate.wait_entered()
        sandbox_id = derive_sandbox_id(None, "thread-1")
        info = deployment.find_container(sandbox_id)

        found = client.inspect_container(info.container_id or "")
        assert list(found["NetworkSettings"]["Networks"]) == [network]
        assert not any(found["NetworkSettings"]["Ports"].values())
        url = deployment.audit.find_event(sandbox_id, "SandboxStarted").data["url"]
        assert url == f"http://{info.container_name}:8080"
        assert _ask_from_inside(client, deployment.engine.image, network, f"{url}/v1/sandbox") == 0

        gate.open()
        with pytest.raises(BackendUnavailable):
            acquired.result()
        assert deployment.containers() == []


@on("process", "docker")
def test_s46_a_proxy_of_the_environment_is_not_asked_for_a_sandbox(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _counting_listener() as (address, connections):
        for variable in PROXY_VARIABLES:
            monkeypatch.setenv(variable, f"http://{address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        sandbox = deployment.open_worker().provider.ensure("thread-1")
        assert sandbox.execute_command("echo direct").output == "direct\n"
        sandbox.write_file("a.txt", "a")
        assert sandbox.download_file("a.txt") == b"a"
    assert connections == []


@on("docker")
def test_s46_a_private_address_is_reached_directly_too(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    with deployment.engine.client() as client, _network(client) as network, _counting_listener() as counted:
        own_address = client.inspect_network(network)["IPAM"]["Config"][0]["Gateway"]  # this machine's, in 10/8 or so
        address, connections = counted
        for variable in PROXY_VARIABLES:
            monkeypatch.setenv(variable, f"http://{address}")
        sandbox = deployment.open_worker(host=own_address).provider.ensure("thread-1")
        assert sandbox.url.startswith(f"http://{own_address}:")
        assert sandbox.execute_command("echo direct").output == "direct\n"
        deployment.remove_containers()
    assert connections == []


@contextmanager
def _network(client: docker.APIClient) -> Iterator[str]:
    name = f"acceptance-{secrets.token_hex(4)}"
    client.create_network(name)
    try:
        yield name
    finally:
        client.remove_network(name)


def _ask_from_inside(client: docker.APIClient, image: str, network: str, url: str) -> int:
    """Ask a URL from another container in the network; 0 when it answers well."""
    script = f"import urllib.request as r; r.urlopen({url!r}, timeout=5).read()"
    asking = client.create_container(
        image, ["python3", "-c", script], host_config=client.create_host_config(network_mode=network)
    )["Id"]
    try:
        client.start(asking)
        return int(client.wait(asking, timeout=30)["StatusCode"])
    finally:
        client.remove_container(asking, force=True)


@contextmanager
def _counting_listener() -> Iterator[tuple[str, list[object]]]:
    """Listen as a proxy would, answer nothing, and keep who came."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        stopped = threading.Event()

        def accept() -> None:
            while not stopped.is_set():
                try:
                    connection, peer = listener.accept()
                except TimeoutError:
                    continue
                connections.append(peer)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", connections
        finally:
            stopped.set()
            thread.join()
