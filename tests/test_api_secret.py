"""What the socket promises of an endpoint's secret. Law: as in api_rig.py; the file is a real one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from api_rig import HOOK, JSON, PLAIN, PROBLEM, Answer, House, house
from msgspec import structs
from structlog.testing import capture_logs

from sidecar.model import Secret
from sidecar.registry import FileRegistry

TEXT = {"Content-Type": "text/plain"}
HUSH = b"hush-hush"
ROUTE = "/endpoints/hook/secret"
HUBBED = structs.replace(HOOK, name="hubbed", signatures=("hub",))


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, endpoints=(HOOK, HUBBED, PLAIN)) as served:
        yield served


async def put(sidecar: House, body: bytes, headers: Any = TEXT, name: str = "hook") -> Answer:
    return await sidecar.ask("PUT", f"/endpoints/{name}/secret", data=body, headers=headers)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (TEXT, b"hush", [b"hush"]),
        (TEXT, b"hush\n", [b"hush"]),
        (TEXT, b"new\r\nold\r\n", [b"new", b"old"]),
        (TEXT, b" \xff spaces and bytes ", [b" \xff spaces and bytes "]),
        (TEXT, b"\n".join([b"%d" % n for n in range(8)]), [b"%d" % n for n in range(8)]),
        (TEXT, b"x" * 1024, [b"x" * 1024]),
        (TEXT, b"whsec_aHVzaA==", [b"whsec_aHVzaA=="]),
        ({"Content-Type": "text/plain; charset=utf-8"}, b"hush", [b"hush"]),
        (JSON, b'{"secret": "h\\u00fcsh"}', ["hüsh".encode()]),
        (JSON, b'{"secrets": ["new", "old"]}', [b"new", b"old"]),
    ],
)
async def test_a_secret_is_taken_and_used(
    sidecar: House, tmp_path: Path, headers: dict[str, str], body: bytes, expected: list[bytes]
) -> None:
    answer = await put(sidecar, body, headers)
    assert (answer.status, answer.json["name"], answer.json["overridden"]) == (200, "hook", True)
    assert sidecar.control.secrets == {"hook": tuple(map(Secret, expected))}
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    listed = (await sidecar.get("/endpoints")).json["endpoints"]
    assert [one["overridden"] for one in listed] == [True, False, False]
    assert listed[0] == answer.json


async def test_deleting_goes_back_to_the_configured_one_however_often(sidecar: House) -> None:
    await put(sidecar, HUSH)
    for _ in range(2):
        answer = await sidecar.ask("DELETE", ROUTE)
        assert (answer.status, answer.json["overridden"]) == (200, False)
        assert sidecar.control.secrets == {}


@pytest.mark.parametrize(
    ("headers", "body", "status", "says"),
    [
        (TEXT, b"", 422, "there are 0 secrets; send 1 to 8"),
        (TEXT, b"\n", 422, "there are 0 secrets"),
        (TEXT, b"\n".join([HUSH] * 9), 422, "there are 9 secrets"),
        (TEXT, HUSH + b"\n" + HUSH * 200, 422, "secret 2 has 1800 bytes"),
        (TEXT, HUSH + b"\0", 422, "secret 1 holds a NUL byte"),
        (TEXT, b"whsec_hush!", 422, "begins with whsec_, and what follows is no base64"),
        (TEXT, b"good\nwhsec_", 422, "begins with whsec_, and what follows is no base64"),
        (TEXT, HUSH * 10_000, 413, "at most 65536 bytes"),
        (JSON, b"", 400, "not JSON"),
        (JSON, b"hush", 400, "not JSON"),
        (JSON, b'"\xff"', 400, "not JSON"),
        (JSON, b"[" * 60_000, 400, "not JSON"),
        (JSON, b'"hush"', 422, "nothing else"),
        (JSON, b'{"secret": 7}', 422, "nothing else"),
        (JSON, b'{"secret": "hush", "secrets": ["hush"]}', 422, "nothing else"),
        (JSON, b'{"secret": "good", "hush": "hush"}', 422, "nothing else"),
        (JSON, b'{"secrets": "hush"}', 422, "nothing else"),
        (JSON, b'{"secrets": ["hush", null]}', 422, "nothing else"),
        (JSON, b'{"secrets": []}', 422, "there are 0 secrets"),
        (JSON, b'{"secret": ""}', 422, "secret 1 has 0 bytes"),
        (JSON, b'{"secret": "hu\\u0000sh"}', 422, "NUL"),
        ({}, HUSH, 415, "Content-Type: text/plain"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, HUSH, 415, "Content-Type: text/plain"),
        ({**TEXT, "Content-Encoding": "gzip"}, HUSH, 415, "send the body as it is"),
    ],
)
async def test_what_is_no_secret_is_refused_without_repeating_it(
    sidecar: House, headers: dict[str, str], body: bytes, status: int, says: str
) -> None:
    with capture_logs() as logs:
        answer = await put(sidecar, body, headers)
    assert (answer.status, answer.headers["Content-Type"], logs) == (status, PROBLEM, [])
    assert says in answer.json["detail"]
    assert b"hush" not in answer.body
    assert sidecar.control.secrets == {}
    assert not (Path(sidecar.path).parent / "secrets.json").exists()


async def test_an_endpoint_that_does_not_sign_so_may_have_any_key(sidecar: House) -> None:
    assert (await put(sidecar, b"whsec_hush!", name="hubbed")).status == 200


async def test_an_unknown_endpoint_is_said_before_the_body_is_looked_at(sidecar: House) -> None:
    for answer in (await put(sidecar, b"", {}, "old"), await sidecar.ask("DELETE", "/endpoints/old/secret")):
        assert (answer.status, answer.headers["Content-Type"]) == (404, PROBLEM)
        assert "configured: hook, hubbed, plain" in answer.json["detail"]


async def test_a_secret_is_never_read_back(sidecar: House) -> None:
    answer = await sidecar.get(ROUTE)
    assert (answer.status, answer.headers["Allow"]) == (405, "DELETE, PUT")


async def test_a_change_is_logged_without_the_secret(sidecar: House) -> None:
    with capture_logs() as logs:
        await put(sidecar, HUSH)
        await sidecar.ask("DELETE", ROUTE)
        await sidecar.ask("DELETE", ROUTE)
    changed = {"event": "endpoint.secret_changed", "endpoint": "hook", "log_level": "info"}
    by_name = [line for line in logs if line["event"] == "endpoint.secret_changed"]
    assert by_name == [{**changed, "action": "set"}, {**changed, "action": "deleted"}]
    assert "hush" not in str(logs).lower()


async def test_of_many_changes_at_once_the_one_in_use_is_the_one_on_disk(sidecar: House, tmp_path: Path) -> None:
    answers = await asyncio.gather(*(put(sidecar, b"secret %d" % n) for n in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert sidecar.control.secrets == FileRegistry(tmp_path).secrets()


async def test_where_it_cannot_be_kept_it_is_not_used_and_the_way_out_is_told(sidecar: House, tmp_path: Path) -> None:
    (tmp_path / "secrets.json.new").mkdir()
    answer = await put(sidecar, HUSH)
    assert (answer.status, sidecar.control.secrets) == (500, {})
    assert str(tmp_path / "secrets.json") in answer.json["detail"]
    assert b"hush" not in answer.body
