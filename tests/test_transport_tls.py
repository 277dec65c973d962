"""TLS, endpoint by endpoint. Law: real handshakes; what went wrong is told with the way out."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from receivers import (
    Receiver,
    Wire,
    at,
    connected,
    ok,
    receiving,
    sender,
    sent,
    shakes_hands,
    status,
)

from sidecar.errors import Misconfigured
from sidecar.model import Endpoint, Outcome, Response, Unreachable
from sidecar.transport import HttpTransport

CA = trustme.CA()
STRANGER = trustme.CA()
DELIVERED = Response(200, b"thanks")


def server(name: str = "127.0.0.1", *, ca: trustme.CA = CA, days: tuple[int, int] = (-1, 1)) -> ssl.SSLContext:
    """`days`: from when, and until when, its certificate is valid."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begin, end = (datetime.now(UTC) + timedelta(days=day) for day in days)
    ca.issue_cert(name, not_before=begin, not_after=end).configure_cert(context)
    return context


def wanting_a_certificate() -> ssl.SSLContext:
    context = server()
    context.verify_mode = ssl.CERT_REQUIRED
    CA.configure_trust(context)
    return context


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


def client_file(folder: Path, ca: trustme.CA) -> str:
    ca.issue_cert("sidecar.example").private_key_and_cert_chain_pem.write_to_path(str(folder / "client.pem"))
    return str(folder / "client.pem")


async def through(context: ssl.SSLContext, **fields: Any) -> Outcome:
    async with receiving(ok, tls=context) as receiver:
        return await sent(receiver.url(), **fields)


def told(outcome: Outcome) -> str:
    assert isinstance(outcome, Unreachable)
    assert outcome.reason == "tls"
    return outcome.detail.partition(": ")[2] or outcome.detail


async def test_a_certificate_of_the_ca_file_will_do(ca_file: str) -> None:
    assert await through(server(), ca_file=ca_file) == DELIVERED


async def test_connections_are_kept_over_tls_too(ca_file: str) -> None:
    async with receiving(ok, tls=server()) as receiver, sender(receiver.url(), ca_file=ca_file) as send:
        assert [await send(), await send()] == [DELIVERED] * 2
    assert receiver.connections == 1


UNTRUSTED = {
    "of a stranger": (
        server(ca=STRANGER),
        "its certificate is signed by an authority unknown here; name who signed it in",
    ),
    "expired": (server(days=(-2, -1)), "its certificate has expired"),
    "of tomorrow": (server(days=(1, 2)), "its certificate is not valid yet"),
    "of another address": (server("127.0.0.2"), "its certificate is for another address than 127.0.0.1"),
}


@pytest.mark.parametrize(("context", "detail"), UNTRUSTED.values(), ids=UNTRUSTED.keys())
async def test_a_certificate_that_proves_nothing_is_refused(context: ssl.SSLContext, detail: str, ca_file: str) -> None:
    assert told(await through(context, ca_file=ca_file)).startswith(detail)


@pytest.mark.parametrize(("context", "detail"), UNTRUSTED.values(), ids=UNTRUSTED.keys())
async def test_unless_it_need_not_be_verified(context: ssl.SSLContext, detail: str) -> None:
    assert await through(context, skip_verify=True) == DELIVERED


async def test_the_host_is_checked_by_the_name_in_the_url(ca_file: str) -> None:
    lookup = at("127.0.0.1")
    async with receiving(ok, tls=server("hooks.example")) as receiver:
        assert await sent(receiver.url(host="hooks.example"), ca_file=ca_file, lookup=lookup) == DELIVERED
        outcome = await sent(receiver.url(host="other.example"), ca_file=ca_file, lookup=lookup)
    assert told(outcome) == "its certificate is for another host than other.example"


async def test_a_self_signed_certificate_is_told_as_such(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "own.pem").write_bytes(CA.private_key_pem.bytes() + CA.cert_pem.bytes())
    context.load_cert_chain(tmp_path / "own.pem")
    assert told(await through(context)).startswith("its certificate is self-signed; name who signed it in")


