"""When a request cannot be answered: a page for people, problem details for programs, one sentence for both."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Response, request
from flask.sansio.scaffold import Scaffold
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from provider.domain import errors
from web.api.problems import problem
from web.rendering import render
from web.services import services
from web.urls import endpoint_of

logger = logging.getLogger(__name__)

STATUS: tuple[tuple[type[errors.SandboxError], HTTPStatus], ...] = (
    (errors.StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.BackendUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.SandboxNotFound, HTTPStatus.NOT_FOUND),
    (errors.InvalidIdError, HTTPStatus.BAD_REQUEST),
    (errors.InvalidSearchError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidCursorError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidPositionError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidActionError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.CommandReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.VersionConflict, HTTPStatus.PRECONDITION_FAILED),
    (errors.ActionUnderWay, HTTPStatus.CONFLICT),
    (errors.SandboxError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""What an error of the library is over HTTP; the first line that fits counts."""
RETRY_SECONDS = 5


def register(target: Scaffold) -> None:
    """Answer every error of an application or a blueprint."""
    target.register_error_handler(HTTPException, _refused)
    target.register_error_handler(errors.SandboxError, _failed)


def wants_problem() -> bool:
    """Whether a program asked: errors of the API are problem details."""
    endpoint = endpoint_of(request)
    return request.path.startswith("/api/") if endpoint is None else endpoint.startswith("api_")


def answer(status: int, detail: str) -> Response:
    """Answer that it did not work, in the form that the caller reads."""
    if wants_problem():
        return problem(status, detail)
    known = services().last_known.recall()
    return render("error.html", status, now=datetime.now(UTC), error=HTTPStatus(status), detail=detail, known=known)


def _refused(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    response = answer(error.code, error.description or "")
    kept = ("Allow", "Retry-After", "WWW-Authenticate")
    response.headers.extend([(name, value) for name, value in error.get_headers() if name in kept])
    return response


def _failed(error: errors.SandboxError) -> Response:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("%s", error, extra={"action": "web_error"})
    response = answer(status, str(error))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
