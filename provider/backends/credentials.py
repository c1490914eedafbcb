"""What looks like a credential in a text: headers, URLs, assignments, command lines, vendors' formats, random strings.

The formats are the vendors' own, as they document them. Every rule is bounded, because a sandbox may print anything,
and leaves ordinary text of logs alone: digests, identifiers, counts of tokens, a parser's unexpected token.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

MASK = "***"

_Replacement = str | Callable[[re.Match[str]], str]

_NAMES = (
    r"password|passwd|passphrase|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|secret[_-]?key|"
    r"signing[_-]?key|encryption[_-]?key|auth[_-]?key|account[_-]?key|client[_-]?secret|credentials?|session[_-]?key|"
    r"connection[_-]?string"
)
_SUFFIXES = r"(?i:value|text|plain|b64|base64|hash|old|new|prod|production|dev|test|staging|live|[0-9]{1,4})"
"""What may follow the word; what else does makes it another thing: a token's type, a password's policy."""
_KEY = (
    r"(?<![A-Za-z])(?:[A-Za-z0-9]{1,40}[_.-]){0,6}"
    rf"(?i:[a-z0-9]{{0,20}}(?:{_NAMES}))(?![a-z])(?:[_.-]?(?:{_SUFFIXES}))?(?!\w)"
)
_QUOTE = r"""(?:\\{0,6}["'])"""

_NOT_SECRET = re.compile(
    r"""(?ix) \s* (?: | \*+ | null | none | nil | true | false | undefined | \d{1,6} | redacted | x{3,} | \.{3}
        | [$%]\{? \w+ \}? % ? | \{\{ .* | < [^>]* >? | \( .* | \[ .* | os\.environ .* | process\.env .* | [a-z_.]+ \( .*
        ) [,;:)}\]]* \s*"""
)
_LOOKS_CHOSEN = re.compile(r"(?=.*[0-9A-Z!@#$%^&*+/=])\S{4,}")


def _assignment(match: re.Match[str]) -> str:
    """Mask the value of `key=value`, `"key": "value"`, `key: value`; what is plainly no secret stays."""
    key, sign, opening, value, closing = match.group("key", "sign", "open", "value", "close")
    is_password = re.search(r"(?i)pass|pwd|secret", key) is not None
    bare = value.strip("),;:]}")
    if key.lower().endswith((bare.lower(), "pwd")) and (bare in key or bare.startswith(("/", "~"))):
        return match[0]  # a parameter of its own name, or the working directory
    if _NOT_SECRET.fullmatch(value) and not (is_password and value.strip(" ,;").isdigit()):
        return match[0]
    is_line = match["line"] is not None and match.string[match.end() : match.end() + 1] in ("", "\n")
    is_prose = not opening and sign.strip() != "=" and not is_line
    if is_prose and not _LOOKS_CHOSEN.fullmatch(value):
        return match[0]
    return f"{match['line'] or ''}{key}{sign}{opening or ''}{MASK}{closing or ''}"


def _random(match: re.Match[str]) -> str:
    """Mask a string that only a generator of random ones makes: all kinds of characters, evenly used."""
    text = match[0]
    kinds = (re.search(r"[a-z]", text), re.search(r"[A-Z]", text), re.search(r"\d", text))
    if not all(kinds):
        return text
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return MASK if entropy >= RANDOM_SHARE * math.log2(min(len(text), 64)) else text


RANDOM_SHARE = 0.86
"""Of the entropy that a string of its length can have: random ones have 0.92 and more, names in camel case 0.8."""


def _rule(*pieces: str, keep: str = "", flags: int = 0) -> tuple[re.Pattern[str], _Replacement]:
    """Make a rule of the pieces of its pattern; `keep` stays, in front of the mask or around `{}`."""
    return re.compile("".join(pieces), flags), keep.replace("{}", MASK) if "{}" in keep else keep + MASK


_IGNORE, _DOTALL = re.IGNORECASE, re.DOTALL
_PRIVATE_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_TO_END = r"""[^\r\n"'\\]+"""
_USER = r"""[^\s/?#@:"'<>]{0,128}:"""
_HOST_AHEAD = r"""[^\s"'<>]{1,256}@(?=[\w\[])"""
_WORD = r"""("[^"\n]*"?|'[^'\n]*'?|[^\s;&|]+)"""
_VENDORS = (
    # Model providers and registries of code and packages.
    r"(?:sk|pk|rk)[-_](?!learn)[\w-]{16,}",
    r"gh[opsur]_\w{20,}",
    r"github_pat_\w{20,}",
    r"gl(?:pat|dt|ft|soat|rt|cbt|ptt|agent|oas|imt)-[\w-]{16,}",
    r"GR1348941[\w-]{20,}",
    r"(?:hf_|r8_|gsk_|nvapi-|npm_|pypi-A|dckr_pat_|rnd_|pul-|tfp_)[\w.-]{16,}",
    # Clouds, secret stores, monitoring.
    r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b",
    r"AIza[\w-]{30,}",
    r"ya29\.[\w-]{20,}",
    r"GOCSPX-[\w-]{20,}",
    r"(?:dop_v1_|doo_v1_|dapi|hvs\.|hvb\.|AGE-SECRET-KEY-|glsa_|sntrys_|phc_|PMAK-)[\w.-]{16,}",
    # Chat, mail, payment, shops.
    r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}",
    r"xapp-\d-[\w-]{10,}",
    r"[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}\b",
    r"\d{8,10}:AA[\w-]{30,40}\b",
    r"(?:AC|SK)[0-9a-f]{32}\b",
    r"[0-9a-f]{32}-us\d{1,2}\b",
    r"(?:SG\.|xkeysib-|key-|sq0[a-z]{3}-|shpat_|shpss_|shpca_|lin_api_|figd_|pat_)[\w.-]{16,}",
    # Signed tokens.
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){0,3}",
)
_PATTERNS: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    # Private keys: whole or without their end, also as one line with \\n in it; then those without their beginning.
    _rule(rf"-----BEGIN {_PRIVATE_KEY}.*?(?:-----END {_PRIVATE_KEY}|\Z)", flags=_DOTALL),
    _rule(rf"(?:^[A-Za-z0-9+/=]{{16,80}}\n){{1,400}}-----END {_PRIVATE_KEY}", flags=re.MULTILINE),
    _rule(r"PuTTY-User-Key-File-\d.*?(?:Private-MAC: \w+|\Z)", flags=_DOTALL),
    # A block in YAML.
    _rule(
        rf"(?m)^(?P<indent>[ \t]{{0,40}})(?P<key>[\"']?{_KEY}[\"']?[ \t]*:[ \t]*[|>][+-]?\d?[ \t]*\n)",
        r"(?:(?P=indent)[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)+",
        keep=r"\g<indent>\g<key>\g<indent>  {}\n",
    ),
    # Headers.
    _rule(
        rf"\b((?:proxy-)?authorization{_QUOTE}?[ \t]*[:=,][ \t]*{_QUOTE}?)",
        rf"((?:bearer|basic|digest|token|negotiate|apikey|bot)[ \t]+)?{_TO_END}",
        keep=r"\1\2",
        flags=_IGNORE,
    ),
    _rule(rf"\b((?:set-)?cookie{_QUOTE}?[ \t]*:[ \t]*{_QUOTE}?){_TO_END}", keep=r"\1", flags=_IGNORE),
    _rule(
        rf"\b(x-[\w-]{{0,30}}(?:key|token|auth|secret|signature)[\w-]{{0,20}}{_QUOTE}?[ \t]*[:=,][ \t]*{_QUOTE}?)",
        _TO_END,
        keep=r"\1",
        flags=_IGNORE,
    ),
    _rule(r"\b(bearer|basic)[ \t]+(?=[\w.~+/=-]*(?-i:[0-9A-Z=+/_]))[\w.~+/=-]{8,}", keep=r"\1 ", flags=_IGNORE),
    # URLs: a password may hold any character but blanks and quotes; a port is none.
    _rule(rf"\b(https?://){_USER}(?!\d{{1,5}}(?:[/?#\s\"'<>]|$)){_HOST_AHEAD}", keep=r"\1{}@", flags=_IGNORE),
    _rule(
        rf"\b((?!https?:)[a-z][a-z0-9+.-]{{0,20}}://){_USER}",
        rf"(?!\d{{1,5}}(?:/[\w%-]*)?(?:[?\s\"'<>]|$)){_HOST_AHEAD}",
        keep=r"\1{}@",
        flags=_IGNORE,
    ),
    _rule(r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@\"'<>]{1,256}@", keep=r"\1{}@", flags=_IGNORE),
    _rule(
        r"([?&](?:[\w.-]{0,30}(?:token|secret|password|passwd|api[_-]?key|signature|credential|code)|",
        r"sig|key|auth|pwd|pass)=)(?!%[sd]|\{)[^\s&#\"'<>]+",
        keep=r"\1",
        flags=_IGNORE,
    ),
    _rule(r"(https://hooks\.slack\.com/(?:services|workflows)/)[\w/-]+", keep=r"\1"),
    # Command lines.
    _rule(
        rf"(?<!\w)(--?[\w-]{{0,30}}(?:{_NAMES}|credential)[\w-]{{0,10}}(?:=|[ \t]+))(?!-){_WORD}",
        keep=r"\1",
        flags=_IGNORE,
    ),
    _rule(
        r"\b((?:curl|wget|https?)\b[^\n]{0,400}?[ \t](?:-u|--user|--proxy-user)[ \t=]*[\"']?[^\s:\"']{0,64}:)",
        r"[^\s\"']+",
        keep=r"\1",
        flags=_IGNORE,
    ),
    _rule(
        r"\b((?:mysql|mysqldump|mysqladmin|mariadb|sshpass|(?:docker|podman|helm|az|oc)[ \t]+login)\b[^\n]{0,300}?",
        rf"[ \t]-p[ \t]*)(?!-){_WORD}",
        keep=r"\1",
        flags=_IGNORE,
    ),
    _rule(rf"\b(?:{'|'.join(_VENDORS)})"),
    _rule(
        r"\b(AccountKey=|SharedAccessKey=|SharedAccessSignature=|sig=)[A-Za-z0-9+/%=]{20,}", keep=r"\1", flags=_IGNORE
    ),
    # Assignments; on a line of their own even a plain word is a value.
    (
        re.compile(
            rf"(?m)(?P<line>^[ \t]{{0,40}}(?:export[ \t]+|-[ \t]+)?)?(?P<key>{_QUOTE}?{_KEY}{_QUOTE}?)"
            r"(?P<sign>[ \t]{0,3}(?:=>|:=|[:=](?!=))[ \t]{0,3})(?P<open>\\{0,6}[\"'])?"
            r"(?P<value>(?(open)(?![,)\s])[^\"'\n]{1,4096}?(?=\\{0,6}[\"']|\n|\Z)|[^\s,;&\"']{1,4096}))"
            r"(?P<close>\\{0,6}[\"'])?"
        ),
        _assignment,
    ),
    # Nothing but chance.
    (re.compile(r"(?<![\w+/=.:@-])(?!sha\d{1,3}-)[\w+-][\w+/-]{30,255}={0,2}(?![\w+/=])", re.ASCII), _random),
)


def mask_credentials(text: str) -> str:
    """Replace whatever looks like a credential by `***`; takes time in proportion to the text."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
