"""Check the section `web`: what makes a dashboard that anybody could open is refused here, before anything listens."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from provider.config.place import KeyPlace
from provider.config.settings import Settings, WebSettings

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
SHORTEST_KEY = 32


def check_web(settings: Settings, place: KeyPlace) -> None:
    """Raise `ConfigError` for the first value of `web` that cannot work or would not be safe."""
    here = place.at("web")
    for check in (_check_auth, _check_tokens, _check_proxy, _check_names):
        check(settings.web, here)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name other than `localhost` does not count."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_auth(web: WebSettings, place: KeyPlace) -> None:
    if web.auth == "none" and not is_loopback(web.host):
        raise place.at("auth").error(
            f"is none, but web.host ({web.host}) can be reached from other machines, and anybody there could act as an "
            "operator; set web.auth to token or proxy, or web.host to 127.0.0.1"
        )
    if web.auth == "token" and not web.tokens:
        raise place.at("tokens").error("is empty, but web.auth is token: nobody could sign in; add a token")
    if web.auth == "proxy" and not web.proxy.trusted_addresses:
        raise place.at("proxy.trusted_addresses").error(
            "is empty, but web.auth is proxy: no proxy would be believed; add its address"
        )


def _check_tokens(web: WebSettings, place: KeyPlace) -> None:
    names: set[str] = set()
    for index, token in enumerate(web.tokens):
        here = place.at("tokens").item(index)
        if not _NAME.fullmatch(token.name):
            raise here.at("name").error("must be 1 to 64 letters, digits or _ . @ + -")
        if token.name in names:
            raise here.at("name").error("is used twice; every token has a name of its own")
        names.add(token.name)
        if not _SHA256.fullmatch(token.sha256):
            raise here.at("sha256").error(
                "must be the 64 hexadecimal digits of the token's SHA-256, not the token; config.yaml says how"
            )


def _check_proxy(web: WebSettings, place: KeyPlace) -> None:
    here = place.at("proxy")
    for index, address in enumerate(web.proxy.trusted_addresses):
        try:
            ipaddress.ip_network(address)
        except ValueError:
            wanted = "an address or a network, such as 10.0.0.7 or 10.0.0.0/24"
            raise here.at("trusted_addresses").item(index).wrong(address, wanted) from None
    for key in ("user_header", "role_header"):
        header = getattr(web.proxy, key)
        if header is not None and not _HEADER.fullmatch(header):
            raise here.at(key).wrong(header, "the name of an HTTP header: letters, digits and -")


def _check_names(web: WebSettings, place: KeyPlace) -> None:
    for index, host in enumerate(web.allowed_hosts):
        if not _HOST.fullmatch(host):
            raise place.at("allowed_hosts").item(index).wrong(host, "a host name, with or without :port")
    if web.session_key is not None and len(web.session_key) < SHORTEST_KEY:
        raise place.at("session_key").error(f"must have at least {SHORTEST_KEY} characters")
    if web.public_url is not None and not _is_public(web.public_url):
        raise place.at("public_url").wrong(web.public_url, "such as https://ledger.example.com or with a path")


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
        wanted = parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.netloc))
    except ValueError:
        return False
    return wanted and not parts.query and not parts.fragment and url.isprintable() and " " not in url
