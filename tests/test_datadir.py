"""The data directory. Law: what its permissions lack is told with whose it is, whose it should be, and the way out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.datadir import held

HOLD = """
import os, sys
from pathlib import Path
from sidecar.datadir import held
from sidecar.errors import Occupied
os.chdir(sys.argv[1])
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(65534)
try:
    with held(Path("data")):
        print("held")
except Occupied as refused:
    print(refused)
"""

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")


def as_another(folder: Path, *, group: int) -> str:
    """What uid 65534 of `group` is told of `folder`/data."""
    code = [sys.executable, "-c", HOLD, str(folder), str(group)]
    return subprocess.run(code, check=True, capture_output=True, text=True).stdout.rstrip("\n")


def directory(folder: Path, group: int, mode: int) -> Path:
    folder.chmod(0o755)
    made = folder / "data"
    made.mkdir()
    os.chown(made, 0, group)
    made.chmod(mode)
    return made


@root_only
@pytest.mark.parametrize(("group", "mode"), [(0, 0o770), (4711, 0o2775)], ids=["OpenShift", "fsGroup"])
def test_any_user_may_hold_a_datathat_its_group_may_write(tmp_path: Path, group: int, mode: int) -> None:
    directory(tmp_path, group, mode)
    assert as_another(tmp_path, group=group) == "held"


@root_only
def test_a_dataof_somebody_else_is_told_with_whose_it_is(tmp_path: Path) -> None:
    directory(tmp_path, 0, 0o755)
    assert as_another(tmp_path, group=4711) == (
        "SIDECAR_DATA_DIR=data cannot be used (Permission denied): make it a directory that uid 65534 (groups 4711) "
        "may write (it is uid 0's, of group 0, with mode 0755), or set SIDECAR_DATA_DIR to one"
    )


@root_only
@pytest.mark.parametrize("name", ["lock", "outbox.sqlite3", "outbox.sqlite3-wal", "registry.sqlite3", "secrets.json"])
def test_what_another_user_has_left_there_is_told_by_name(tmp_path: Path, name: str) -> None:
    left = directory(tmp_path, 4711, 0o2775) / name
    left.touch(0o600)
    assert as_another(tmp_path, group=4711) == (
        f"SIDECAR_DATA_DIR=data holds {name}, which uid 65534 (groups 4711) may not read and write "
        "(it is uid 0's, of group 4711, with mode 0600): run the sidecar as that user, or give it all that is there "
        "(chown -R 65534 data), or set SIDECAR_DATA_DIR to another directory"
    )


def test_a_stranger_s_file_is_no_matter(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "notes").touch(0o000)
    with held(data):
        pass
