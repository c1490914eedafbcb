"""From the configuration to who is let in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provider.config.settings import WebRole, WebSettings
from web.security.authentication import Authenticator, HostApplication, Local, ProxyUsers, TokenHolders
from web.security.keys import find_key
from web.security.revocations import open_revocations
from web.security.sessions import Sessions
from web.security.sign_in import SignIn

Ask = Callable[[], tuple[str, WebRole] | None]


@dataclass(frozen=True, slots=True)
class Access:
    """How it is found out who asks, and the form to sign in where there is one."""

    authenticator: Authenticator
    sign_in: SignIn | None = None


def open_access(web: WebSettings, ask: Ask | None = None) -> Access:
    """Choose by `web.auth`; an application around the dashboard that knows its users goes before it."""
    if ask is not None:
        return Access(HostApplication(ask))
    if web.auth == "none":
        return Access(Local())
    if web.auth == "proxy":
        return Access(ProxyUsers(web.proxy))
    sessions = Sessions(find_key(web), web.session_lifetime, web.tokens, open_revocations(web.session_lifetime))
    return Access(TokenHolders(web, sessions), SignIn(web, sessions))
