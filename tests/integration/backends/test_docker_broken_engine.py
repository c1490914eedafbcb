"""S11 and S12: an engine that cannot tell never makes a sandbox dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.backends.docker.backend import DockerBackend
from provider.config.settings import SandboxSettings
from provider.domain.containers import SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxStartError
from tests.integration.backends.scripted_engine import Answer, Script, ScriptedEngine

CONTAINER = "c" * 64
INFO = SandboxInfo("00112233445566aa", 1, CONTAINER, "sandbox-00112233445566aa-g1", "engine-host", "http://127.0.0.1:9")
SPEC = SandboxSpec("00112233445566aa", 1)
ENGINE_TIMEOUT = 0.3


def open_backend(base_url: str) -> DockerBackend:
    """Open a backend with a short deadline."""
    return DockerBackend(SandboxSettings(engine=base_url, engine_timeout=ENGINE_TIMEOUT, stop_timeout=0), "ledger")


def require_unknown(backend: DockerBackend) -> None:
    """Check that no call concludes anything."""
    for ask in (
        lambda: backend.is_alive(INFO),
        lambda: backend.evidence(INFO),
        lambda: backend.destroy(INFO),
        lambda: backend.liveness(INFO),
        lambda: backend.create(SPEC),
        backend.discover,
        backend.list_running,
    ):
        with pytest.raises(BackendUnavailable, match=r"unix://.*docker info"):
            ask()


def test_s11_an_engine_that_is_gone(tmp_path: Path) -> None:
    backend = open_backend(f"unix://{tmp_path}/missing.sock")
    require_unknown(backend)
    backend.close()


def test_s11_an_engine_that_hangs(tmp_path: Path) -> None:
    with ScriptedEngine(tmp_path, lambda *_: None) as engine:
        backend = open_backend(engine.base_url)
        with pytest.raises(BackendUnavailable, match=r"timed out|Timeout"):  # without one the engine hangs for ever
            backend.is_alive(INFO)
        backend.close()


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"message": "context not found"}),
        (500, {"message": f"No such container: {CONTAINER}"}),
        (500, "command not found"),
        (502, "<html>Bad Gateway</html>"),
        (404, "404 page not found"),
        (404, {"message": "page not found"}),
        (404, {"error": "no such container"}),
        (404, []),
        (403, {"message": "forbidden: not found"}),
        (200, "<html>Welcome</html>"),
        (200, {"status": "not found"}),
        (200, []),
    ],
)
def test_s12_what_only_sounds_like_not_found(tmp_path: Path, answer: Answer) -> None:
    with ScriptedEngine(tmp_path, lambda *_: answer) as engine:
        backend = open_backend(engine.base_url)
        for ask in (backend.is_alive, backend.evidence, backend.destroy):
            with pytest.raises(BackendUnavailable):
                ask(INFO)
        backend.close()


def answer_missing(host_name: str) -> Script:
    """Answer as an engine that is sure to have no container."""

    def script(method: str, path: str) -> Answer:
        if path == "/containers/json":
            return 200, []
        if path == "/info":
            return 200, {"Name": host_name}
        return 404, {"message": f"No such container: {CONTAINER}"}

    return script


def test_a_container_that_the_engine_is_sure_about_is_gone(tmp_path: Path) -> None:
    with ScriptedEngine(tmp_path, answer_missing("engine-host")) as engine:
        backend = open_backend(engine.base_url)
        assert backend.is_alive(INFO) is False
        assert not backend.evidence(INFO).found
        assert backend.liveness(INFO) is None
        backend.destroy(INFO)
        backend.close()


def test_another_machines_engine_cannot_tell(tmp_path: Path) -> None:
    with ScriptedEngine(tmp_path, answer_missing("another-host")) as engine:
        backend = open_backend(engine.base_url)
        for ask in (backend.is_alive, backend.evidence, backend.destroy):
            with pytest.raises(BackendUnavailable, match="created on engine-host"):
                ask(INFO)
        backend.close()


def test_an_engine_that_contradicts_itself_cannot_tell(tmp_path: Path) -> None:
    def script(method: str, path: str) -> Answer:
        return (200, [{"Id": CONTAINER}]) if path == "/containers/json" else (404, {"message": "No such container"})

    with ScriptedEngine(tmp_path, script) as engine:
        backend = open_backend(engine.base_url)
        with pytest.raises(BackendUnavailable):
            backend.is_alive(INFO)
        backend.close()


def inspection() -> dict[str, object]:
    """Answer an inspection of the container, stopped."""
    labels = {"ledger": "ledger", "sandbox": INFO.sandbox_id, "generation": "1"}
    own = {f"sandbox-ledger.{key}": value for key, value in labels.items()}
    return {"Id": CONTAINER, "State": {"Running": False, "Status": "exited"}, "Config": {"Labels": own}}


def test_a_removal_in_progress_is_waited_for(tmp_path: Path) -> None:
    looks = iter([inspection(), inspection(), inspection()])

    def script(method: str, path: str) -> Answer:
        if method == "DELETE":
            return 409, {"message": "removal is already in progress"}
        if path == "/containers/json":
            return 200, []
        found = next(looks, None)
        return (200, found) if found else (404, {"message": "No such container"})

    with ScriptedEngine(tmp_path, script) as engine:
        backend = open_backend(engine.base_url)
        backend.destroy(INFO)
        assert next(looks, None) is None
        backend.close()


def test_a_removal_that_never_ends_is_told(tmp_path: Path) -> None:
    def script(method: str, path: str) -> Answer:
        return (409, {"message": "in progress"}) if method == "DELETE" else (200, inspection())

    with ScriptedEngine(tmp_path, script) as engine:
        backend = open_backend(engine.base_url)
        with pytest.raises(BackendUnavailable, match="still in progress"):
            backend.destroy(INFO)
        backend.close()


def test_a_creation_without_an_answer_is_cleaned_up(tmp_path: Path) -> None:
    removed: list[str] = []

    def script(method: str, path: str) -> Answer:
        if path == "/info":
            return 200, {"Name": "engine-host"}
        if path == "/containers/create":
            return 500, {"message": "the disk is full"}
        if method == "DELETE":
            removed.append(path)
            return 204, ""
        return 200, inspection()

    with ScriptedEngine(tmp_path, script) as engine:
        backend = open_backend(engine.base_url)
        with pytest.raises(BackendUnavailable, match="the disk is full"):
            backend.create(SPEC)
        assert removed == [f"/containers/{CONTAINER}"]
        backend.close()


def test_a_refusal_is_told_in_the_engines_words(tmp_path: Path) -> None:
    def script(method: str, path: str) -> Answer:
        if path == "/info":
            return 200, {"Name": "engine-host"}
        return 400, {"message": "NanoCPUs can not be set"}

    with ScriptedEngine(tmp_path, script) as engine:
        backend = open_backend(engine.base_url)
        with pytest.raises(SandboxStartError, match="NanoCPUs can not be set") as caught:
            backend.create(SPEC)
        assert caught.value.stage == "create"
        backend.close()


def test_doctor_is_told_what_is_wrong(tmp_path: Path) -> None:
    found = open_backend(f"unix://{tmp_path}/missing.sock").describe()
    assert not found.reachable
    assert found.image_exists is None
    assert set(found.errors) == {"version", "info", "image", "kernel"}
