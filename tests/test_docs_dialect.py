"""The page on adding a dialect is true: what stands there is taken from there, and works.

Law: the page's own files, in a folder; its module sends an event through the real parts to a real receiver. Time alone
is made up, because the golden file's has passed.
"""

import asyncio
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import ClientSession, UnixConnector
from clocks import FakeClock
from hook import hook
from test_docs_run import ROOT, steps

from sidecar import api, dialects, unixsocket
from sidecar.api import make_app, serving
from sidecar.dispatcher import Dispatcher, Parts
from sidecar.meters import Meters
from sidecar.model import Endpoint, Instance, Secret
from sidecar.outboxes.sqlite import open_outbox
from sidecar.ports import Dialect
from sidecar.registry import FileRegistry, SqliteHooks, SqliteReplays, open_file, open_projects
from sidecar.replays import Replayer
from sidecar.settings import families
from sidecar.transport import HttpTransport
from sidecar.web.gate import Gate

PAGE = (ROOT / "docs/howto/add-a-dialect.md").read_text("utf-8")
FILES = {step.note: step.text for step in steps(PAGE) if step.act == "file"}
MODULE, TEST = "sidecar/dialects/cloudevents.py", "tests/test_cloudevents.py"
NAME = "sidecar.dialects.cloudevents"
NOW = 1_767_323_045_000
KEY = Secret(b"0123456789abcdef0123456789abcdef")
RAW = FILES["tests/golden/cloudevents/build-finished.json"].encode()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files, where the page has them."""
    top = tmp_path_factory.mktemp("d")
    for name, text in FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, "utf-8")
    return top


@pytest.fixture
def cloudevents(folder: Path) -> Iterator[ModuleType]:
    """The page's module, under its name in the package."""
    yield loaded(NAME, folder / MODULE)
    del sys.modules[NAME]


def loaded(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_s_own_test_passes(cloudevents: ModuleType, folder: Path) -> None:
    loaded("test_cloudevents", folder / TEST).test_the_request_is_the_golden_one()
    del sys.modules["test_cloudevents"]


def test_the_signature_is_openssl_s(folder: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here; the golden signature was not made anew")
    [script] = [step.text for step in steps(PAGE) if step.act == "run"]
    made = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert f"webhook-signature: v1,{made}" in FILES["tests/golden/cloudevents/build-finished.http"]


def test_the_line_fits_into_the_table() -> None:
    diff = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()
    table = Path(dialects.__file__).read_text("utf-8").splitlines()
    assert [line[0] for line in diff] == [" ", "+", " "]
    assert {diff[0][1:], diff[2][1:]} <= set(table)


def test_the_family_is_one(cloudevents: ModuleType) -> None:
    code = re.findall(r"```python\n(CLOUDEVENTS = .*?)```", PAGE, re.DOTALL)[0]
    names = {**vars(families), "FAMILIES": dict(families.FAMILIES)}
    exec(code, names)
    assert names["FAMILIES"]["cloudevents"].group.settings[0].field == "urls"


@pytest.mark.parametrize("name", [MODULE, TEST])
@pytest.mark.parametrize("command", [("check", "--quiet"), ("format", "--check")])
def test_the_code_keeps_the_house_s_rules(name: str, command: tuple[str, ...]) -> None:
    whole = [sys.executable, "-m", "ruff", *command, "--stdin-filename", name, "-"]
    done = subprocess.run(whole, input=FILES[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


async def no_metrics(_: str) -> tuple[bytes, str]:
    return b"", "text/plain"


@asynccontextmanager
async def house(folder: Path, dialect: Dialect, endpoint: Endpoint) -> AsyncIterator[ClientSession]:
    """All of the road, with one dialect; HTTP over its socket."""
    clock, instance, table = FakeClock(NOW), Instance(version="1"), {"cloudevents": dialect}
    async with AsyncExitStack() as stack:
        outbox = await open_outbox(folder, now=clock.now, hold=0, order="subject", max_size=2**20, ballast=0)
        stack.push_async_callback(outbox.close)
        transport = HttpTransport(endpoints=[endpoint], blocked=(), proxy_for=lambda _: None)
        stack.push_async_callback(transport.close)
        parts = Parts(outbox, transport, clock, table, instance, schedule=(), random=lambda: 0.5)
        dispatcher = Dispatcher([endpoint], {}, parts)
        running = asyncio.ensure_future(dispatcher.run())
        stack.push_async_callback(asyncio.wait, [running])
        stack.callback(dispatcher.drain)
        file = await open_file(folder)
        stack.push_async_callback(file.close)
        app = make_app(
            api.Parts(
                outbox=outbox,
                registry=FileRegistry(folder),
                projects=await open_projects(file),
                hooks=SqliteHooks(file),
                replaying=Replayer(SqliteReplays(file), outbox, clock, [endpoint.name]),
                control=dispatcher,
                clock=clock,
                configured=[endpoint],
                instance=instance,
                dialects=table,
                max_event_size=2**20,
                gate=Gate(),
                new_id=lambda _: "made-here",
                observer=Meters((), NOW),
                metrics=no_metrics,
                new_secret=lambda: "hush",
                attempts=10,
            )
        )
        path = str(folder / "s")
        await stack.enter_async_context(serving(app, unixsocket.listen(path, 0o600), patience=0.1))
        yield await stack.enter_async_context(ClientSession("http://sidecar", connector=UnixConnector(path)))


async def test_an_event_goes_through_and_arrives_as_the_golden_file_has_it(cloudevents: Dialect, folder: Path) -> None:
    golden, _, body = FILES["tests/golden/cloudevents/build-finished.http"].partition("\n\n")
    async with hook() as receiver:
        endpoint = Endpoint("hooks", "cloudevents", receiver.url, (KEY,), events=("com.example.*",))
        async with house(folder, cloudevents, endpoint) as session:
            json = {"Content-Type": "application/json"}
            async with session.post("/events/cloudevents", data=RAW, headers=json) as answer:
                assert (answer.status, (await answer.json())["id"]) == (202, "run-7")
            await receiver.until_good(1)
            async with session.post("/endpoints/hooks/ping") as answer:
                assert answer.status == 202
            await receiver.until_good(2)
            async with session.post("/events/cloudevents", data=b'{"id": "run-8"}', headers=json) as answer:
                assert answer.status == 422
    event, ping = receiver.good
    assert event.body.decode() == body.rstrip("\n")
    assert dict(line.split(": ", 1) for line in golden.splitlines()).items() <= event.headers.items()
    assert ping.event == "made-here"
