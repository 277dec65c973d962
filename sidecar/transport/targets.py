"""Endpoints, made ready to be sent to.

Law: whatever does not change from one attempt to the next is made here, once: URL, credentials, TLS, proxy, room.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote_to_bytes

from aiohttp.client_reqrep import ClientRequest
from msgspec import Struct
from yarl import URL

from sidecar.model import Endpoint
from sidecar.transport import heads, tls
from sidecar.transport.kept import Deadline, Kept


class Target(Struct, frozen=True):
    """An endpoint as the wire sees it.

    Attributes:
        url: without user-info; its path and query are sent as they stand.
        authorization: what the URL's user-info says (RFC 7617), "" for none.
        beginning: how every request that needs no proxy begins.
        connecting: what a connector wants to know of a connection.
        seconds: for one attempt.
        room: for attempts in flight.
        deadline: of each of them.
        kept: connections that wait for the next one.
    """

    url: URL
    host: str
    port: int
    authorization: str
    beginning: bytes
    connecting: ClientRequest
    seconds: float
    context: tls.Context
    proxy: URL | None
    room: asyncio.Semaphore
    deadline: Deadline
    kept: Kept

    @property
    def place(self) -> str:
        """`host:port`, to be shown."""
        return f"{self.url.host_subcomponent}:{self.port}"


def prepare(endpoints: Sequence[Endpoint], proxy_for: Callable[[str], str | None], total: int) -> Mapping[str, Target]:
    """By name. Raises `Misconfigured` where a certificate file is none.

    Where all endpoints together may use more than `total` connections, each gets its share and no more: so none can use
    up what another needs.
    """
    contexts = tls.contexts(endpoints)
    wanted = sum(endpoint.concurrency for endpoint in endpoints)
    targets = {}
    for endpoint in endpoints:
        share = endpoint.concurrency if wanted <= total else max(1, endpoint.concurrency * total // wanted)
        proxy = proxy_for(endpoint.url)
        targets[endpoint.name] = _target(endpoint, contexts[tls.trust(endpoint)], proxy, share)
    return targets


def _target(endpoint: Endpoint, context: tls.Context, proxy: str | None, share: int) -> Target:
    whole = URL(endpoint.url, encoded=True)
    if whole.host is None or whole.port is None:
        raise ValueError(f"endpoint {endpoint.name}: its URL has no host")
    url, authorization = whole.with_user(None), _basic(whole)
    return Target(
        url=url,
        host=whole.host,
        port=whole.port,
        authorization=authorization,
        beginning=heads.beginning(endpoint, url, authorization),
        connecting=ClientRequest("POST", url, ssl=context),
        seconds=endpoint.timeout / 1000,
        context=context,
        proxy=URL(proxy) if proxy else None,
        room=asyncio.Semaphore(share),
        deadline=Deadline(endpoint.timeout / 1000),
        kept=Kept(),
    )


def _basic(url: URL) -> str:
    if url.raw_user is None and url.raw_password is None:
        return ""
    user, password = (unquote_to_bytes(part or "") for part in (url.raw_user, url.raw_password))
    return f"Basic {b64encode(user + b':' + password).decode()}"
