"""S100, S110: no sandbox reaches another, on an engine that keeps the firewall's rules as engines do."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from provider import Sandbox, SandboxProvider, open_provider
from tests.support.bridge import find_program
from tests.support.sandbox_image import TAG
from tests.support.waiting import wait_until

OpenWorker = Callable[..., SandboxProvider]

ASK = """python3 - <<'EOF_ASK'
import socket
try:
    with socket.create_connection(("{address}", {port}), 2) as asked:
        asked.sendall(b"GET /v1/sandbox HTTP/1.0\\r\\n\\r\\n")
        print("answered", asked.recv(12))
except OSError as error:
    print("not reached:", type(error).__name__)
EOF_ASK
"""


@pytest.fixture
def open_worker(firewalled_docker_engine: str, tmp_path: Path) -> Iterator[OpenWorker]:
    """Give a function that opens a worker of a ledger of that name; everything it made is removed afterwards."""
    client = docker.APIClient(firewalled_docker_engine, version="auto", timeout=60)
    prefix = f"s100-{secrets.token_hex(3)}"
    before = {one["Id"] for one in client.networks()}
    with ExitStack() as opened:
        opened.callback(client.close)

        def make(ledger: str = "ledger", **changes: Any) -> SandboxProvider:
            sandbox = {"engine": firewalled_docker_engine, "image": TAG, "container_prefix": prefix, **changes}
            sandbox |= {"stop_timeout": 0.5, "engine_timeout": 60}
            raw = {"database": {"url": f"sqlite:///{tmp_path}/{ledger}.db"}, "sandbox": sandbox}
            return opened.enter_context(open_provider(raw))

        try:
            yield make
        finally:
            for one in client.containers(all=True, filters={"name": prefix}):
                client.remove_container(one["Id"], force=True, v=True)
            for network in client.networks():
                if network["Id"] not in before:
                    client.remove_network(network["Id"])


@contextmanager
def _client(engine: str) -> Iterator[docker.APIClient]:
    client = docker.APIClient(engine, version="auto", timeout=60)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def another_host() -> Iterator[str]:
    """Run a web server on port 8080 in a network namespace of its own; give its address."""
    tag = secrets.token_hex(3)
    name, inner, outer = f"sl-{tag}", f"sli{tag}", f"slo{tag}"
    number = secrets.randbelow(250) + 1
    steps = [
        f"netns add {name}",
        f"link add {outer} type veth peer name {inner} netns {name}",
        f"address add 10.240.{number}.1/24 dev {outer}",
        f"link set {outer} up",
        f"-n {name} address add 10.240.{number}.2/24 dev {inner}",
        f"-n {name} link set {inner} up",
        f"-n {name} link set lo up",
    ]
    ip = find_program("ip") or "ip"
    with ExitStack() as undone:
        for step in steps:
            subprocess.run([ip, *step.split()], check=True)
            if step == steps[0]:
                undone.callback(subprocess.run, [ip, "netns", "delete", name], check=True)
        command = [ip, "netns", "exec", name, sys.executable, "-m", "http.server", "8080"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/mnt")
        undone.callback(server.wait)
        undone.callback(server.kill)
        address = f"10.240.{number}.2"
        wait_until(lambda: _listens(address), what="the web server of the other host")
        yield address


def _listens(address: str) -> bool:
    with socket.socket() as asking:
        asking.settimeout(1)
        return asking.connect_ex((address, 8080)) == 0


def address_of(sandbox: Sandbox) -> str:
    return sandbox.execute_command("hostname -i").output.split()[0]


def ask(asker: Sandbox, address: str, port: int = 8080) -> str:
    return asker.execute_command(ASK.format(address=address, port=port), timeout=20).output.strip()


@pytest.mark.parametrize("egress", ["open", "none"])
def test_s100_a_sandbox_does_not_reach_its_neighbour(open_worker: OpenWorker, egress: str) -> None:
    worker = open_worker(egress=egress)
    alice, bob = worker.ensure("thread-1", user_id="alice"), worker.ensure("thread-2", user_id="bob")
    assert ask(bob, address_of(bob)).startswith("answered"), "what is asked is there"
    assert ask(alice, address_of(bob)).startswith("not reached")
    name = bob.execute_command("hostname").output.strip()
    assert ask(alice, name).startswith("not reached")


def test_s100_a_sandbox_of_another_ledger_is_not_reached_either(open_worker: OpenWorker) -> None:
    alice = open_worker("one").ensure("thread-1", user_id="alice")
    bob = open_worker("two").ensure("thread-1", user_id="bob")
    assert ask(alice, address_of(bob)).startswith("not reached")


def test_s100_the_published_port_is_not_reached_from_inside(open_worker: OpenWorker) -> None:
    worker = open_worker()
    alice, bob = worker.ensure("thread-1"), worker.ensure("thread-2")
    port = int(bob.url.rpartition(":")[2])
    gateway = alice.execute_command("ip route").output.split()[2]
    assert ask(alice, gateway, port).startswith("not reached")


def test_s110_without_egress_a_sandbox_answers_its_worker_and_reaches_nobody(open_worker: OpenWorker) -> None:
    closed, opened = open_worker("closed", egress="none").ensure("a"), open_worker("opened").ensure("b")
    assert closed.execute_command("echo here").output == "here\n"
    with another_host() as address:
        assert ask(opened, address).startswith("answered")
        assert ask(closed, address).startswith("not reached")
    assert closed.execute_command("nslookup example.com", timeout=30).exit_code != 0


def test_a_network_that_somebody_removed_is_made_again(open_worker: OpenWorker, firewalled_docker_engine: str) -> None:
    worker = open_worker()
    sandbox = worker.ensure("thread-1")
    with _client(firewalled_docker_engine) as client:
        (name,) = client.inspect_container(container_of(client, sandbox))["NetworkSettings"]["Networks"]
        worker.destroy(sandbox.id)
        client.remove_network(name)
        again = worker.ensure("thread-1")
        (found,) = client.networks(names=[name])
    assert found["Options"]["com.docker.network.bridge.enable_icc"] == "false"
    assert again.execute_command("echo back").output == "back\n"


def networks_of(client: docker.APIClient, sandbox: Sandbox) -> set[str]:
    networks = client.inspect_container(container_of(client, sandbox))["NetworkSettings"]["Networks"]
    return {one["NetworkID"] for one in networks.values()}


def container_of(client: docker.APIClient, sandbox: Sandbox) -> str:
    (found,) = client.containers(filters={"label": f"sandbox-ledger.sandbox={sandbox.id}"})
    return str(found["Id"])


def test_workers_that_begin_together_share_one_network(open_worker: OpenWorker, firewalled_docker_engine: str) -> None:
    workers = [open_worker(replicas=8) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        sandboxes = list(pool.map(lambda one: one[1].ensure(f"thread-{one[0]}"), enumerate(workers)))
    with _client(firewalled_docker_engine) as client:
        used = {network for sandbox in sandboxes for network in networks_of(client, sandbox)}
    assert len(used) == 1
