"""One exchange straight on aiohttp's connector and protocol, past its `ClientSession`.

Law: only for what needs no proxy. What a session does for every request (merging headers, cookies, redirects) was done
once, for the endpoint; docs/decisions says what that is worth.
"""

import asyncio

import aiohttp

from sidecar.model import Request
from sidecar.transport import heads
from sidecar.transport.trial import READ, Trial

_FOREVER = aiohttp.ClientTimeout(total=None, sock_connect=None)
"""The attempt as a whole has a timeout, and no part of it another."""

MOST_INTERIM = 100
"""1xx answers that are passed over; a receiver that sends more will send nothing else."""


async def exchange(connector: aiohttp.TCPConnector, trial: Trial, request: Request) -> None:
    """Send `request`, and let `trial` hear the answer. Raises what aiohttp does."""
    target = trial.target
    ending = b"Content-Length: %d\r\n\r\n" % len(request.body)
    whole = b"".join((target.beginning, heads.lines(request.headers), ending, request.body))
    connection = None if connector.force_close else target.kept.take()
    if connection is None:
        connection = await connector.connect(target.connecting, [], _FOREVER)
    protocol = connection.protocol
    assert protocol is not None
    assert protocol.transport is not None
    if protocol.should_close:
        # Something came while the connection was idle: it answers no request of ours (RFC 9112, 9.2).
        abort(connection)
        raise aiohttp.ServerDisconnectedError
    try:
        protocol.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=READ)
        protocol.transport.write(whole)
        for _ in range(MOST_INTERIM):
            message, payload = await protocol.read()
            if message.code // 100 != 1 or message.code == 101:
                break
        trial.begin(message.code, message.headers)
        while chunk := await payload.readany():
            if not trial.hear(chunk):
                abort(connection)
                return
        if protocol.should_close or connector.force_close:
            connection.release()
        else:
            target.kept.put(connection)
    except BaseException:
        abort(connection)
        raise


def abort(connection: aiohttp.connector.Connection) -> None:
    """End it at once: a polite end of TLS would wait half a minute for a receiver that is too slow already."""
    transport = connection.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    connection.close()
