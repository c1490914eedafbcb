"""Containers on a real engine: settings, failures of creation, evidence."""

from __future__ import annotations

import re
import secrets
import socket
from pathlib import Path

import docker
import httpx
import pytest

from provider.backends.labels import LEDGER
from provider.config.settings import Bytes, LimitSettings, MountSettings, ReadinessSettings, SecuritySettings
from provider.domain.containers import SandboxInfo, SandboxSpec
from provider.domain.errors import SandboxStartError
from provider.testing import new_spec
from tests.integration.backends.agent import run_command
from tests.integration.backends.conftest import OpenDocker
from tests.support.waiting import wait_until

EAT_MEMORY = 'echo 1000 > /proc/1/oom_score_adj; python3 -c \'bytearray(400_000_000).replace(b"\\0", b"x")\''
AS_ROOT = SecuritySettings(user="root")  # to touch the container's first process from inside


def start(open_docker: OpenDocker, **changes: object) -> SandboxInfo:
    """Create a sandbox with changed settings and wait until it is ready."""
    backend = open_docker(**changes)
    info = backend.create(new_spec())
    backend.wait_ready(info)
    return info


def list_named(client: docker.APIClient, spec: SandboxSpec) -> list[object]:
    """List the containers of a sandbox in any state."""
    return list(client.containers(all=True, filters={"name": spec.sandbox_id}))


def test_s13_an_oom_kill_is_told_with_the_limit(open_docker: OpenDocker) -> None:
    backend = open_docker(limits=LimitSettings(memory=Bytes(64 * 1024**2)), security=AS_ROOT)
    info = backend.create(new_spec())
    backend.wait_ready(info)
    liveness = backend.liveness(info)
    # The server itself becomes the victim, and with it the container.
    with pytest.raises(httpx.TransportError):
        run_command(info, EAT_MEMORY)
    wait_until(lambda: not backend.is_alive(info), what="the OOM kill")
    if liveness is not None:
        assert liveness.probe() is False
        liveness.close()
    evidence = backend.evidence(info)
    assert evidence.oom_killed
    assert evidence.exit_code == 137
    assert evidence.limits.memory_bytes == 64 * 1024**2


def test_s43_a_sandbox_that_never_answers_is_told_with_its_log(open_docker: OpenDocker) -> None:
    backend = open_docker(readiness=ReadinessSettings(path="/nowhere", timeout=1.5))
    info = backend.create(new_spec())
    with pytest.raises(SandboxStartError, match="/nowhere") as caught:
        backend.wait_ready(info)
    assert caught.value.stage == "readiness"
    assert "listening on" in caught.value.log_tail
    assert backend.is_alive(info)


def test_s43_a_sandbox_that_stops_while_starting_is_not_waited_for(
    open_docker: OpenDocker, engine_client: docker.APIClient
) -> None:
    backend = open_docker(readiness=ReadinessSettings(path="/nowhere", timeout=60))
    info = backend.create(new_spec())
    engine_client.kill(info.container_id or "")
    with pytest.raises(SandboxStartError, match="ended before"):
        backend.wait_ready(info)


def test_s44_a_missing_image_says_how_to_get_it(open_docker: OpenDocker, engine_client: docker.APIClient) -> None:
    spec = new_spec()
    with pytest.raises(
        SandboxStartError, match=r"image build --from-host.*docker pull sandbox-ledger/none:1"
    ) as caught:
        open_docker(image="sandbox-ledger/none:1").create(spec)
    assert caught.value.stage == "image"
    assert list_named(engine_client, spec) == []


def test_s44_a_name_taken_by_a_stranger(
    open_docker: OpenDocker, engine_client: docker.APIClient, sandbox_image: str
) -> None:
    spec = new_spec()
    name = f"sandbox-{spec.sandbox_id}-g1"
    stranger = engine_client.create_container(sandbox_image, name=name)["Id"]
    try:
        backend = open_docker()
        with pytest.raises(SandboxStartError, match=f"{name} is taken by a container of something else"):
            backend.create(spec)
        backend.destroy(SandboxInfo(spec.sandbox_id, 1, None, name, "", ""))
        assert engine_client.inspect_container(stranger)["State"]["Status"] == "created"
    finally:
        engine_client.remove_container(stranger, force=True)


