"""The server inside a sandbox: a subset of the AIO "all-in-one sandbox" HTTP protocol on the standard library alone.

    python3 sandboxd/ [--host 127.0.0.1] [--port 0] [--port-file FILE] [--root DIR]... [--workdir DIR]
                      [--max-output BYTES] [--max-body BYTES]

This directory is copied alone into images, as it is or zipped. So it imports nothing of the project around it, uses
relative imports, and runs on Python >= 3.9. It loads what commands, files and searches need with their first request:
the first answer comes sooner. Field names are those of the official SDK (`agent-sandbox`); shell sessions are not kept
between calls. The roots keep file operations from straying; they are no wall against commands, which run as the same
user. SANDBOXD_IDENTITY in the environment says who this is and what token to ask for (guard.py), SANDBOXD_USER as whom
commands and file operations run where the server is root (account.py).
"""

VERSION = "1.0"
