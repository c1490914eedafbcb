"""What the import contracts cannot say: no file imports itself by way of others."""

from __future__ import annotations

import graphlib

import grimp

ROOTS = ("provider", "web")


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph(*ROOTS, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 200, "the files were not found"
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        raise AssertionError("a circle of imports: " + " -> ".join(error.args[1])) from None
