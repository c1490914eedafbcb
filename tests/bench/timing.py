"""Taking turns: the sides of a comparison run one after the other, so that a noisy machine disturbs them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

Work = Callable[[], object]
Samples = list[float]


def take_turns(turns: int, *sides: Iterator[Work], warm_up: int = 0) -> list[Samples]:
    """Run each side once per turn, in an order that changes each turn; return the seconds of each.

    A side makes its next piece of work outside the timing. The first `warm_up` turns are not counted.
    """
    samples: list[Samples] = [[] for _ in sides]
    order = list(enumerate(sides))
    gc.collect()
    for turn in range(warm_up + turns):
        for number, side in order if turn % 2 else reversed(order):
            work = next(side)
            began = time.perf_counter()
            work()
            taken = time.perf_counter() - began
            if turn >= warm_up:
                samples[number].append(taken)
    return samples


def median(samples: Sequence[float]) -> float:
    """Return the middle of the samples."""
    return statistics.median(samples)


def median_of_groups(samples: Sequence[float], size: int) -> float:
    """Return the median of the sums over groups: for work whose pieces differ but come round in the same order."""
    sums = [sum(samples[start : start + size]) for start in range(0, len(samples) - size + 1, size)]
    return statistics.median(sums)


def in_words(seconds: float) -> str:
    """Write a time with a unit that fits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
