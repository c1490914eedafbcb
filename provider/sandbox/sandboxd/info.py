"""Say what this sandbox is: `/v1/sandbox`, also the readiness check, so it is cheap."""

from __future__ import annotations

import os
import sys
import time

from . import VERSION
from .wire import success

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .place import Place
    from .wire import Answer, Request


def sandbox(_request: Request, place: Place) -> Answer:
    """Describe the system."""
    system = os.uname()
    home = os.path.expanduser("~")
    python = {"ver": sys.version.split()[0], "bin": sys.executable, "alias": ["python3"]}
    return success(
        None,
        home_dir=home,
        workspace=place.workdir,
        version=VERSION,
        **place.guard.identity,
        detail={
            "system": {
                "os": system.sysname,
                "os_version": system.release,
                "arch": system.machine,
                "user": place.account.name if place.account else os.environ.get("USER") or str(os.getuid()),
                "home_dir": home,
                "workspace": place.workdir,
                "timezone": time.tzname[0],
                "occupied_ports": [],
            },
            "runtime": {"python": [python], "nodejs": []},
            "utils": [],
        },
    )
