"""A server as code in a sandbox might run it in place of the real one: each of its modes harms a careless client.

python -m tests.integration.sandbox.hostile     prints its port; the first part of a request's path names the mode
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterable
from itertools import chain, repeat

MIB = 1024 * 1024
DRIP_SECONDS = 0.05
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = OK + b"Connection: close\r\n\r\n"

Mode = Callable[[socket.socket], None]
MODES: dict[str, Mode] = {}


def with_length(body: bytes, length: int | None = None) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def answer(**data: object) -> bytes:
    return json.dumps({"success": True, "data": {"status": "completed", "output": "", **data}}).encode()


def until_client_leaves(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def drip(connection: socket.socket, content: Iterable[int]) -> None:
    """Send a byte at a time, for as long as the client stays."""
    connection.settimeout(DRIP_SECONDS)
    for byte in content:
        connection.sendall(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            if not connection.recv(65536):
                return


def flood(connection: socket.socket, start: bytes, block: bytes) -> None:
    """Send for as long as the client reads."""
    connection.sendall(start)
    while True:
        connection.sendall(block)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def fixed(name: str, *parts: bytes, close: bool = False) -> None:
    def mode(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        if not close:
            until_client_leaves(connection)

    MODES[name] = mode


def dripping(name: str, start: bytes, content: Callable[[], Iterable[int]]) -> None:
    def mode(connection: socket.socket) -> None:
        connection.sendall(start)
        drip(connection, content())

    MODES[name] = mode


def flooding(name: str, start: bytes, block: bytes) -> None:
    MODES[name] = lambda connection: flood(connection, start, block)


def gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b"0" * MIB) for _ in range(512)) + packer.flush()


# Time: what never ends, and what comes too slowly to be told from it.
fixed("silence")
flooding("continues", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
dripping("dripping continues", b"", lambda: chain.from_iterable(repeat(b"HTTP/1.1 100 Continue\r\n\r\n")))
dripping("dripping status", b"", lambda: chain(b"HTTP/1.1 200 ", repeat(ord("x"))))
dripping("dripping header", OK, lambda: chain(b"X: ", repeat(ord("x"))))
dripping("dripping headers", OK, lambda: chain.from_iterable(repeat(b"X: x\r\n")))
dripping("dripping body", with_length(b"", 10**6), lambda: repeat(ord(" ")))
dripping("dripping chunks", CHUNKED, lambda: chain.from_iterable(repeat(b"1\r\n \r\n")))
dripping("dripping until close", UNTIL_CLOSE, lambda: repeat(ord(" ")))
dripping("dripping trailers", CHUNKED + b"0\r\n", lambda: chain.from_iterable(repeat(b"X: x\r\n")))
fixed("head only", with_length(b"", 100))
fixed("body shorter than said", with_length(b"{}", 100))
# Size.
flooding("headers", OK, b"X: " + b"x" * 60 + b"\r\n")
flooding("one header", OK + b"X: ", b"x" * 65536)
flooding("status line", b"HTTP/1.1 200 ", b"x" * 65536)
flooding("body", UNTIL_CLOSE, b" " * MIB)
flooding("chunks", CHUNKED, b"100000\r\n" + b" " * MIB + b"\r\n")
flooding("tiny chunks", CHUNKED, b"1\r\n \r\n" * 10_000)
flooding("chunk extension", CHUNKED + b"1;", b"x" * 65536)
flooding("trailers", CHUNKED + b"0\r\n", b"X: " + b"x" * 60 + b"\r\n")
flooding("10 GiB", with_length(b"", 10 * 1024 * MIB), b" " * MIB)
flooding("length beyond any", OK + b"Content-Length: " + b"9" * 4000 + b"\r\n\r\n", b" " * MIB)
fixed("gzip bomb", OK + b"Content-Encoding: gzip\r\n", with_length(gzip_bomb())[len(OK) :])
# Framing.
fixed("body longer than said", with_length(answer(exit_code=0), 10))
fixed("body cut off", with_length(b"{}", 100), close=True)
fixed("chunk cut off", CHUNKED + b"100\r\n{", close=True)
fixed("negative length", with_length(b"{}", -1))
fixed("two lengths", OK + b"Content-Length: 2\r\n" + with_length(b"{}", 20)[len(OK) :])
fixed("chunk size that is none", CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n")
fixed("chunk size beyond any", CHUNKED + b"f" * 19 + b"\r\n{}\r\n0\r\n\r\n")
fixed("closed at once", close=True)
MODES["reset"] = reset
fixed("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n" * 10)
fixed("HTTP/0.9", b"<html>hello</html>", close=True)
fixed("TLS alert", b"\x15\x03\x01\x00\x02\x02\x46")
fixed("protocol switched", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
fixed("status 999", b"HTTP/1.1 999 No\r\nContent-Length: 2\r\n\r\n{}")
fixed("no content", b"HTTP/1.1 204 No Content\r\n\r\n")
fixed("partial content", b"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\n{}")
fixed("redirect", b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n")
fixed("redirect to itself", b"HTTP/1.1 302 Go\r\nLocation: ?\r\nContent-Length: 0\r\n\r\n")
fixed("empty body", with_length(b""))
# Meaning.
fixed("deep arrays", with_length(b'{"data":' + b"[" * MIB))
fixed("deep objects", with_length(b'{"data":' + b'{"a":' * MIB))
fixed("depth behind strings", with_length(b'{"s":"' + b"]" * 1000 + b'","data":' + b"[" * 900 + b"]" * 900 + b"}"))
fixed("empty objects", with_length(b'{"data":{"files":[' + b"{}," * (2 * MIB) + b"{}]}}"))
fixed("empty strings", with_length(b'{"data":{"files":[' + b'"",' * (2 * MIB) + b'""]}}'))
fixed("many keys", with_length(b"{" + b",".join(b'"%d":0' % n for n in range(600_000)) + b"}"))
fixed("wide text", with_length(b'{"data":{"output":"' + b"a" * (7 * MIB) + "\N{GRINNING FACE}".encode() + b'"}}'))
fixed("wide escapes", with_length(b'{"data":{"output":"' + b"a" * (7 * MIB) + b'\\ud83d\\ude00"}}'))
fixed("string without an end", with_length(b'{"data":"' + b'\\"' * (3 * MIB)))
fixed("commas in a string without an end", with_length(b'{"data":"' + b'\\",[' * MIB))
fixed("no JSON", with_length(b"<html><body>It works!</body></html>"))
fixed("a list", with_length(b"[]"))
fixed("no UTF-8", with_length(b'{"data":{"output":"\xff"}}'))
fixed("exit code of 400 digits", with_length(answer(exit_code=10**400)))
fixed("exit code of 100,000 digits", with_length(b'{"data":{"exit_code":1' + b"0" * 100_000 + b"}}"))
fixed("exit code 1e400", with_length(b'{"data":{"exit_code":1e400}}'))
fixed("exit code that is no number", with_length(answer(exit_code="0")))
fixed("exit code true", with_length(answer(exit_code=True)))
fixed("NaN", with_length(b'{"data":{"exit_code":0,"duration_seconds":NaN}}'))
fixed("infinity", with_length(b'{"data":{"exit_code":0,"duration_seconds":-Infinity}}'))
fixed("duration 1e400", with_length(b'{"data":{"exit_code":0,"duration_seconds":1e400}}'))
fixed("duration of 400 digits", with_length(answer(exit_code=0, duration_seconds=10**400)))
fixed("duration below zero", with_length(answer(exit_code=0, duration_seconds=-1)))
fixed("output that is no text", with_length(answer(output=["x"])))
fixed(
    "an error of a mebibyte",
    b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n" % (MIB + 14),
    b'{"message":"' + b"\x7f" * MIB + b'"}',
)
fixed(
    "an error that paints the terminal",
    b"HTTP/1.1 500 No\r\nContent-Length: 43\r\n\r\n",
    rb'{"message":"\u001b[2J\u001b]0;x\u0007\r\n"}    ',
)


def serve(connection: socket.socket) -> None:
    """Read a request's head, then do as the mode in its path says."""
    with contextlib.suppress(OSError), connection:
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return
            head += received
        mode = head.split(b" ")[1].decode().split("/")[1].replace("%20", " ").replace("%2F", "/")
        MODES[mode](connection)


def main() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
