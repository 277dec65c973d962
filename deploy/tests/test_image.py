"""The image, built and run: hardened, stopped, killed, under other users. Law: real containers; what is promised of
delivery is shown across them: an application, the sidecar, and a receiver that verifies.
"""

import json
from collections.abc import Callable

import pytest
from containers import ENDPOINT, ENGINE, HARDENED, IMAGE, SECRET, SMALL, Lab, engine

Figure = Callable[[str], None]

SIZES = """
import os
def size(path):
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(path) for name in names)
packages = next(path for path in __import__('sys').path if path.endswith('site-packages'))
parts = {name: size(os.path.join(packages, name)) for name in os.listdir(packages)}
big = sorted(parts, key=parts.get)[-6:]
standard = size(os.path.dirname(os.__file__))
rest = size('/usr') - standard
print(f'packages {sum(parts.values()) / 1e6:.0f}, of these', *(f'{name} {parts[name] / 1e6:.0f}' for name in big[::-1]))
print(f'; the standard library {standard / 1e6:.0f}; Python and the libraries of the system {rest / 1e6:.0f}')
"""

START = """
import os, subprocess, sys, tempfile, time
folder = tempfile.mkdtemp()
env = {**os.environ, 'SIDECAR_DATA_DIR': folder, 'SIDECAR_SOCKET': folder + '/s', 'SIDECAR_ADMIN_LISTEN': 'off'}
began = time.monotonic()
with subprocess.Popen(['sidecar', 'serve'], env=env, stdout=subprocess.PIPE) as it:
    while b'sidecar.ready' not in it.stdout.readline():
        pass
    took = time.monotonic() - began
    it.terminate()
used = os.times()
print(f'{took:.2f} {used.children_user + used.children_system:.2f}')
"""

UNCOMPILED = """
import os, sys
import sidecar.app, sidecar.cli.main
cached = [(name, getattr(module, '__cached__', None)) for name, module in list(sys.modules.items())]
print([name for name, path in cached if path and not os.path.exists(path)])
"""

LOAD = """
import importlib, pkgutil, socket, sidecar
names = [it.name for it in pkgutil.walk_packages(sidecar.__path__, 'sidecar.') if not it.name.endswith('__main__')]
for name in names:
    importlib.import_module(name)
assert ('127.0.0.1', 80) in [address for *_, address in socket.getaddrinfo('localhost', 80)]
print(len(names))
"""

CHECK = """
import resource, subprocess, time
began = time.monotonic()
assert subprocess.run(['sidecar', 'health']).returncode == 0
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f'{(used.ru_utime + used.ru_stime) * 1000:.0f} ms of CPU, {used.ru_maxrss / 1024:.0f} MB')
"""


def python(code: str, *options: str) -> str:
    """What `code` prints in the image."""
    return engine("run", "--rm", "--network=none", "--entrypoint=python", *options, IMAGE, "-c", code).strip()


def test_it_holds_no_shell_no_pip_and_no_compiler_and_says_what_it_weighs(figure: Figure) -> None:
    found = python(
        "import importlib.util, os\n"
        "names = {name for at, _, names in os.walk('/') for name in names if not at.startswith(('/proc', '/sys'))}\n"
        "programs = names & {'sh', 'bash', 'dash', 'pip', 'pip3', 'apt', 'dpkg', 'gcc', 'cc', 'ld', 'perl'}\n"
        "print(programs or importlib.util.find_spec('pip') or importlib.util.find_spec('ensurepip'))"
    )
    assert found == "None"
    size = int(engine("image", "inspect", "--format={{.Size}}", IMAGE))
    figure(f"size: {size / 1e6:.0f} MB in all: {' '.join(python(SIZES).split())}")


def test_it_says_what_it_is(figure: Figure) -> None:
    config = json.loads(engine("image", "inspect", "--format={{json .Config}}", IMAGE))
    version = engine("run", "--rm", "--network=none", IMAGE, "--version").split()[-1]
    assert config["Labels"]["org.opencontainers.image.version"] == version
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert (config["User"], config["StopSignal"], config["Entrypoint"]) == ("10001:0", "SIGTERM", ["sidecar"])
    assert set(config["Volumes"]) == {"/var/lib/sidecar", "/run/sidecar"}


