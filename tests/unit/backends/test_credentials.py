"""S107: what is secret is not readable, in whatever form it is printed; ordinary text of logs stays as it is."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from provider.backends.redaction import log_tail, redact

WORD = "Tr0ub4dor&3x"
RANDOM = "q7Zb2LmX9vKp4RtY8wNc3HdF6sJg1QaE"
VALUE = "s3cr/et+v\u00e4lue \"with\" 'everything'"

FORMS = [
    # headers
    f"Authorization: Bearer {RANDOM}", f"authorization: {RANDOM}", f"> Authorization: Basic {RANDOM}",
    f"'Authorization': 'Bearer {RANDOM}'", f'"Authorization": "token {RANDOM}"', f"Proxy-Authorization: Basic {RANDOM}",
    f"Cookie: session={RANDOM}; theme=dark", f"Set-Cookie: sid={RANDOM}; HttpOnly", f"X-Api-Key: {RANDOM}",
    f"x-auth-token: {WORD}", f"X-Amz-Security-Token: {RANDOM}", f"X-Hub-Signature: {RANDOM}", f"got bearer {RANDOM}",
    # URLs
    f"postgres://bob:{WORD}@db:5432/app", f"redis://:{WORD}@cache/0", f"amqp://bob:p@{WORD}@mq",
    f"https://bob:a/b#{WORD}@x.org/",
    f"mongodb+srv://bob:{WORD}@c.example.net/?w=1", f"https://{RANDOM}@github.example/x.git",
    f"ftp://bob:{quote(WORD)}@files",
    f"https://x.org/cb?access_token={RANDOM}&state=1", f"https://x.org/?a=1&sig={RANDOM}", f"/login?password={WORD}",
    f"https://x.org/o?X-Amz-Signature={RANDOM}", f"https://x.org/?api_key={RANDOM}#top",
    # assignments
    f"DB_PASSWORD={WORD}", f"export API_TOKEN={RANDOM}", f"password: {WORD}", "password: swordfish", f"passwd = {WORD}",
    f'"client_secret": "{WORD}"', f"'apiKey': '{WORD}'", f"secret_key=\"{WORD} and more\"", f"  token: '{WORD}'",
    f"PGPASSWORD={WORD} psql -h db", f"aws_secret_access_key = {RANDOM}", f"password => {WORD}", f"api-key:{RANDOM}",
    f"AccountKey={RANDOM}{RANDOM};EndpointSuffix=x", f"spring.datasource.password={WORD}", f"OPENAI_API_KEY='{RANDOM}'",
    f"login with password=\"{WORD}\"", f"credentials: {RANDOM}", f"PASSWORD2={WORD}", "pin_secret=123456789",
    # JSON in JSON, JSON in JSON in JSON
    json.dumps({"body": json.dumps({"password": WORD})}), json.dumps(json.dumps({"a": json.dumps({"token": WORD})})),
    f'{{\\"secret\\": \\"{WORD}\\"}}',
    # YAML blocks
    f"password: |\n  {WORD}\n  second\nuser: bob", f"  client_secret: >-\n    {WORD}\n  name: x",
    # command lines
    f"mysql -u root -p{WORD} app", f"sshpass -p {WORD} ssh host", f"curl -s -u bob:{WORD} https://x.org",
    f"curl --user 'bob:{WORD}' https://x.org", f"tool --password {WORD} --verbose", f"tool --api-key={RANDOM}",
    f"docker login -u bob -p {WORD} registry", f"curl -H 'X-Auth-Token: {WORD}' https://x.org",
    f"run --db-password '{WORD}'",
    # private keys, whole and cut
    f"-----BEGIN RSA PRIVATE KEY-----\n{RANDOM}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{RANDOM}",
    f"{RANDOM}\n{RANDOM}\n-----END OPENSSH PRIVATE KEY-----", f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{RANDOM}\n",
    f"-----BEGIN EC PRIVATE KEY-----\\n{RANDOM}\\n-----END EC PRIVATE KEY-----",
    # vendors' formats
    f"sk-proj-{RANDOM}", f"sk-ant-api03-{RANDOM}", f"sk_live_{RANDOM}", f"ghp_{RANDOM}aaaa", f"github_pat_{RANDOM}",
    f"glpat-{RANDOM}",
    f"xoxb-1234567890-{RANDOM}", f"xapp-1-A0-{RANDOM}", f"https://hooks.slack.com/services/T00/B00/{RANDOM}",
    f"AIza{RANDOM}abc",
    f"ya29.{RANDOM}", f"hf_{RANDOM}", f"npm_{RANDOM}abcd", f"pypi-AgEIcHlwaS5vcmc{RANDOM}",
    f"SG.{RANDOM[:22]}.{RANDOM}{RANDOM[:11]}",
    f"dop_v1_{RANDOM}", f"hvs.{RANDOM}", f"gsk_{RANDOM}", f"shpat_{RANDOM}", f"eyJhbGciOiJIUzI1.eyJzdWIiOiIx.{RANDOM}",
    f"123456789:AA{RANDOM}x", f"glsa_{RANDOM}_1a2b3c4d", f"GOCSPX-{RANDOM}", f"nvapi-{RANDOM}", f"dckr_pat_{RANDOM}",
    # nothing but chance
    f"leaked {RANDOM} here", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
]  # fmt: skip

SECRETS = (
    WORD,
    WORD[4:],
    RANDOM,
    quote(WORD),
    "swordfish",
    "123456789",
    "wJalrXUtnFEMI",
    "K7MDENG",
    "second",
    "and more",
)

KEYS_THAT_ARE_WHOLE = ["AKIAABCDEFGHIJKLMNOP", "ASIAABCDEFGHIJKLMNOP", "AC" + "0a" * 16, "0a" * 16 + "-us12"]

ORDINARY = """\
2026-11-28T10:00:01Z INFO  server listening on 0.0.0.0:8080
INFO:     127.0.0.1:51234 - "GET /v1/sandbox?id=42&page=3 HTTP/1.1" 200 OK
total tokens: 512, max_tokens=4096, prompt_tokens: 12, "completion_tokens": 20, tokens/s: 31.5
SyntaxError: Unexpected token } in JSON at position 17
error: expected expression before ')' token: got ';'
KeyError: 'password'
ValueError: password must be at least 12 characters
Please enter your password:
Password for alice:
secrets: loading 3 files from /run/secrets
Token type: bearer
basic implementation of the parser
Basic infrastructure for asynchronous servers
The bearer of this letter
Tokenizer loaded: bert-base-uncased
author=Alice secretary=Bob passed=3 passing: true
PWD=/workspace OLDPWD=/
token: None
api_key=None secret=<hidden> password=*** token=${TOKEN} key=%s
password = os.environ["DB_PASSWORD"]
https://example.org:8443/?to=a@b
http://127.0.0.1:32769/v1/shell/exec
git@github.example:team/project.git
mailto:alice@example.org
Downloading charset_normalizer-3.5.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl (147 kB)
Successfully installed urllib3-2.8.0 typing-extensions-4.12.2
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
commit 84700ee5c1d2b3a4958677f6e5d4c3b2a1908f7e
"integrity": "sha512-Qw3s+Zx9AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefghijklmnopqrstuvwx=="
request_id=8f14e45f-ceea-467f-a0e6-b0d2c1f0a9d1
Digest: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
  File "/usr/lib/python3.11/site-packages/SomeVeryLongPackageName2/WithCamelCase3/module.py", line 12, in run
