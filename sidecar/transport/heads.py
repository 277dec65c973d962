"""How a request begins on the wire. Law: pure; a header that would end its own line is never written."""

from collections.abc import Sequence

from yarl import URL

from sidecar.model import Endpoint

_DEFAULTS = (("Accept", "*/*"), ("Accept-Encoding", "identity"))


def beginning(endpoint: Endpoint, url: URL, authorization: str) -> bytes:
    """The request line, and the headers that are the same for every request to `endpoint`."""
    own = {name.lower() for name, _ in endpoint.headers}
    every = (("Host", url.host_port_subcomponent or ""), *_DEFAULTS, ("Authorization", authorization))
    kept = [(name, value) for name, value in every if value and name.lower() not in own]
    return f"POST {url.raw_path_qs} HTTP/1.1\r\n".encode() + lines(kept)


def lines(headers: Sequence[tuple[str, str]]) -> bytes:
    """Header lines. Raises `ValueError` where a value would end its line (RFC 9110, 5.5)."""
    text = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers) or "\0" in text:
        raise ValueError("a header holds a line end or a NUL")
    return text.encode()
