"""Run the server; the directory (or zip) that holds this file need not be on the path."""

import sys
from importlib import import_module

if __package__:
    from .server import main
else:
    directory, _, name = __file__.rpartition("/")[0].rpartition("/")
    sys.path[0] = directory or "."
    main = import_module(f"{name}.server").main

main(sys.argv[1:])