java.lang.IllegalStateException: org.example.application.configuration.VeryLongConfigurationClassName2Factory
test_a_very_long_function_name_with_many_words_and_numbers_12345_passed
+++ b/src/components/AuthenticationProvider/useAuthenticationToken.test.tsx
MemoryError: cannot allocate 1073741824 bytes
Killed process 4242 (python3) total-vm:2097152kB, anon-rss:1048576kB
[ 12.345678] docker0: port 1(veth1a2b3c4) entered blocking state
mkdir -p /tmp/work && docker run -p 8080:80 nginx
ls -p; ps -u alice; grep -p pattern
curl -s https://example.org/file.tar.gz -o file.tar.gz
make[1]: *** [Makefile:12: all] Error 2
Traceback (most recent call last):
SELECT * FROM users WHERE session_id = 12
npm warn deprecated inflight@1.0.6: This module is not supported
Cookie consent banner shown
model=gpt-4o-mini temperature=0.2 stop_reason=end_turn
risk-free task-list sk-learn pk-fields
auth: ok, authorized users: 3, authentication failed for 2
key=value keyboard=us monkey: banana
DOCKER_HOST=unix:///var/run/docker.sock
-----BEGIN CERTIFICATE-----
-----END CERTIFICATE-----
ssh-ed25519 key fingerprint MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48
"""


@pytest.mark.parametrize("text", FORMS)
def test_a_secret_is_not_readable(text: str) -> None:
    shown = redact(f"before\n{text}\nafter")
    assert not [secret for secret in SECRETS if secret in text and secret in shown], shown
    assert "***" in shown
    assert shown.startswith("before")


@pytest.mark.parametrize("text", KEYS_THAT_ARE_WHOLE)
def test_a_key_that_says_what_it_is_is_masked_whole(text: str) -> None:
    assert redact(f"key {text} end") == "key *** end"


@pytest.mark.parametrize("line", ORDINARY.splitlines())
def test_ordinary_text_is_left_alone(line: str) -> None:
    assert redact(line) == line


def test_ordinary_text_is_left_alone_as_a_whole() -> None:
    assert redact(ORDINARY) == ORDINARY


def _in_base64(before: int, behind: int) -> str:
    return base64.b64encode(b"x" * before + VALUE.encode() + b"y" * behind).decode()


SPELLINGS = {
    "plain": VALUE, "hex": VALUE.encode().hex(), "HEX": VALUE.encode().hex().upper(),
    "hex with colons": VALUE.encode().hex(":"),
    "url": quote(VALUE, safe=""), "url with slashes": quote(VALUE), "form": quote_plus(VALUE),
    "json": json.dumps(VALUE),
    "json in unicode": json.dumps(VALUE, ensure_ascii=False), "json in json": json.dumps(json.dumps(VALUE)),
    "repr": repr(VALUE),
    "bytes": repr(VALUE.encode()), "base64": base64.b64encode(VALUE.encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(VALUE.encode()).decode(),
    **{f"in base64, {one} before, {two} behind": _in_base64(one, two) for one in range(4) for two in range(3)},
    "over two lines": VALUE[:9] + "\n" + VALUE[9:], "continued": VALUE[:9] + "\\\n    " + VALUE[9:],
    "wrapped base64": "\n".join(base64.encodebytes(VALUE.encode()).decode()[i : i + 20] for i in range(0, 60, 20)),
    "concatenated": f'"{VALUE[:9]}" +\n  "{VALUE[9:]}"',
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_configured_value_is_masked_in_every_spelling(spelling: str) -> None:
    shown = redact(f"value: {spelling} end", [VALUE])
    assert "***" in shown
    for start in range(0, len(spelling) - 10, 3):
        assert spelling[start : start + 10] not in shown, shown


def test_a_tail_masks_what_redact_does() -> None:
    tail = log_tail(f"x {_in_base64(1, 0)}\n".encode(), [VALUE])
    assert "***" in tail


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "-",
        "password",
        "token=",
        '\\"',
        "x://",
        "://a:",
        "\n ",
        "eyJ.",
        "curl -u ",
        "=",
        "Aa1",
        "key: |\n ",
        "\\",
        "'a'",
    ],
)
def test_hostile_text_takes_time_in_proportion(piece: str) -> None:
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        begun = time.process_time()
        redact(text, [VALUE])
        return time.process_time() - begun

    small = min(seconds(4_000) for _ in range(3))
    assert min(seconds(16_000) for _ in range(3)) <= 0.25 + 12 * small, "four times the text, three times room"
