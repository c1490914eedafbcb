"""The token of a generation: the same for every worker, another one for every container and ledger."""

from __future__ import annotations

import json

from provider.domain.containers import SandboxInfo, SandboxSpec
from provider.sandbox.access_token import identity_environment, sandbox_token


def test_it_depends_on_key_and_name() -> None:
    token = sandbox_token(b"key", "sandbox-5a4d-g1")
    assert token == "d983492a5e44ee3d1812b2d75ca125b3ee960160b223836996a40483bbbff16a"
    assert len(token) == 64
    others = {sandbox_token(b"yek", "sandbox-5a4d-g1"), sandbox_token(b"key", "sandbox-5a4d-g2")}
    assert len({token} | others) == 3


def test_the_environment_names_the_sandbox_and_not_the_token() -> None:
    token = sandbox_token(b"key", "sandbox-5a4d-g1")
    variables = identity_environment(SandboxSpec("5a4d", 1, "alice", "thread", token), "sandbox-5a4d-g1")
    identity = json.loads(variables["SANDBOXD_IDENTITY"])
    assert (identity["sandbox"], identity["generation"], identity["name"]) == ("5a4d", 1, "sandbox-5a4d-g1")
    assert token not in str(variables)
    assert "alice" not in str(variables)


def test_without_a_token_there_is_none() -> None:
    assert identity_environment(SandboxSpec("5a4d", 1), "sandbox-5a4d-g1") == {}


def test_no_repr_shows_it() -> None:
    assert "secret" not in repr(SandboxSpec("5a4d", 1, token="secret"))
    assert "secret" not in repr(SandboxInfo("5a4d", 1, None, "name", "host", "url", token="secret"))
