"""What a broken attempt is called, and what a person is told of it.

Law: every failure has one word of `REASONS` and one sentence of our own making; of a library's text, which may hold the
URL, only a parser's bare complaint goes into it. What an exception means stands in the tables and nowhere else.
"""

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aiohttp
from aiohttp.http_exceptions import ContentLengthError, HttpProcessingError, LineTooLong, TransferEncodingError

from sidecar.model import Unreachable
from sidecar.transport import tls
from sidecar.transport.networks import Blocked
from sidecar.transport.trial import Trial

REASONS: Mapping[str, str] = {
    "dns": "the name has no address",
    "refused": "nobody listens at the address",
    "network": "there is no way to the address",
    "timeout": "no whole answer came in time",
    "reset": "the connection ended before an answer began",
    "cut-off": "the answer began and broke off",
    "tls": "no secure connection came about",
    "protocol": "what came is not HTTP/1.1",
    "blocked": "the address is in SIDECAR_BLOCKED_NETWORKS",
    "proxy": "the proxy let nothing through",
    "resources": "this machine has run out of something; the endpoint is not to blame",
}
"""What stands in `Unreachable.reason`."""

Told = tuple[str, str]
Match = Callable[[BaseException, Trial], bool]
Row = tuple[Match, Callable[[Any, Trial], Told]]


def unreachable(error: BaseException, trial: Trial) -> Unreachable:
    """The value of an attempt that `error` ended."""
    chain = list(_chain(error))
    rows = _BROKEN_OFF if trial.status else _UNHEARD
    for matches, tell in rows:
        for each in chain:
            if matches(each, trial):
                return _value(*tell(each, trial), trial)
    return _value("reset", f"the connection to {trial.place} was lost", trial)


def not_final(trial: Trial) -> Unreachable:
    """The value of an answer whose status ends no exchange: 101, or none that there is (RFC 9110, 15)."""
    return _value("protocol", f"{trial.place} answered {trial.status}, which is no answer to a POST", trial)


def stale(error: BaseException, trial: Trial) -> bool:
    """Whether `error` ended a connection that was kept from before, and no answer had begun."""
    fresh = trial.dialled or isinstance(error, aiohttp.ClientConnectorError)
    return not (fresh or trial.status or _begun(error, trial))


def _value(reason: str, detail: str, trial: Trial) -> Unreachable:
    return Unreachable(reason, detail, trial.status, trial.answer)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes, the first cause first: it knows most."""
    if error is not None:
        yield from _chain(error.__cause__)
        yield error


def _is(*kinds: type[BaseException]) -> Match:
    return lambda error, _: isinstance(error, kinds)


def _errno(*numbers: int) -> Match:
    return lambda error, _: not _numbers(error).isdisjoint(numbers)


def _numbers(error: BaseException) -> set[int]:
    """Of the system's errors only. Where a name's addresses failed in different ways, they stand in the text alone."""
    if not isinstance(error, OSError) or isinstance(error, ssl.SSLError | socket.gaierror):
        return set()
    if error.errno is None:
        return {int(number) for number in re.findall(r"\[Errno (\d+)\]", str(error.args[:1]))}
    return {error.errno}


def _resources(error: OSError, trial: Trial) -> Told:
    lacking = next((what for number, what in _LACKING.items() if number in _numbers(error)), "something")
    return "resources", f"this machine has no {lacking}"


def _blocked(error: BaseException, trial: Trial) -> Told:
    blocked = error if isinstance(error, Blocked) else trial.blocked
    assert blocked is not None
    where = f"{trial.place} is at {blocked.address}, in {blocked.network}"
    cure = "take the network out of SIDECAR_BLOCKED_NETWORKS if this endpoint is meant"
    return "blocked", f"{where}, which is blocked; {cure}"


def _proxy_says(error: aiohttp.ClientHttpProxyError, trial: Trial) -> Told:
    cure = "; put user and password into its URL" if error.status == 407 else ""
    return "proxy", f"the proxy {trial.proxy} answered {error.status} when asked for {trial.target.place}{cure}"


def _proxy_dead(error: BaseException, trial: Trial) -> Told:
    return "proxy", f"the proxy {trial.proxy} cannot be reached; see HTTPS_PROXY, HTTP_PROXY and NO_PROXY"


def _tls(error: ssl.SSLError, trial: Trial) -> Told:
    return "tls", f"{trial.place}: {tls.complaint(error, trial.target.host)}"


def _tls_closed(error: BaseException, trial: Trial) -> Told:
    cure = "it may want a client certificate (SIDECAR_ENDPOINT_<NAME>_CLIENT_CERT_FILE) or another version of TLS"
    return "tls", f"{trial.place} closed the connection in the middle of the TLS handshake; {cure}"


def _dns(error: OSError, trial: Trial) -> Told:
    why = (error.strerror or "no address").lower()
    return "dns", f"{trial.target.host} cannot be resolved: {why}"


def _not_an_address(error: BaseException, trial: Trial) -> Told:
    return "dns", f"{trial.target.host} is no name, and no address as it is written today; write four numbers"


def _timeout(error: BaseException, trial: Trial) -> Told:
    bound = f"within {trial.target.seconds:g} s"
    if trial.status:
        return "timeout", f"{trial.place} answered {trial.status}, but not to the end {bound}"
    return "timeout", f"no answer from {trial.place} {bound}"


def _cut_off(error: BaseException, trial: Trial) -> Told:
    return "cut-off", f"{trial.place} answered {trial.status}, and the answer broke off after {trial.read} bytes"


def _too_long(error: BaseException, trial: Trial) -> Told:
    return "protocol", f"{trial.place} answered with a header line longer than 8190 bytes"


def _not_http(error: HttpProcessingError, trial: Trial) -> Told:
    """The parser's complaint ends where it begins to quote."""
    complaint = re.split(r"(?<!\w)b?['\"]|\n\n", error.message.removeprefix("Bad status line:"))[0]
    words = " ".join(complaint.split()).rstrip(":")[:100]
    return "protocol", f"what {trial.place} answered is not HTTP/1.1: {_CLEARER.get(words, words)}"


