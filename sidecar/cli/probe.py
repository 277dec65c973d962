"""`sidecar health`, which probes run every few seconds. Law: the standard library only, and little of it; no click."""

import json
import os
import socket
import sys
from collections.abc import Sequence

from sidecar.cli.where import missing, socket_path

TIMEOUT = 5.0
LIMIT = 65_536


def run(arguments: Sequence[str]) -> int | None:
    """The exit status of `health` with `arguments`; None where they want the whole command line (`--help`, a slip)."""
    route, path, raw, rest = "/readyz", "", False, list(arguments)
    while rest:
        option, equals, value = rest.pop(0).partition("=")
        if option == "--live" and not equals:
            route = "/healthz"
        elif option == "--json" and not equals:
            raw = True
        elif option == "--socket" and (value or (rest and not equals)):
            path = value or rest.pop(0)
        else:
            return None
    return health(path, route, raw=raw)


def health(path: str = "", route: str = "/readyz", *, raw: bool = False) -> int:
    """0 if `route` answers 200 on the socket, else 1 with the reasons on stderr; `raw`: the answer on stdout."""
    path = path or socket_path(os.environ)
    try:
        status, body = _get(path, route)
    except (OSError, ValueError) as fault:
        why = getattr(fault, "strerror", None) or fault
        sys.stderr.write(f"{missing(path, why)}\n")
        return 1
    if raw:
        sys.stdout.write(f"{body.decode(errors='replace')}\n")
    if status == 200:
        return 0
    sys.stderr.write(f"sidecar: {_reasons(body) or f'{route} answered {status}'}\n")
    return 1


def _get(path: str, route: str) -> tuple[int, bytes]:
    """Status and body. HTTP/1.0: the answer ends with the connection and is never chunked."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(path)
        connection.sendall(f"GET {route} HTTP/1.0\r\nHost: sidecar\r\n\r\n".encode())
        while len(answer) < LIMIT and (chunk := connection.recv(LIMIT)):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    protocol, _, status = head.partition(b" ")
    if not protocol.startswith(b"HTTP/"):
        raise ValueError("not an HTTP answer")
    return int(status[:3]), body


def _reasons(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    reasons = answer.get("reasons") if isinstance(answer, dict) else None
    return "; ".join(str(reason) for reason in reasons) if isinstance(reasons, list) else ""
