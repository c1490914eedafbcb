"""What the import contracts cannot say: no circle of imports, and no two classes of one name."""

from __future__ import annotations

import ast
import graphlib
from collections import defaultdict
from pathlib import Path

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


def test_no_class_has_the_name_of_another() -> None:
    root, found = Path(__file__).parents[2], defaultdict[str, list[str]](list)
    for path in (*root.glob("provider/**/*.py"), *root.glob("web/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(root)))
    assert len(found) > 300, "the files were not found"
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