def test_s44_ports_count_up_from_the_base_past_those_taken(
    open_docker: OpenDocker, engine_client: docker.APIClient
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base = taken.getsockname()[1]
        backend = open_docker(port=base)
        specs = [new_spec(), new_spec()]
        ports = [int(backend.create(spec).url.rpartition(":")[2]) for spec in specs]
    assert base < ports[0] < ports[1] <= base + 20
    assert [len(list_named(engine_client, spec)) for spec in specs] == [1, 1]


def test_s44_a_refused_start_leaves_nothing(open_docker: OpenDocker, engine_client: docker.APIClient) -> None:
    spec = new_spec()
    with pytest.raises(SandboxStartError, match="no-such-network"):
        open_docker(network="no-such-network").create(spec)
    assert list_named(engine_client, spec) == []


def test_s45_the_port_is_published_on_loopback_only(open_docker: OpenDocker, engine_client: docker.APIClient) -> None:
    info = start(open_docker)
    bindings = engine_client.inspect_container(info.container_id or "")["NetworkSettings"]["Ports"]
    assert [one["HostIp"] for one in bindings["8080/tcp"]] == ["127.0.0.1"]
    assert info.url == f"http://127.0.0.1:{bindings['8080/tcp'][0]['HostPort']}"


def test_s45_in_a_network_no_port_is_published(open_docker: OpenDocker, engine_client: docker.APIClient) -> None:
    network = f"test-{secrets.token_hex(4)}"
    engine_client.create_network(network)
    try:
        backend = open_docker(network=network)
        info = backend.create(new_spec())
        assert info.url == f"http://{info.container_name}:8080"
        found = engine_client.inspect_container(info.container_id or "")
        assert not any(found["NetworkSettings"]["Ports"].values())
        assert [one.info for one in backend.discover()] == [info]
        backend.destroy(info)
    finally:
        engine_client.remove_network(network)


def test_a_container_that_ends_at_once_is_told_with_its_log(
    open_docker: OpenDocker, engine_client: docker.APIClient, sandbox_image: str
) -> None:
    repository, label = "sandbox-ledger/broken", secrets.token_hex(4)
    tag = f"{repository}:{label}"
    made = engine_client.create_container(sandbox_image, ["python3", "-c", "raise SystemExit('no such luck')"])["Id"]
    engine_client.commit(made, repository=repository, tag=label)
    try:
        backend = open_docker(image=tag)
        with pytest.raises(SandboxStartError, match="no such luck") as caught:
            backend.wait_ready(backend.create(new_spec()))
        assert caught.value.stage in {"start", "readiness"}
    finally:
        engine_client.remove_container(made, force=True)
        for found in open_docker().discover():
            open_docker().destroy(found.info)
        engine_client.remove_image(tag, force=True)


def test_the_engine_enforces_what_the_settings_say(open_docker: OpenDocker, engine_client: docker.APIClient) -> None:
    limits = LimitSettings(memory=Bytes(128 * 1024**2), cpus=0.5, pids=64)
    security = SecuritySettings(read_only_root=True, user="sandbox", seccomp="unconfined", capabilities=("KILL",))
    info = start(open_docker, limits=limits, security=security, environment={"GREETING": "hello"})
    host = engine_client.inspect_container(info.container_id or "")["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"]) == (2**27, 2**27, 5 * 10**8, 64)
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] in (["KILL"], ["CAP_KILL"])
    assert host["SecurityOpt"] == ["no-new-privileges", "seccomp=unconfined"]
    assert not host["AutoRemove"]
    output = run_command(
        info, "id -u; echo $GREETING; touch /workspace/a /tmp/b && echo written; touch /etc/c || echo no"
    )
    assert re.sub(r"touch: .*\n", "", output).split() == ["1000", "hello", "written", "no"]


