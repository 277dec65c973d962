"""What the unix socket promises: nobody connects before the mode is right, and nobody living is pushed aside.

Law: real sockets and files in a directory of the test's own.
"""

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from sidecar.errors import Occupied
from sidecar.unixsocket import LONGEST, Listener, listen, unlink_own


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "s.sock")


@pytest.fixture(params=[0o000, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True


def long_directory(tmp_path: Path, name: str) -> Path:
    """A directory in which `name` makes a path of just the longest length."""
    missing = LONGEST - len(str(tmp_path)) - len(name) - 2
    return tmp_path / ("d" * missing)


def test_it_listens_with_its_mode(path: str) -> None:
    with listen(path, 0o660):
        assert connects(path)
        assert mode(path) == 0o660


@pytest.mark.parametrize("wanted", [0o600, 0o660, 0o666])
def test_the_umask_changes_nothing_and_is_not_changed(path: str, umask: int, wanted: int) -> None:
    with listen(path, wanted):
        assert mode(path) == wanted
        assert os.umask(umask) == umask


def test_there_is_no_moment_at_which_anyone_may_connect_before_the_mode_is_right(path: str) -> None:
    """Another thread looks at the directory all the while: what bears our name has our mode, or is not there."""
    seen: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                seen.add(mode(path))
            except FileNotFoundError:
                continue

    watcher = threading.Thread(target=look)
    watcher.start()
    for _ in range(200):
        with listen(path, 0o600):
            pass
    done.set()
    watcher.join()
    assert seen <= {0o600}


def test_missing_directories_are_made_for_owner_and_group(tmp_path: Path, umask: int) -> None:
    if umask == 0o777:
        pytest.skip("not even root's tools work under this umask")
    path = tmp_path / "run" / "sidecar" / "s.sock"
    with listen(str(path), 0o660):
        assert (mode(path.parent), mode(path.parent.parent)) == (0o750, 0o750)


def test_directories_that_are_there_keep_their_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with listen(str(tmp_path / "s.sock"), 0o660):
        assert mode(tmp_path) == 0o711


def test_nothing_but_the_socket_is_left_in_the_directory(tmp_path: Path) -> None:
    with listen(str(tmp_path / "s.sock"), 0o660):
        assert [file.name for file in tmp_path.iterdir()] == ["s.sock"]


def test_a_relative_path_is_one_from_here(tmp_path: Path) -> None:
    with chdir(tmp_path):
        for path in ("s.sock", "./data/s.sock"):
            with listen(path, 0o660) as listener:
                assert connects(path)
                unlink_own(path, listener)
                assert not Path(path).exists()


# Taking over


def test_what_a_dead_one_left_is_taken_over(path: str) -> None:
    listen(path, 0o666).close()
    assert Path(path).is_socket()
    with listen(path, 0o600):
        assert connects(path)
        assert mode(path) == 0o600


def test_a_killed_process_leaves_nothing_in_the_way(path: str) -> None:
    code = "import sys, os; from sidecar.unixsocket import listen; listen(sys.argv[1], 0o600); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, path], check=False)
    assert Path(path).is_socket()
    with listen(path, 0o600):
        assert connects(path)


def test_one_that_died_just_before_is_no_hindrance(tmp_path: Path) -> None:
    """Between binding and renaming."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / ".sidecar.sock.new"))
    with listen(str(tmp_path / "s.sock"), 0o660):
        assert [file.name for file in tmp_path.iterdir()] == ["s.sock"]


def test_a_living_one_is_left_alone(path: str) -> None:
    with listen(path, 0o660) as living:
        with pytest.raises(Occupied, match=r"another sidecar listens on .*s\.sock: stop it, or set SIDECAR_SOCKET"):
            listen(path, 0o660)
        assert connects(path)
        assert living.file == (Path(path).stat().st_dev, Path(path).stat().st_ino)


def test_a_living_one_too_busy_to_accept_is_left_alone(path: str) -> None:
    """Its queue is full; that is no sign of death."""
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(path)
        busy.listen(0)
        waiting = []
        try:
            while True:
                client = socket.socket(socket.AF_UNIX)
                waiting.append(client)
                client.settimeout(0)
                client.connect(path)
        except BlockingIOError:
            pass
        with pytest.raises(Occupied, match="another sidecar listens"):
            listen(path, 0o660)
        for client in waiting:
            client.close()


@pytest.mark.parametrize("kind", ["file", "directory", "link", "pipe"])
def test_what_is_no_socket_is_left_alone(path: str, kind: str) -> None:
    """Not even a link to one is followed."""
    make: dict[str, Callable[[], object]] = {
        "file": lambda: Path(path).write_text("precious"),
        "directory": lambda: Path(path).mkdir(),
        "link": lambda: Path(path).symlink_to("elsewhere.sock"),
        "pipe": lambda: os.mkfifo(path),
    }
    make[kind]()
    before = os.lstat(path)
    with pytest.raises(Occupied, match=r"s\.sock is there, and is no socket: move it away, or set SIDECAR_SOCKET"):
        listen(path, 0o660)
    assert os.lstat(path).st_ino == before.st_ino


def test_a_socket_of_another_kind_is_left_alone(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(path)
        with pytest.raises(OSError, match="SIDECAR_SOCKET"):
            listen(path, 0o660)


def test_of_many_that_start_at_once_one_wins(path: str) -> None:
    """The others hear of it; none pushes another aside."""
    won: list[Listener] = []
    lost: list[Occupied] = []
    start = threading.Barrier(8)

    def run() -> None:
        start.wait()
        try:
            won.append(listen(path, 0o660))
        except Occupied as occupied:
            lost.append(occupied)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert connects(path)
    won[0].close()


def test_who_starts_waits_for_who_is_starting(tmp_path: Path) -> None:
    """The directory is locked for the moment it takes, also against sockets of other names."""
    started = threading.Event()
    directory = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    made: list[Listener] = []

    def run() -> None:
        started.set()
        made.append(listen(str(tmp_path / "s.sock"), 0o660))

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    assert list(tmp_path.iterdir()) == []
    os.close(directory)
    thread.join()
    made[0].close()
    assert connects(str(tmp_path / "s.sock")) is False


# Going


def test_its_file_goes_with_it(path: str) -> None:
    with listen(path, 0o660) as listener:
        unlink_own(path, listener)
        assert not Path(path).exists()


def test_the_file_of_a_successor_stays(path: str) -> None:
    with listen(path, 0o660) as first:
        first.close()
        with listen(path, 0o660):
            unlink_own(path, first)
            assert connects(path)


@pytest.mark.parametrize("missing", ["file", "directory"])
def test_a_file_that_is_gone_already_is_no_error(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "run" / "s.sock"
    with listen(str(path), 0o660) as listener:
        path.unlink()
        if missing == "directory":
            path.parent.rmdir()
        unlink_own(str(path), listener)


# Where it cannot be


def test_a_path_may_be_as_long_as_a_socket_allows(tmp_path: Path) -> None:
    """Though the name it is bound under at first is longer."""
    path = long_directory(tmp_path, "s") / "s"
    assert len(str(path)) == LONGEST
    with listen(str(path), 0o660):
        assert connects(str(path))
        assert mode(path) == 0o660


def test_a_path_that_is_too_long_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"107 bytes .* set SIDECAR_SOCKET to a shorter one") as refused:
        listen(str(long_directory(tmp_path, "s") / "ss"), 0o660)
    assert refused.value.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("where", ["file/s.sock", "file/run/s.sock"])
def test_a_directory_that_cannot_be_is_told_by_the_setting(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot listen at .*s\.sock: .* SIDECAR_SOCKET"):
        listen(str(tmp_path / where), 0o660)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_missing_permission_is_told_by_the_setting(tmp_path: Path) -> None:
    """As a user who may look into the directory, and not write there."""
    code = """
import os, sys
from sidecar.unixsocket import listen
directory = os.open(sys.argv[1], os.O_RDONLY)
os.setuid(65534)
os.fchdir(directory)
try:
    listen("s.sock", 0o660)
except PermissionError as refused:
    print(refused.strerror)
"""
    tmp_path.chmod(0o755)
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    assert told.stdout == (
        "cannot listen at s.sock: Permission denied; let the sidecar's user (uid 65534, group 0) write in ., "
        "or set SIDECAR_SOCKET to another path\n"
    )
