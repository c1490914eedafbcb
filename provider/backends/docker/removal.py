"""Stop and remove containers; one that is already gone is success."""

from __future__ import annotations

import math
import time

from docker.errors import APIError, NotFound

from provider.backends.docker.engine import Engine
from provider.domain.errors import BackendUnavailable

POLL_SECONDS = 0.05
_IN_PROGRESS_OR_GONE = {404, 409}


def stop_container(engine: Engine, container_id: str, stop_timeout: float) -> None:
    """Send SIGTERM, and SIGKILL after `stop_timeout` seconds; return when the container has ended."""
    with engine.asking(f"stop container {container_id[:12]}") as client:
        try:
            client.stop(container_id, timeout=math.ceil(stop_timeout))
        except NotFound:
            return  # the removal that follows finds out whether that is true


def remove_container(engine: Engine, container_id: str, timeout: float) -> None:
    """Remove the container and its anonymous volumes, by force, and return when the engine knows it no more."""
    doing = f"remove container {container_id[:12]}"
    with engine.asking(doing) as client:
        try:
            client.remove_container(container_id, v=True, force=True)
        except APIError as error:
            # 409: somebody else is removing it at this moment. 404: somebody else has.
            if error.status_code not in _IN_PROGRESS_OR_GONE:
                raise
        else:
            return
    deadline = time.monotonic() + timeout
    while engine.find_container(container_id) is not None:
        if time.monotonic() > deadline:
            raise BackendUnavailable(f"Docker engine {engine.address}: {doing}: still in progress after {timeout:g} s")
        time.sleep(POLL_SECONDS)
