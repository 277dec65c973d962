"""Secrets, and the files that settings point to.

Law: a file that cannot be read is a fault that names the file and the reason, never its content.
"""

import re
from pathlib import Path

from sidecar.model import Secret
from sidecar.settings.values import Kind, quoted

_MOST = {"64KiB": 2**16, "16MiB": 2**24}  # a secret; a bundle of certificates
_SECRETS = 16
_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")  # RFC 9110, 5.5, without obs-text
_OURS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-digest",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "digest",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "signature",
        "signature-input",
        "te",
        "traceparent",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    )
)
_OUR_PREFIXES = ("webhook-", "x-drone-", "x-hub-", "x-launchpad-", "x-pagure")


def path(text: str, folder: Path) -> str:
    """A path, from the folder where it is relative."""
    if not text.isprintable():
        raise ValueError("holds a character that is not printable; write a plain path")
    return str(folder / text)


def readable(text: str, folder: Path) -> str:
    """The path of a file that can be read."""
    _read(text, folder, "16MiB")
    return path(text, folder)


def signing_keys(text: str, folder: Path) -> tuple[Secret, ...]:
    """The Ed25519 private keys of a PEM file, newest first."""
    from sidecar.signing import ed25519  # noqa: PLC0415 - optional: where there is a key

    found = ed25519.blocks(_read(text, folder))
    if not found:
        raise ValueError(f"{quoted(text)} is no PEM file; write the path of one that holds an Ed25519 private key")
    if len(found) > _SECRETS:
        raise ValueError(f"{quoted(text)} has {len(found)} keys; write at most {_SECRETS}, newest first")
    for number, pem in enumerate(found, 1):
        try:
            ed25519.private(pem)
        except ValueError as wrong:
            which = f", key {number}," if len(found) > 1 else ""
            raise ValueError(f"{quoted(text)}{which} {wrong}") from None
    return tuple(map(Secret, found))


def secret(text: str, folder: Path) -> tuple[Secret, ...]:
    """The secret that is the text, its raw bytes."""
    return (Secret(text.encode("utf-8", "surrogateescape")),)


def secrets(text: str, folder: Path) -> tuple[Secret, ...]:
    """The secrets of a file, one a line, newest first; line ends and blank lines do not count."""
    lines = [line.rstrip(b"\r") for line in _read(text, folder).split(b"\n")]
    found = tuple(Secret(line) for line in lines if line.strip())
    if len(found) > _SECRETS:
        raise ValueError(f"{quoted(text)} has {len(found)} lines; write one secret a line, at most {_SECRETS}")
    return found


def token(text: str, folder: Path) -> Secret:
    """A bearer token: what a header can carry."""
    return _token(secret(text, folder)[0], "is")


def token_file(text: str, folder: Path) -> Secret:
    """The one token of a file."""
    found = secrets(text, folder)
    if len(found) > 1:
        raise ValueError(f"{quoted(text)} has {len(found)} lines; write one token into it")
    return _token(found[0], f"{quoted(text)} holds")


def _token(found: Secret, what: str) -> Secret:
    if not re.fullmatch(rb"[\x21-\x7e]+", found.reveal()):
        raise ValueError(f"{what} no token that a header can carry; write printable ASCII without blanks")
    return found


def headers(text: str, folder: Path) -> tuple[tuple[str, str], ...]:
    """`Name: value` lines. Values may be tokens: they are never shown."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    found: list[tuple[str, str]] = []
    wrong: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        name, _, value = line.partition(":")
        if reason := _header_fault(name, value.strip()):
            wrong.append(f"line {number} {reason}")
        found.append((name, value.strip()))
    if wrong:
        raise ValueError(*wrong)
    return tuple(found)


def _header_fault(name: str, value: str) -> str:
    if not _TOKEN.fullmatch(name) or not value:
        return "is no header; write Name: value"
    if not _VALUE.fullmatch(value):
        return "has a value that no header can carry; write printable ASCII"
    if name.lower() in _OURS or name.lower().startswith(_OUR_PREFIXES):
        return f"sets {name}, which every request has already; leave it out"
    return ""


def _read(text: str, folder: Path, most: str = "64KiB") -> bytes:
    try:
        with Path(path(text, folder)).open("rb") as file:
            content = file.read(_MOST[most] + 1)
    except OSError as error:
        reason = error.strerror
        raise ValueError(f"{quoted(text)} cannot be read ({reason}); write the path of a file we may read") from None
    if len(content) > _MOST[most]:
        raise ValueError(f"{quoted(text)} is longer than {most}; write the path of the right file")
    if not content.strip():
        raise ValueError(f"{quoted(text)} is empty; write the path of the right file")
    return content


PATH = Kind("path", path)
READABLE = Kind("path", readable)
KEY = Kind("path", signing_keys)
SECRET = Kind("secret", secret, secret=True, file=secrets)
TOKEN = Kind("secret", token, secret=True, file=token_file)
HEADERS = Kind("`Name: value` lines", headers, secret=True)
