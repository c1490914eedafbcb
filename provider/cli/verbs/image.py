"""`sandbox-ledger image build`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress


@click.group("image", no_args_is_help=False)
def command() -> None:
    """Make the image that sandboxes run."""


@verb("build")
@click.option(
    "--from-host/--dockerfile", "from_host", default=False,
    help="From this machine's Python and busybox, without a registry; or from the Dockerfile (default).",
)  # fmt: skip
def build(invocation: Invocation, from_host: bool) -> None:
    """Build sandbox.image on the Docker engine."""
    from provider.bootstrap.engines import build_image

    settings = invocation.settings()
    tag = settings.sandbox.image
    with progress(f"building {tag}") as step:
        image_id = build_image(settings, from_host=from_host, progress=step)
    if invocation.is_json:
        write_json({"id": image_id, "image": tag})
    else:
        write_line(f"image {tag}: {image_id}")


command.add_command(build)
