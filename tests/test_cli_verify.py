"""`verify`: a saved request, checked step by step."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from signed import BODY, KEY, b64, plain, request, rfc9421
from signing_keys import KEY as SIGNING
from signing_keys import OLD_KEY, jwk, public_pem

from sidecar.cli.main import commands

GOLDEN = Path(__file__).parent / "golden"


def saved(
    headers: dict[str, str], body: bytes = BODY, *, line: bytes = b"POST /hooks HTTP/1.1\r\n", end: bytes = b"\r\n"
) -> bytes:
    fields = b"".join(f"{name}: {value}".encode() + end for name, value in headers.items())
    return line + fields + end + body


def run(*arguments: str, input: bytes = b"", **environ: str | None) -> Result:
    env = {"DRONE_WEBHOOK_SECRET": KEY.decode(), "DRONE_WEBHOOK_SECRET_FILE": None, **environ}
    return CliRunner().invoke(commands, ["verify", *arguments], input=input, env=env)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "saved.http"


def steps(result: Result) -> list[list[str]]:
    return [line.split()[:2] for line in result.stdout.splitlines()]


@pytest.mark.parametrize("line", [b"POST /hooks HTTP/1.1\r\n", b"POST https://ci.example/hooks\n", b"", b"\r\n"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_request_that_is_right_shows_every_step_and_exits_0(file: Path, line: bytes, end: bytes) -> None:
    file.write_bytes(saved({**request(), "Content-Length": str(len(BODY))}, line=line, end=end))
    result = run(str(file))
    assert (result.exit_code, result.stderr) == (0, "")
    assert steps(result) == [["✓", step] for step in ("length", "digest", "cavage", "standard", "event")]


def test_headers_and_body_may_be_apart_or_come_from_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "h").write_bytes(saved(request()).partition(b"\r\n\r\n")[0])
    (tmp_path / "b").write_bytes(BODY)
    assert run("--headers", f"{tmp_path}/h", "--body", f"{tmp_path}/b").exit_code == 0
    assert run("--headers", f"{tmp_path}/h", "--body", "-", input=BODY).exit_code == 0
    assert run("-", input=saved(request())).exit_code == 0


@pytest.mark.parametrize("place", [0, len(BODY) // 2, len(BODY) - 1])
def test_a_flipped_bit_is_found_and_exits_1(file: Path, place: int) -> None:
    body = bytearray(BODY)
    body[place] ^= 1
    file.write_bytes(saved(request(), bytes(body)))
    result = run(str(file))
    assert result.exit_code == 1
    assert ["✗", "digest"] in steps(result)
    assert ["✗", "standard"] in steps(result)
    assert result.stderr == "not verified: digest\n"


def test_a_signature_of_another_secret_is_told_from_a_changed_body(file: Path) -> None:
    file.write_bytes(saved(request(key=b"another")))
    result = run(str(file))
    assert steps(result) == [["✓", "digest"], ["✗", "cavage"], ["✗", "standard"], ["✓", "event"]]
    assert result.stderr == "not verified: cavage\n"
    assert KEY.decode() not in result.output


@pytest.mark.parametrize(
    ("key", "body", "remedy"),
    [
        (KEY, BODY + b"\n", "the body without the newline at its end"),
        (KEY, BODY + b"\r\n", "the body without the newline at its end"),
        (KEY + b"\n", BODY, "the secret with a newline at its end"),
        (bytes.fromhex(KEY.decode()), BODY, "the secret read as hexadecimal"),
    ],
)
def test_a_common_mistake_is_named(file: Path, key: bytes, body: bytes, remedy: str) -> None:
    file.write_bytes(saved(request(key=key), body))
    result = run(str(file))
    assert result.exit_code == 1
    assert f"it would be right with {remedy}\n" in result.stderr


def test_a_lost_byte_shows_in_the_length(file: Path) -> None:
    file.write_bytes(saved({**request(), "Content-Length": str(len(BODY))}, BODY[:-1]))
    assert f"Content-Length says {len(BODY)}, the body has {len(BODY) - 1} bytes" in run(str(file)).stdout


def test_time_is_checked_only_where_it_is_asked_for(file: Path) -> None:
    file.write_bytes(saved(request()))
    assert run(str(file)).exit_code == 0
    result = run(str(file), "--tolerance", "5m")
    assert result.exit_code == 1
    assert ["✗", "date"] in steps(result)
    assert ["✗", "timestamp"] in steps(result)


def test_the_secret_may_be_in_a_file_several_lines_of_it_or_another_variable(file: Path, tmp_path: Path) -> None:
    file.write_bytes(saved(request()))
    secret = tmp_path / "secret"
    secret.write_bytes(b"new\r\n\n" + KEY + b"\n")
    assert run(str(file), "--secret-file", str(secret), DRONE_WEBHOOK_SECRET=None).exit_code == 0
    assert run(str(file), DRONE_WEBHOOK_SECRET=None, DRONE_WEBHOOK_SECRET_FILE=str(secret)).exit_code == 0
    assert run(str(file), "--secret-env", "OTHER", OTHER=KEY.decode(), DRONE_WEBHOOK_SECRET="wrong").exit_code == 0
    assert run(str(file), "--secret", KEY.decode(), DRONE_WEBHOOK_SECRET="wrong").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--headers", "{file}"],
        ["{file}", "--headers", "{file}", "--body", "{file}"],
        ["{file}", "--secret-env", "NOT_SET"],
        ["{file}", "--secret", "a", "--secret-env", "HOME"],
        ["{file}", "--secret", "whsec_*"],
        ["{file}", "--secret-file", "/nowhere/secret"],
        ["{file}", "--dialect", "morse"],
        ["/nowhere/file"],
    ],
)
def test_a_wrong_command_line_exits_2(file: Path, arguments: list[str]) -> None:
    file.write_bytes(saved(request()))
    assert run(*(argument.format(file=file) for argument in arguments)).exit_code == 2


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "no blank line"),
        (b"Digest: x\n", "no blank line"),
        (b"POST / HTTP/1.1\nDigest x\n\n{}", "line 2 is no header"),
        (b"\x1b[2J\n\n{}", "line 1 is no header"),
    ],
)
def test_what_is_no_request_says_where(file: Path, raw: bytes, fault: str) -> None:
    file.write_bytes(raw)
    result = run(str(file))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{file}: {fault}")


URL = "https://ci.example/hooks"
LINE = b"POST /hooks HTTP/1.1\r\n"


def by_url(url: str = URL) -> bytes:
    return saved({"Host": "ci.example", **rfc9421(plain(), url)}, line=LINE)


def test_rfc9421_is_checked_by_the_saved_host_and_target_or_by_the_url_that_is_told(file: Path) -> None:
    file.write_bytes(by_url())
    result = run(str(file))
    assert steps(result) == [["✓", step] for step in ("digest", "content-digest", "rfc9421", "event")]
    assert run(str(file), "--url", URL).exit_code == 0
    file.write_bytes(by_url("https://proxy.example/hooks?a=b"))
    assert run(str(file), "--url", "https://proxy.example/hooks?a=b").exit_code == 0


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://ci.example/hooks", "http:// in place of https://"),
        (f"{URL}/", "the URL with a / at its end"),
    ],
)
def test_a_url_that_is_read_otherwise_is_named(file: Path, url: str, remedy: str) -> None:
    file.write_bytes(by_url(url))
    result = run(str(file))
    assert ["✗", "rfc9421"] in steps(result)
    assert result.stderr == f"it would be right with {remedy}\nnot verified: rfc9421\n"


@pytest.mark.parametrize("key", [public_pem(), json.dumps({"keys": [jwk()]}).encode()])
def test_a_public_key_needs_no_secret(file: Path, tmp_path: Path, key: bytes) -> None:
    text = b"evt-1.1." + BODY
    fields = {"webhook-timestamp": "1", "webhook-signature": f"v1a,{b64(SIGNING.sign(text))}"}
    file.write_bytes(saved({**plain(), **fields}))
    (tmp_path / "key").write_bytes(key)
    result = run(str(file), "--key", f"{tmp_path}/key", DRONE_WEBHOOK_SECRET=None)
    assert (result.exit_code, steps(result)) == (0, [["✓", "digest"], ["✓", "standard"], ["✓", "event"]])
    (tmp_path / "key").write_bytes(public_pem(OLD_KEY))
    assert run(str(file), "--key", f"{tmp_path}/key", DRONE_WEBHOOK_SECRET=None).exit_code == 1
    (tmp_path / "key").write_bytes(b"none")
    assert run(str(file), "--key", f"{tmp_path}/key").exit_code == 2


@pytest.mark.parametrize(
    ("dialect", "name", "variable", "secret", "schemes"),
    [
        ("pagure", "issue.edit", "PAGURE_WEBHOOK_KEY", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123", ["sha1", "sha256"]),
        ("launchpad", "git-push", "LAUNCHPAD_WEBHOOK_SECRET", "sekrit", ["sha1"]),
    ],
)
def test_other_dialects_are_checked_by_their_own_variable(
    dialect: str, name: str, variable: str, secret: str, schemes: list[str]
) -> None:
    path = GOLDEN / dialect / f"{name}.http"
    known: dict[str, Any] = {variable: secret}
    result = run(str(path), "--dialect", dialect, **known)
    assert result.exit_code == 1
    assert "it would be right with the body without the newline at its end\n" in result.stderr
    result = run("-", "--dialect", dialect, input=path.read_bytes()[:-1], **known)
    assert (result.exit_code, steps(result)) == (0, [["✓", step] for step in [*schemes, "event"]])
    known[variable] = None
    assert run(str(path), "--dialect", dialect, **known).exit_code == 2


def test_a_hostile_request_cannot_drive_the_terminal(file: Path) -> None:
    body = '{"event":"\x1b[2J\u202e"}'.encode()
    file.write_bytes(saved({**request(), "Content-Length": "\x1b[2J", "X-Drone-Event": "\x9b1m"}, body))
    assert run(str(file)).output.replace("\n", "").isprintable()
