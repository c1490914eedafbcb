"""A client of the engine's API that leaks no socket, needs no proxy and speaks the engine's own API version."""

from __future__ import annotations

import socket
from typing import Any

import docker
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool
from docker.utils import kwargs_from_env

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
_OLDEST_API = "1.24"  # only for asking which one the engine speaks; that request carries no version


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        """Connect; unlike the SDK's own, leave no open socket behind when nobody answers."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self.unix_socket)
        except OSError:
            sock.close()
            raise
        self.sock = sock


class _Pool(UnixHTTPConnectionPool):
    def _new_conn(self) -> _Connection:  # type: ignore[override]
        # urllib3 replaces the connection's timeout by the request's before it connects.
        return _Connection(self.base_url, self.socket_path)


class _Adapter(UnixHTTPAdapter):
    def get_connection(self, url: bytes | str, proxies: Any = None) -> UnixHTTPConnectionPool:
        """Return one pool for all URLs; the SDK's own makes one for each, and so a connection for each container."""
        with self.pools.lock:
            pool: UnixHTTPConnectionPool | None = self.pools.get("engine")
            if pool is None:
                pool = _Pool("http+docker://localhost", self.socket_path, self.timeout, maxsize=self.max_pool_size)
                self.pools["engine"] = pool
        return pool


def find_address(configured: str | None) -> str:
    """Return where the engine listens: as configured, else DOCKER_HOST, else the usual socket."""
    return configured or str(kwargs_from_env().get("base_url") or DEFAULT_ADDRESS)


def connect(address: str, timeout: float) -> docker.APIClient:
    """Make a client; one request finds out the API version. `timeout` in seconds holds for every call."""
    with_oldest = _make(address, timeout, _OLDEST_API)
    try:
        version = str(with_oldest.version(api_version=False)["ApiVersion"])
    finally:
        with_oldest.close()
    return _make(address, timeout, version)


def _make(address: str, timeout: float, version: str) -> docker.APIClient:
    encrypted = not address.startswith("unix:")
    tls = kwargs_from_env().get("tls", False) if encrypted else False
    client = docker.APIClient(base_url=address, version=version, timeout=timeout, tls=tls)  # type: ignore[arg-type]
    # Engines are reached directly; a proxy or a .netrc of the environment is for other hosts (and costs a file read).
    client.trust_env = False
    if address.startswith("unix:"):
        client.mount("http+docker://", _Adapter(address.replace("unix:", "http+unix:", 1), timeout))  # type: ignore[arg-type]
    return client
