"""Eight processes acquire and release the same 200 warm sandboxes as fast as they can; one alone for comparison.

The containers are files that all processes share, so no engine is measured. After the measured rounds comes one in
which containers are killed all the time, so that the processes race to replace them; then the whole log is searched
for double assignments: two live containers of one sandbox, one container of two sandboxes, a wrong id.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.assignments import Assignments, read_assignments
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.hammer import SANDBOXES, Round, hammering, open_on_files
from tests.bench.hands import hands, percentile, together
from tests.bench.raw import durability
from tests.bench.stage import Stage
from tests.bench.timing import in_words
from tests.support.file_engine import FileBackend

PROCESSES = 8


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Play alone, all together, all together with kills; then search the log."""
    seconds = 0.3 if stage.quick else 5.0
    store = stage.new_store(dialect)
    directory = stage.directory / f"containers-{dialect}"
    directory.mkdir(exist_ok=True)
    with open_on_files(store.database.url, str(directory)) as provider:
        for number in range(SANDBOXES):
            provider.release(provider.acquire(f"warm-{number}"))
    jobs = [(store.database.url, str(directory), seed) for seed in range(PROCESSES)]
    with hands(hammering, jobs[:1]) as crew:
        together(crew, seconds / 5, False)
        alone = together(crew, seconds, False)
    with hands(hammering, jobs) as crew:
        together(crew, seconds / 5, False)
        all_ = together(crew, seconds, False)
        racing = together(crew, seconds / 2, True)
    assigned = read_assignments(store)
    assigned.check_engine(FileBackend(directory))
    return _read(dialect, alone, all_, racing, assigned, durability(stage, store))


def _read(
    dialect: str, alone: list[Round], all_: list[Round], racing: list[Round], assigned: Assignments, how: str
) -> Mapping[str, Reading]:
    one, many = (sum(len(r.releases) / r.seconds for r in rounds) for rounds in (alone, all_))
    rounds = [*alone, *all_, *racing]
    wrong, errors = sum(r.wrong for r in rounds), [text for r in rounds for text in r.errors]
    replaced = len(assigned.owners) - len(assigned.threads)
    checked = (
        f"{len(rounds)} rounds, {sum(len(r.releases) for r in rounds)} acquires checked against their threads, "
        f"{assigned.acquired} events, {replaced} containers replaced in a race"
    )
    contradictions = [*assigned.double, *errors]
    return {
        f"contention_{dialect}": Reading(many, f"one process alone: {one:.0f}/s; {how}"),
        f"contention_p50_{dialect}": _waits(alone, all_, 50),
        f"contention_p99_{dialect}": _waits(alone, all_, 99),
        f"contention_double_{dialect}": Reading(
            wrong + len(contradictions), f"{checked}{'; ' if contradictions else ''}{'; '.join(contradictions[:3])}"
        ),
    }


def _waits(alone: list[Round], all_: list[Round], percent: float) -> Reading:
    def of(rounds: list[Round], what: str) -> float:
        return percentile([taken for r in rounds for taken in getattr(r, what)], percent)

    told = (
        f"acquire() of one process alone: {in_words(of(alone, 'acquires'))}; release() {in_words(of(all_, 'releases'))}"
    )
    return Reading(of(all_, "acquires") * 1000, told)


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claims = (
        Claim(f"contention_{dialect}", "pairs/s"),
        Claim(f"contention_p50_{dialect}", "ms acquire"),
        Claim(f"contention_p99_{dialect}", "ms acquire"),
        Claim(f"contention_double_{dialect}", "double", Goal("<=", 0)),
    )
    return Benchmark(f"contention_{dialect}", claims, lambda stage: run(stage, dialect))