def test_mounts_appear_inside(open_docker: OpenDocker, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)  # commands run as a user of the container: what it writes to has to let it
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note").write_text("from outside")
    mounts = (
        MountSettings(host_path=str(tmp_path / "in"), container_path="/in", read_only=True),
        MountSettings(host_path=str(tmp_path), container_path="/out"),
    )
    info = start(open_docker, mounts=mounts)
    output = run_command(info, "cat /in/note; touch /in/no || echo ' refused'; echo inside > /out/answer")
    assert output.startswith("from outside")
    assert output.endswith("refused\n")
    assert (tmp_path / "answer").read_text() == "inside\n"


def test_secrets_are_masked_in_evidence(open_docker: OpenDocker) -> None:
    settings = {"environment": {"TOKEN": "do-not-show-me"}, "security": AS_ROOT}
    info = start(open_docker, **settings)
    run_command(info, "printf 'key %s\\0 and %020000d\\n' $TOKEN 0 > /proc/1/fd/2; echo last $TOKEN > /proc/1/fd/2")
    evidence = open_docker(**settings).evidence(info)
    assert "do-not-show-me" not in evidence.log_tail
    assert evidence.log_tail.endswith("0\nlast ***\n")
    assert len(evidence.log_tail) <= 8192


def test_a_paused_sandbox_is_alive_and_can_be_destroyed(
    open_docker: OpenDocker, engine_client: docker.APIClient
) -> None:
    backend = open_docker()
    info = start(open_docker)
    liveness = backend.liveness(info)
    engine_client.pause(info.container_id or "")
    assert backend.is_alive(info)
    assert info in backend.list_running()
    assert liveness is not None
    assert liveness.probe() is True
    liveness.close()
    backend.destroy(info)
    assert not backend.is_alive(info)


def test_another_prefix_is_not_listed(open_docker: OpenDocker) -> None:
    info = start(open_docker, container_prefix="dev")
    assert open_docker().discover() == []
    assert [one.info for one in open_docker(container_prefix="dev").discover()] == [info]
    open_docker().destroy(info)


def test_an_id_prefix_of_a_stranger_is_not_touched(
    open_docker: OpenDocker, engine_client: docker.APIClient, sandbox_image: str
) -> None:
    stranger = engine_client.create_container(sandbox_image, labels={LEDGER: "another"})["Id"]
    try:
        open_docker().destroy(SandboxInfo("00112233445566aa", 1, stranger, "sandbox-00112233445566aa-g1", "", ""))
        assert engine_client.inspect_container(stranger)["Id"] == stranger
    finally:
        engine_client.remove_container(stranger, force=True)


def test_doctor_is_told_about_the_engine(open_docker: OpenDocker) -> None:
    found = open_docker().describe()
    assert found.reachable
    assert found.engine_version
    assert found.image_exists
    assert found.errors == {}


def test_what_is_written_to_tmp_is_bounded(open_docker: OpenDocker) -> None:
    info = start(open_docker, limits=LimitSettings(tmp=Bytes(4 * 1024**2)))
    said = run_command(info, "dd if=/dev/zero of=/tmp/big bs=1M count=8 2>&1; df -k /tmp | tail -1")
    assert "No space left on device" in said
    assert "4096" in said


def test_a_limit_of_the_disk_is_kept_or_refused(open_docker: OpenDocker) -> None:
    try:
        info = start(open_docker, limits=LimitSettings(disk=Bytes(64 * 1024**2)))
        said = run_command(info, "dd if=/dev/zero of=/workspace/big bs=1M count=128 2>&1")
    except SandboxStartError as refused:
        said = str(refused)
        assert_nothing_is_left(open_docker)
    assert re.search("No space left on device|sandbox.limits.disk", said)


def assert_nothing_is_left(open_docker: OpenDocker) -> None:
    assert open_docker().discover() == []
