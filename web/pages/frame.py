"""A page's own address, and the answer with its template: what stands around it comes from `web.rendering`."""

from __future__ import annotations

from datetime import datetime

from flask import Response, request

from web.presentation.address import Address
from web.rendering import render


def here() -> Address:
    """Give the address that was asked for; of an argument given twice the last one counts."""
    return Address.of(request.root_path + request.path, list(request.args.items(multi=True)))


def show_page(
    template: str,
    view: object,
    now: datetime,
    *,
    is_live: bool = True,
    search_text: str = "",
    subject: str = "",
    status: int = 200,
) -> Response:
    """Answer with a page; its template gets the `view`. A page that is not live stays as it is.

    `subject` is the one sandbox it is about: hints about others are no hints for it.
    """
    still = {} if is_live else {"live_url": None}
    return render(template, status, now=now, view=view, here=here(), search_text=search_text, subject=subject, **still)
