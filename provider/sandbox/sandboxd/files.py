"""Read and write files: `/v1/file/read|write|replace|upload|download`."""

from __future__ import annotations

import binascii
import errno
import itertools
import os
import re
import stat
import sys
from urllib.parse import parse_qs

from .fields import Fields
from .wire import Answer, Refused, success

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from .place import Place
    from .wire import Request

BLOCK = 256 * 1024


def read(request: Request, place: Place) -> Answer:
    """Give a text file, or its lines from `start_line` (0-based) up to, without, `end_line`."""
    body = Fields(request)
    name = body.text("file")
    first, last = body.count("start_line", 0), body.count("end_line", sys.maxsize)
    with open_regular(place.resolve(name), os.O_RDONLY) as stream:
        content = _read_lines(stream, first, last, place.max_body)
    if len(content) > place.max_body:
        raise OSError(errno.EFBIG, f"more than {place.max_body} bytes: download it, or read fewer lines", name)
    return success({"content": content.decode("utf-8", "replace"), "file": name})


def write(request: Request, place: Place) -> Answer:
    """Write or append text or, base64-encoded, bytes; missing directories are made."""
    body = Fields(request)
    name, content, encoding = body.text("file"), body.text("content"), body.text("encoding", "utf-8")
    if encoding == "base64":
        data = binascii.a2b_base64(content)
    else:
        text = "\n" * body.flag("leading_newline") + content + "\n" * body.flag("trailing_newline")
        data = text.encode("utf-8")
    _write(place.resolve(name), data, append=body.flag("append"))
    return success({"file": name, "bytes_written": len(data)})


def replace(request: Request, place: Place) -> Answer:
    """Replace every occurrence of a string in a file."""
    body = Fields(request)
    name, old, new = body.text("file"), body.text("old_str").encode(), body.text("new_str").encode()
    if not old:
        raise Refused(422, "field 'old_str' is empty")
    path = place.resolve(name)
    with open_regular(path, os.O_RDONLY) as stream:
        content = stream.read(place.max_body + 1)
    if len(content) > place.max_body:
        raise OSError(errno.EFBIG, f"more than {place.max_body} bytes", name)
    count = content.count(old)
    if count:
        _write(path, content.replace(old, new))
    return success({"file": name, "replaced_count": count})


def upload(request: Request, place: Place) -> Answer:
    """Store the part named `file` at `path`, or under its own name in the working directory."""
    parts = {field: (filename, content) for field, filename, content in _parts_of(request)}
    if "file" not in parts:
        raise Refused(422, "part 'file' is missing")
    filename, content = parts["file"]
    path = parts.get("path", ("", b""))[1].decode("utf-8", "replace") or os.path.basename(filename)
    _write(place.resolve(path), content)
    return success({"file_path": path, "file_size": len(content), "success": True})


def download(request: Request, place: Place) -> Answer:
    """Stream a file's bytes, as many as it had at the start."""
    path = parse_qs(request.query).get("path", [""])[0]
    stream = open_regular(place.resolve(path), os.O_RDONLY)
    size = os.fstat(stream.fileno()).st_size
    if size == 0:  # files in /proc have content all the same
        with stream:
            content = stream.read(place.max_body)
        return Answer(200, (content,), len(content), "application/octet-stream")
    return Answer(200, _blocks_of(stream), size, "application/octet-stream")


def open_regular(path: str, flags: int) -> IO[bytes]:
    """Open a regular file and nothing else: a pipe would block for ever, a device may never end."""
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a pipe without a reader, or a socket
            raise OSError(errno.EINVAL, "not a regular file", path) from None
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "wb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "not a regular file", path)


def _read_lines(stream: IO[bytes], first: int, last: int, limit: int) -> bytes:
    """Read lines [first, last), stopping as soon as they are more than `limit` bytes."""
    if first == 0 and last == sys.maxsize:
        return stream.read(limit + 1)
    content = bytearray()
    for line in itertools.islice(iter(lambda: stream.readline(limit + 1), b""), first, max(first, last)):
        content += line
        if len(content) > limit:
            break
    return bytes(content)


def _write(path: str, content: bytes, *, append: bool = False) -> None:
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), directory) from None
    with open_regular(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)) as stream:
        stream.write(content)


def _blocks_of(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        yield from iter(lambda: stream.read(BLOCK), b"")


def _parts_of(request: Request) -> Iterator[tuple[str, str, bytes]]:
    """Split multipart/form-data (RFC 7578) into (field, file name, content)."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    if boundary is None:
        raise Refused(422, "the body is not multipart/form-data")
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode("latin-1"))[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        names = dict(re.findall(r'\b(name|filename)="([^"]*)"', head.decode("utf-8", "replace")))
        yield names.get("name", ""), names.get("filename", ""), content