def test_all_bytecode_is_compiled_in() -> None:
    """A read-only file system would have every start compile what is missing."""
    assert python(UNCOMPILED, "--read-only") == "[]"


def test_every_part_of_the_sidecar_can_be_loaded_and_names_are_looked_up() -> None:
    """So no library is missing that something loads late."""
    assert int(python(LOAD, "--read-only")) > 100


def test_it_trusts_the_certificates_that_the_base_does() -> None:
    assert int(python("import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'])")) > 50


def test_from_start_to_ready(figure: Figure) -> None:
    sends = ("--env=DRONE_WEBHOOK_ENDPOINT=http://127.0.0.1:9/", f"--env=DRONE_WEBHOOK_SECRET={SECRET}")
    runs = sorted(python(START, *HARDENED, *SMALL, "--tmpfs=/tmp", *sends).split() for _ in range(3))
    figure(f"start to ready, in the container: {runs[0][0]} s at best of three; CPU, with the stop: {runs[0][1]} s")


def test_events_of_another_container_reach_a_third_verified_and_sigterm_drains_with_0(lab: Lab, figure: Figure) -> None:
    data, run = lab.volume(), lab.volume()
    sidecar = lab.sidecar(data=data, run=run)
    sidecar.event("sidecar.ready")
    receiver = lab.receiver(sidecar)
    lab.app(run, "--builds=50", "--every=0").until("build 50 success")
    receiver.until("✓ 204", count=100)
    assert sidecar.healthy()
    figure(f"one HEALTHCHECK within 128 MB: {sidecar.exec('python', '-c', CHECK).strip()}")
    assert sidecar.stop() == 0
    assert sidecar.event("sidecar.stopped")["waiting"] == 0
    assert not [line for line in receiver.lines(1) if "✗" in line]


def test_the_application_stops_first_and_its_last_event_is_delivered_within_the_drain(lab: Lab) -> None:
    data, run = lab.volume(), lab.volume()
    sidecar = lab.sidecar(data=data, run=run)
    app = lab.app(run, "--every=3600")
    receiver = lab.receiver(sidecar)
    receiver.until("build:created")
    assert app.stop() == 0
    app.until("build 1 killed")
    assert sidecar.stop() == 0
    told = sidecar.event("sidecar.stopped")
    assert (told["waiting"], told["drained"]) == (0, True)
    receiver.until("build:updated")


def test_killed_with_events_waiting_all_are_delivered_after_a_start_on_the_same_volume(lab: Lab) -> None:
    """They wait because the endpoint is paused: so it is still, after the start, and no probe's time matters."""
    data, run = lab.volume(), lab.volume()
    first = lab.sidecar(data=data, run=run)
    first.event("sidecar.ready")
    first.exec("sidecar", "pause", ENDPOINT)
    lab.app(run, "--builds=20", "--every=0").until("build 20 success")
    first.kill()
    second = lab.sidecar(data=data, run=run)
    assert second.event("sidecar.ready")["waiting"] == 40
    receiver = lab.receiver(second)
    second.exec("sidecar", "resume", ENDPOINT)
    receiver.until("✓ 204", count=40)
    assert second.stop() == 0
    assert second.event("sidecar.stopped")["waiting"] == 0


def test_a_secret_file_is_read_again_at_a_sighup_sent_from_within(lab: Lab) -> None:
    """Process 1 of a container gets no signal that it has not asked for."""
    secrets = lab.volume()
    lab.root(secrets, f"open('/v/webhook', 'w').write('{SECRET}')")
    reads = {"DRONE_WEBHOOK_SECRET": "", "DRONE_WEBHOOK_SECRET_FILE": "/etc/sidecar/webhook"}
    mount = f"--volume={secrets}:/etc/sidecar:ro"
    sidecar = lab.sidecar(mount, data=lab.volume(), run=lab.volume(), **reads)
    sidecar.event("sidecar.ready")
    lab.root(secrets, f"open('/v/webhook', 'w').write('{SECRET[::-1]}')")
    sidecar.exec("python", "-c", "import os; os.kill(1, 1)")
    assert sidecar.event("config.reloaded")["endpoints"] == 1


