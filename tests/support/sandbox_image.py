"""The image that sandboxes of the tests run, built from this machine because nothing can be pulled."""

from __future__ import annotations

TAG = "sandbox-ledger/sandbox:test"


def build_sandbox_image(base_url: str, tag: str = TAG) -> str:
    """Build the image on an engine and return its tag."""
    # Imported here: the tests of other parts do not need the Docker backend.
    from provider.backends.docker.image import build_from_host

    build_from_host(base_url=base_url, tag=tag)
    return tag
