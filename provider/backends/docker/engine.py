"""The engine: one client per process, every failure told as `BackendUnavailable`, and "gone" only when it is sure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound

from provider.backends.docker.connection import connect, find_address
from provider.domain.errors import BackendUnavailable

Inspection = dict[str, Any]

# KeyError and TypeError: the SDK reads `message` out of an error's body, which only the engine is sure to send.
_CANNOT_TELL = (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)
_CANNOT_TELL_EITHER = (KeyError, TypeError)


class Engine:
    """One Docker engine. Thread-safe; a forked child makes its own connections."""

    def __init__(self, configured: str | None, timeout: float) -> None:
        self._configured = configured
        self._timeout = timeout
        self._clients: dict[int, docker.APIClient] = {}
        self._host_name: str | None = None

    @property
    def address(self) -> str:
        """Where the engine listens."""
        return find_address(self._configured)

    @contextmanager
    def asking(self, doing: str) -> Iterator[docker.APIClient]:
        """Give the client; whatever goes wrong with it is told as `BackendUnavailable`.

        A refusal that means something is caught inside the block, by its status code.
        """
        try:
            yield self.client()
        except (*_CANNOT_TELL, *_CANNOT_TELL_EITHER) as error:
            raise self.unavailable(doing, error) from error

    def client(self) -> docker.APIClient:
        """Return this process's client, made and connected on first use; raises what the SDK raises."""
        # Keyed by pid and without a lock: a lock or a socket must not be shared across a fork.
        client = self._clients.get(os.getpid())
        if client is not None:
            return client
        made = connect(self.address, self._timeout)
        client = self._clients.setdefault(os.getpid(), made)
        if client is not made:
            made.close()
        return client

    def host_name(self) -> str:
        """Return the name of the machine the engine runs on; asked once."""
        if self._host_name is None:
            with self.asking("tell its host's name") as client:
                self._host_name = str(client.info()["Name"])
        return self._host_name

    def find_container(self, reference: str) -> Inspection | None:
        """Inspect a container by id or name; None only when the engine is sure that it has none such.

        A 404 alone is no proof: a proxy in between, or another server, answers that to everything. So the engine's
        listing has to agree.
        """
        with self.asking(f"inspect container {reference}") as client:
            try:
                return _checked(client.inspect_container(reference))
            except NotFound:
                listed = client.containers(all=True, filters=_filter_for(reference))
            if not isinstance(listed, list) or listed:
                raise ValueError("it says there is no such container, but does not list it as missing")
            return None

    def list_containers(self, *labels: str) -> list[dict[str, Any]]:
        """List the containers that carry all these labels, running or not, in one call."""
        with self.asking("list containers") as client:
            listed = client.containers(all=True, filters={"label": list(labels)} if labels else None)
            if not isinstance(listed, list):
                raise ValueError("the answer is not a list")
            return listed

    def has_image(self, image: str) -> bool:
        """Tell whether the engine has the image; sure only by its listing, as with containers."""
        with self.asking(f"look for image {image}") as client:
            try:
                client.inspect_image(image)  # type: ignore[no-untyped-call]
            except NotFound:
                known = {tag for entry in client.images(all=True) for tag in entry.get("RepoTags") or ()}
                return image in known or f"{image}:latest" in known
            return True

    def unavailable(self, doing: str, error: BaseException) -> BackendUnavailable:
        """Word an error that leaves the truth open."""
        return BackendUnavailable(
            f"Docker engine {self.address}: could not {doing}: {explain(error)}; check `docker info` and sandbox.engine"
        )

    def close(self) -> None:
        """Close this process's connections; the next call opens new ones."""
        client = self._clients.pop(os.getpid(), None)
        if client is not None:
            client.close()


def explain(error: BaseException) -> str:
    """Return in one line what the engine answered, or why it did not."""
    if isinstance(error, APIError) and error.response is not None:
        text = f"HTTP {error.response.status_code}: {error.explanation or error.response.reason}"
    else:
        text = _find_reason(error) or f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:500]


def _find_reason(error: BaseException) -> str | None:
    """Find what the system said, in an exception that libraries have wrapped into others."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    wrapped = (*error.args, getattr(error, "reason", None), error.__cause__)
    found = (_find_reason(one) for one in wrapped if isinstance(one, BaseException))
    return next((reason for reason in found if reason), None)


def _filter_for(reference: str) -> dict[str, str]:
    # Both filters are used up by the engine; the one that does not fit finds nothing.
    is_id = re.fullmatch(r"[0-9a-f]{12,64}", reference)
    return {"id": reference} if is_id else {"name": f"^/?{re.escape(reference)}$"}


def _checked(answer: object) -> Inspection:
    """Refuse what is not an engine's answer, whatever its status says."""
    state = answer.get("State") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(state, dict) or not isinstance(state.get("Running"), bool):
        raise ValueError("the answer is not an engine's")
    return answer
