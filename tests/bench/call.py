"""What a call to a sandbox costs with a token, against the same call without one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from provider import Sandbox, open_provider
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median, take_turns


def calls(sandbox: Sandbox) -> Iterator[Work]:
    """Run the shortest command, again and again."""
    for _ in itertools.count():
        yield lambda: sandbox.execute_command("true")


def reads(sandbox: Sandbox) -> Iterator[Work]:
    """Read a small file, again and again."""
    for _ in itertools.count():
        yield lambda: sandbox.read_file("small")


def run(stage: Stage) -> Mapping[str, Reading]:
    """Take turns between a sandbox that asks for a token and one that asks for none, both local processes."""
    with ExitStack() as opened:
        sandboxes = []
        for auth in ("token", "none"):
            raw = {
                "database": {"url": stage.new_store("sqlite").database.url},
                "sandbox": {"backend": "process", "auth": auth},
                "sweeper": {"enabled": False},
            }
            provider = opened.enter_context(open_provider(raw))
            sandbox = provider.ensure("call")
            opened.callback(provider.destroy, sandbox.id)
            sandbox.write_file("small", "text\n")
            sandboxes.append(sandbox)
        turns = 20 if stage.quick else 1000
        return {
            "call_command": _compare(turns, *map(calls, sandboxes)),
            "call_read": _compare(turns, *map(reads, sandboxes)),
        }


def _compare(turns: int, ours: Iterator[Work], theirs: Iterator[Work]) -> Reading:
    mine, bare = (median(samples) for samples in take_turns(turns, ours, theirs, warm_up=5))
    return Reading(mine / bare, f"without a token: {in_words(bare)}, with one {in_words(mine)}, {turns} pairs")


CALL = Benchmark(
    "call",
    (Claim("call_command", "x the time", Goal("<=", 1.05)), Claim("call_read", "x the time", Goal("<=", 1.05))),
    run,
)