@pytest.mark.parametrize(
    ("user", "owner", "more"),
    [
        ("1000680000:0", (0, 0, 0o770), ()),
        ("10001:10001", (0, 4711, 0o2775), ("--group-add=4711",)),
        ("4712:4712", (0, 4711, 0o2775), ("--group-add=4711",)),
    ],
    ids=["any uid of group 0, as on OpenShift", "fsGroup", "any uid, and fsGroup"],
)
def test_it_runs_as_any_user_whose_group_may_write(
    lab: Lab, user: str, owner: tuple[int, int, int], more: tuple[str, ...]
) -> None:
    sidecar = lab.sidecar(f"--user={user}", *more, data=lab.volume(*owner), run=lab.volume(*owner))
    sidecar.event("sidecar.ready")
    assert sidecar.healthy()
    assert sidecar.stop() == 0


def test_volumes_that_the_engine_makes_are_right_as_they_are(lab: Lab) -> None:
    sidecar = lab.start(*HARDENED, *SMALL, "--network=none", IMAGE)
    sidecar.event("sidecar.ready")


@pytest.mark.parametrize(
    ("data", "run", "way_out"),
    [
        ((0, 0, 0o755), (10001, 0, 0o770), "make it a directory that uid 10001 (groups 0) may write (it is uid 0's"),
        ((10001, 0, 0o770), (0, 0, 0o755), "let the sidecar's user (uid 10001, group 0) write in /run/sidecar"),
    ],
    ids=["data", "socket"],
)
def test_a_volume_of_somebody_else_is_told_with_the_way_out(
    lab: Lab, data: tuple[int, int, int], run: tuple[int, int, int], way_out: str
) -> None:
    sidecar = lab.sidecar(data=lab.volume(*data), run=lab.volume(*run))
    assert way_out in sidecar.event("sidecar.failed")["detail"]
    assert int(engine("wait", sidecar.name)) == 1


def test_files_that_another_user_has_left_are_told_with_the_way_out(lab: Lab) -> None:
    data, run = lab.volume(), lab.volume()
    lab.root(data, "import os; os.umask(0o077); open('/v/outbox.sqlite3', 'w')")
    detail = lab.sidecar(data=data, run=run).event("sidecar.failed")["detail"]
    assert "holds outbox.sqlite3, which uid 10001" in detail
    assert "chown -R 10001 /var/lib/sidecar" in detail


def services(*names: str) -> dict[str, str]:
    """What a kubelet puts into the environment for Services of these names (docs: Environment variables)."""
    made: dict[str, str] = {}
    for name in (name.upper().replace("-", "_") for name in names):
        made |= {
            f"{name}_SERVICE_HOST": "10.0.0.11",
            f"{name}_SERVICE_PORT": "8484",
            f"{name}_SERVICE_PORT_ADMIN": "8484",
            f"{name}_PORT": "tcp://10.0.0.11:8484",
            f"{name}_PORT_8484_TCP": "tcp://10.0.0.11:8484",
            f"{name}_PORT_8484_TCP_PROTO": "tcp",
            f"{name}_PORT_8484_TCP_PORT": "8484",
            f"{name}_PORT_8484_TCP_ADDR": "10.0.0.11",
        }
    return made


def test_it_serves_beside_services_that_are_named_like_it(lab: Lab) -> None:
    variables = services("sidecar", "drone-webhook-sidecar", "sidecar-endpoint-ci")
    sidecar = lab.sidecar(data=lab.volume(), run=lab.volume(), **variables)
    assert sidecar.event("sidecar.ready")["endpoints"] == 1
    assert sidecar.healthy()


def test_the_engine_is_named(figure: Figure) -> None:
    figure(f"engine: {engine('--version').strip()} ({ENGINE})")
