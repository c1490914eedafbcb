"""Build the sandbox image: from this machine alone, or from the Dockerfile beside this module."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from provider.backends.docker.engine import Engine
from provider.backends.docker.host_image import CONFIGURATION, SANDBOXD, fill
from provider.backends.docker.root_filesystem import RootFilesystem
from provider.domain.errors import SandboxError

BUILD_SECONDS = 600.0
LOOK_SECONDS = 10.0
DOCKERFILE = Path(__file__).with_name("Dockerfile")

Progress = Callable[[str], None]


def build_from_host(*, base_url: str | None, tag: str, progress: Progress | None = None) -> str:
    """Build the image from this machine's Python and busybox and return its id; no registry is needed.

    The image is for machines like this one (architecture and C library come along). Raise `SandboxError` when
    something is missing here, `BackendUnavailable` when the engine does not answer.
    """
    tell = progress or _ignore
    with tempfile.TemporaryFile() as archive:
        tell("collecting Python, busybox and sandboxd from this machine")
        image = RootFilesystem(archive)
        fill(image)
        image.close()
        tell(f"importing {archive.tell() / 1e6:.0f} MB into the engine as {tag}")
        archive.seek(0)
        repository, label = split_tag(tag)
        with _asking(base_url, BUILD_SECONDS, f"import image {tag}") as client:
            before = _find_id(client, tag)
            client.import_image(archive, repository=repository, tag=label, changes=CONFIGURATION)
            _remove_untagged(client, before)
            return _id_of(client, tag)


def build_from_dockerfile(*, base_url: str | None, tag: str, progress: Progress | None = None) -> str:
    """Build the image from the Dockerfile and return its id; its base image is fetched from a registry."""
    tell = progress or _ignore
    with tempfile.TemporaryFile() as archive:
        context = RootFilesystem(archive)
        context.add_file("/Dockerfile", DOCKERFILE)
        for source in sorted(SANDBOXD.glob("*.py")):
            context.add_file(f"/sandboxd/{source.name}", source)
        context.close()
        archive.seek(0)
        with _asking(base_url, BUILD_SECONDS, f"build image {tag}") as client:
            for line in client.build(fileobj=archive, custom_context=True, tag=tag, rm=True, decode=True):
                _follow(line, tag, tell)
            return _id_of(client, tag)


def image_exists(*, base_url: str | None, tag: str) -> bool:
    """Tell whether the engine has the image."""
    engine = Engine(base_url, LOOK_SECONDS)
    try:
        return engine.has_image(tag)
    finally:
        engine.close()


def split_tag(tag: str) -> tuple[str, str]:
    """Split `registry:5000/name:label` into repository and label; the label is `latest` where none is given."""
    path, colon, label = tag.rpartition(":")
    return (path, label) if colon and "/" not in label else (tag, "latest")


@contextmanager
def _asking(base_url: str | None, timeout: float, doing: str) -> Iterator[docker.APIClient]:
    engine = Engine(base_url, timeout)
    try:
        with engine.asking(doing) as client:
            yield client
    finally:
        engine.close()


def _find_id(client: docker.APIClient, tag: str) -> str | None:
    try:
        return _id_of(client, tag)
    except NotFound:
        return None


def _remove_untagged(client: docker.APIClient, image_id: str | None) -> None:
    """Remove the image that had the tag before: repeated builds would fill the disk."""
    # 409: containers still use it, and it goes with `docker image prune`. 404: somebody else has removed it.
    with suppress(APIError):
        if image_id is not None and not client.inspect_image(image_id)["RepoTags"]:  # type: ignore[no-untyped-call]
            client.remove_image(image_id)


def _id_of(client: docker.APIClient, tag: str) -> str:
    return str(client.inspect_image(tag)["Id"])  # type: ignore[no-untyped-call]


def _follow(line: Mapping[str, Any], tag: str, tell: Progress) -> None:
    """Pass on a line of the engine's build output; the engine tells failures there, with status 200."""
    if "error" in line:
        raise SandboxError(f"image build: {tag}: {str(line['error']).strip()}; without a registry use --from-host")
    text = str(line.get("stream") or line.get("status") or "").strip()
    if text:
        tell(text)


def _ignore(_: str) -> None:
    """Tell nobody."""
