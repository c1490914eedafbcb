"""Benchmarks: `make bench`. Every number stands beside another one that was measured in the same run, turn by turn.

One benchmark is one module here and one line in `catalogue`. A goal is a ratio to something that a reader knows (the
raw driver, another library, the engine itself), because absolute times say more about the machine than about the code.
"""
