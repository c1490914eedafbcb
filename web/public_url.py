"""Behind a reverse proxy: the scheme and the path that people see, which only the configuration knows for sure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class PublicUrl:
    """Serves an application under the path of `public_url`, whether or not the proxy takes the path off."""

    def __init__(self, application: WSGIApplication, public_url: str) -> None:
        self._application = application
        parts = urlsplit(public_url)
        self._scheme, self._netloc, self._prefix = parts.scheme, parts.netloc.lower(), parts.path.rstrip("/")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as if it had come to the public address."""
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        environ["SCRIPT_NAME"] = self._prefix
        if environ.get("HTTP_HOST", "").lower() == self._netloc:
            environ["wsgi.url_scheme"] = self._scheme
        return self._application(environ, start_response)
