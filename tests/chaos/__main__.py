"""Run chaos from the command line: `python -m tests.chaos --seed 1 --seconds 60 --backend process --database sqlite`.

It prints operations, faults and violations, and exits with 1 when there is a violation.
"""

from __future__ import annotations

import argparse
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.director import Director, Result
from tests.chaos.rigs import Rig
from tests.support.docker_engine import PrivateDockerEngine
from tests.support.postgres import PostgresServer
from tests.support.sandbox_image import TAG, build_sandbox_image


def main() -> int:
    """Run once."""
    options = _parse()
    replay = (
        f"python -m tests.chaos --seed {options.seed} --seconds {options.seconds:g} --workers {options.workers} "
        f"--backend {options.backend} --database {options.database}"
    )
    print(f"chaos: {replay}", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="sl-chaos-", dir="/tmp"))
    servers: dict[str, Callable[[], None]] = {}
    with ExitStack() as stack:
        url = f"sqlite:///{directory / 'ledger.db'}"
        if options.database == "postgres":
            postgres = stack.enter_context(PostgresServer(durable=False))
            url, servers["restart_database"] = postgres.create_database(), postgres.restart
        engine = options.engine
        if options.backend == "docker" and engine is None:
            docker = stack.enter_context(PrivateDockerEngine(live_restore=True))
            engine, servers["restart_engine"] = docker.base_url, docker.restart
        image = build_sandbox_image(engine, TAG) if options.backend == "docker" else None
        rig = Rig(directory, url, f"hush-{secrets.token_hex(8)}", engine if image else None, image)
        result = Director(rig, options.seed, options.seconds, options.workers, servers=servers).run()
    _report(result, replay, directory)
    return 1 if result.violations else 0


def _report(result: Result, replay: str, directory: Path) -> None:
    print(f"operations: {result.operations.total()}, {result.events} events")
    for name, count in sorted(result.operations.items()):
        print(f"  {count:6}  {name}")
    print(f"faults: {result.faults.total()} {dict(sorted(result.faults.items()))}")
    print(f"violations: {len(result.violations)}")
    for violation in result.violations:
        print(f"  {violation}")
    if result.violations:
        print(f"traces, logs and ledger are kept in {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"replay (the same decisions; their timing is the machine's): {replay}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--backend", choices=["process", "docker"], default="process")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--engine", help="use this Docker engine, without restarts, instead of a private one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
