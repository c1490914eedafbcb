"""One-line mutants over all layers: each is a mistake that somebody could make, and that the tests must see.

They are data, in the TOML files of this folder, one file for each layer. `python -m tests.mutants` applies each one to
a copy of the tree and runs the tests that should see it; a mutant that survives, or no longer fits, is a failure.
"""