async def test_our_certificate_is_shown_where_it_is_wanted(ca_file: str, tmp_path: Path) -> None:
    shown = client_file(tmp_path, CA)
    assert await through(wanting_a_certificate(), ca_file=ca_file, client_cert_file=shown) == DELIVERED


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", [None, STRANGER], ids=["none", "a stranger's"])
async def test_without_it_the_setting_is_named(
    newest: ssl.TLSVersion, shown: trustme.CA | None, ca_file: str, tmp_path: Path
) -> None:
    context = wanting_a_certificate()
    context.maximum_version = newest
    file = client_file(tmp_path, shown) if shown else ""
    async with connected(shakes_hands(context)) as receiver:
        outcome = await sent(f"https://127.0.0.1:{receiver.port}/", ca_file=ca_file, client_cert_file=file)
    assert "SIDECAR_ENDPOINT_<NAME>_CLIENT_CERT_FILE" in told(outcome)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_1_1_is_too_old(ca_file: str) -> None:
    context = server()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with connected(shakes_hands(context)) as receiver:
        outcome = await sent(f"https://127.0.0.1:{receiver.port}/", ca_file=ca_file)
    assert told(outcome) == "it speaks no version of TLS from 1.2 on"


async def test_plain_http_behind_an_https_url() -> None:
    async def serve(receiver: Receiver, wire: Wire) -> None:
        await wire.reader.read(1)
        await wire.say(status("400 Bad Request"))

    async with connected(serve) as receiver:
        outcome = await sent(f"https://127.0.0.1:{receiver.port}/")
    assert told(outcome) == "it does not speak TLS on this port; should its URL begin with http://?"


async def test_a_connection_that_ends_within_the_handshake() -> None:
    async def serve(receiver: Receiver, wire: Wire) -> None:
        await wire.reader.read(1)

    async with connected(serve) as receiver:
        outcome = await sent(f"https://127.0.0.1:{receiver.port}/")
    assert "in the middle of the TLS handshake" in told(outcome)


async def test_a_handshake_that_is_never_answered_ends_in_time() -> None:
    async def serve(receiver: Receiver, wire: Wire) -> None:
        await wire.hang()

    async with connected(serve) as receiver:
        outcome = await sent(f"https://127.0.0.1:{receiver.port}/", within=200)
    assert outcome == Unreachable("timeout", f"no answer from 127.0.0.1:{receiver.port} within 0.2 s")


async def test_a_silent_receiver_is_hung_up_on_without_a_farewell_it_could_delay(ca_file: str) -> None:
    async with (
        connected(shakes_hands(server())) as receiver,
        sender(f"https://127.0.0.1:{receiver.port}/", ca_file=ca_file, timeout=200) as send,
        asyncio.timeout(10),
    ):
        outcome = await send()
        await receiver.one_left()
    assert outcome == Unreachable("timeout", f"no answer from 127.0.0.1:{receiver.port} within 0.2 s")


async def test_tls_behind_an_http_url() -> None:
    async with receiving(ok, tls=server()) as receiver:
        outcome = await sent(f"http://127.0.0.1:{receiver.port}/")
    assert isinstance(outcome, Unreachable)
    assert outcome.reason in {"protocol", "reset"}


async def test_every_certificate_file_that_will_not_do_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    endpoints = [
        Endpoint("first-hook", "drone", "https://a.example/", ca_file=str(empty)),
        Endpoint("second", "drone", "https://b.example/", client_cert_file=str(empty)),
        Endpoint("plain", "drone", "http://c.example/", client_cert_file=str(empty)),
    ]
    with pytest.raises(Misconfigured) as caught:
        HttpTransport(endpoints=endpoints, blocked=(), proxy_for=lambda _: None)
    first, second = caught.value.faults
    assert first.startswith(f"SIDECAR_ENDPOINT_FIRST_HOOK_CA_FILE: {empty} cannot be used")
    assert second.startswith(f"SIDECAR_ENDPOINT_SECOND_CLIENT_CERT_FILE: {empty} cannot be used")


async def test_a_key_with_a_passphrase_is_not_asked_for_on_the_terminal(tmp_path: Path) -> None:
    key = serialization.load_pem_private_key(CA.private_key_pem.bytes(), None)
    sealed = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    (tmp_path / "sealed.pem").write_bytes(sealed + CA.cert_pem.bytes())
    endpoint = Endpoint("hook", "drone", "https://a.example/", client_cert_file=str(tmp_path / "sealed.pem"))
    with pytest.raises(Misconfigured, match="the key without a passphrase"):
        HttpTransport(endpoints=[endpoint], blocked=(), proxy_for=lambda _: None)