def _refused(error: BaseException, trial: Trial) -> Told:
    return "refused", f"{trial.place} refused the connection: nobody listens there"


def _no_way(error: OSError, trial: Trial) -> Told:
    why = os.strerror(error.errno).lower() if error.errno else "its addresses failed in different ways"
    return "network", f"no way to {trial.place}: {why}"


def _reset(error: BaseException, trial: Trial) -> Told:
    return "reset", f"{trial.place} closed the connection before it answered"


def _begun(error: BaseException, trial: Trial) -> bool:
    """Within the head of an answer: aiohttp hands over what it has of it."""
    return isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)


def _head_cut_off(error: BaseException, trial: Trial) -> Told:
    return "cut-off", f"{trial.place} closed the connection in the middle of the answer's head"


def _in_handshake(error: BaseException, trial: Trial) -> bool:
    """A connection that is being made is closed by the other side at no other time."""
    return isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionError)


def _proxy_unknown(error: BaseException, trial: Trial) -> bool:
    return isinstance(error, aiohttp.ClientConnectorDNSError) and trial.target.proxy is not None


def _none_allowed(error: BaseException, trial: Trial) -> bool:
    """Where several addresses failed in different ways, aiohttp keeps the text alone."""
    return isinstance(error, aiohttp.ClientConnectorError) and trial.blocked is not None


_LACKING = {
    errno.EMFILE: "file descriptors left for a connection: raise the limit (ulimit -n) or lower SIDECAR_CONCURRENCY",
    errno.ENFILE: "file descriptors left for a connection, in all its processes",
    errno.ENOMEM: "memory left for a connection",
    errno.ENOBUFS: "buffers left for a connection",
    errno.EAGAIN: "threads left to look up a name",
    errno.EADDRNOTAVAIL: "local port left for a connection",
}

_CLEARER = {
    "Expected HTTP/, RTSP/ or ICE/": "it does not begin with HTTP/, or it goes on after its Content-Length",
}

_UNHEARD: tuple[Row, ...] = (
    (_errno(*_LACKING), _resources),
    (_is(Blocked), _blocked),
    (_is(aiohttp.ClientHttpProxyError), _proxy_says),
    (_is(aiohttp.ClientProxyConnectionError), _proxy_dead),
    (_proxy_unknown, _proxy_dead),
    (_is(ssl.SSLError), _tls),
    (_none_allowed, _blocked),
    (_is(socket.gaierror), _dns),
    (_is(aiohttp.ClientConnectorDNSError), _dns),
    (_is(aiohttp.InvalidURL), _not_an_address),
    (_is(TimeoutError), _timeout),
    (_is(LineTooLong), _too_long),
    (_is(HttpProcessingError), _not_http),
    (_begun, _head_cut_off),
    (_errno(errno.ECONNREFUSED), _refused),
    (_in_handshake, _tls_closed),
    (_is(ConnectionError, aiohttp.ServerDisconnectedError), _reset),
    (_is(aiohttp.ClientConnectorError), _no_way),
    (_is(aiohttp.ClientOSError), _reset),
)
"""Before an answer began. The first row that fits tells."""

_BROKEN_OFF: tuple[Row, ...] = (
    (_is(TimeoutError), _timeout),
    (_is(ContentLengthError, TransferEncodingError), _cut_off),
    (_is(LineTooLong), _too_long),
    (_is(HttpProcessingError), _not_http),
    (_is(Exception), _cut_off),
)
"""After its status was read."""
