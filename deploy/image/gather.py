"""Gather what a Python program runs on into one folder, which becomes an image.

    python gather.py FOLDER VENV

Law: what is not needed to run is not there: no shell, no package manager, no compiler. What is there can be told by
a scanner: of every Debian package that a file comes from, the record comes too. All bytecode is compiled in, and is
never compared with its source: the image is read only, and times of files differ from builder to builder.
"""

import compileall
import os
import py_compile
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

UNUSED = shutil.ignore_patterns(
    "__pycache__",
    *("site-packages", "dist-packages", "ensurepip", "venv", "config-3*"),
    *("test", "idlelib", "tkinter", "turtledemo", "turtle.py", "pydoc_data", "lib2to3", "_pyrepl", "curses"),
    *("_tkinter*", "_curses*", "readline*", "_dbm*", "_gdbm*", "dbm", "sqlite3", "_sqlite3*", "_test*", "_xx*", "xx*"),
)
"""Of the standard library: installers, tests, windows, terminals, and databases that are not the sidecar's."""

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
FILES = (AUTHORITIES, Path("/etc/ld.so.cache"), Path("/etc/os-release"), Path("/etc/nsswitch.conf"))
USERS = "root:x:0:0::/:/sbin/nologin\nsidecar:x:10001:0::/:/sbin/nologin\n"
GROUPS = "root:x:0:\n"


class Image:
    """The folder, and what is in it so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: set[Path] = set()

    def at(self, path: Path) -> Path:
        """Where `path` will be."""
        return self.folder / path.relative_to("/")

    def take(self, path: Path) -> None:
        """The file, or the folder, and every link on the way there."""
        for part in (*reversed(path.parents), path):
            if part.is_symlink():
                self.link(part, part.readlink())
                self.take(Path(os.path.normpath(part.parent / part.readlink() / path.relative_to(part))))
                return
        if path in self.taken:
            return
        self.taken.add(path)
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, self.at(path), ignore=UNUSED, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(path, self.at(path))

    def link(self, link: Path, target: Path) -> None:
        """A link, unless it is there."""
        if not self.at(link).is_symlink():
            self.at(link).parent.mkdir(parents=True, exist_ok=True)
            self.at(link).symlink_to(target)

    def write(self, path: str, text: str) -> None:
        """A file of our own."""
        self.at(Path(path)).parent.mkdir(parents=True, exist_ok=True)
        self.at(Path(path)).write_text(text, "utf-8")


def libraries(programs: Iterator[Path]) -> Iterator[Path]:
    """What `programs` and their libraries load, the loader among it (ldd's lines: `name => path (address)`)."""
    for program in programs:
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        missing = re.findall(r"(\S+) => not found", told)
        if missing:
            sys.exit(f"{program} needs {', '.join(missing)}: leave it out, or let the base have it")
        yield from map(Path, re.findall(r"(?:^|\s)(/\S+) \(0x", told))


def records(files: set[Path]) -> Iterator[tuple[str, str]]:
    """The Debian packages that `files` come from: name, and what dpkg knows of it. A file of none is Python's own."""
    for name in sorted({name for file in files for name in _owners(file)}):
        yield name, subprocess.run(["dpkg-query", "-s", name], capture_output=True, text=True, check=True).stdout


def _owners(file: Path) -> list[str]:
    """A package may have put the file at a path through a link, such as /lib for /usr/lib; a folder is of many."""
    for path in (str(file), str(file).removeprefix("/usr")):
        told = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
        if told.returncode == 0 and not file.is_dir():
            return [told.stdout.partition(":")[0]]
    return []


def compiled(folder: Path, name: Path) -> None:
    """Bytecode for all of `folder`, which will be `name`."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(folder, ddir=name, quiet=1, force=True, invalidation_mode=mode, workers=0):
        sys.exit(f"a file of {folder} is no Python")


def main(folder: Path, venv: Path) -> None:
    """Fill the folder."""
    image = Image(folder)
    standard = Path(sysconfig.get_path("stdlib"))
    image.take(standard)
    image.take(Path(sys.executable))
    image.take((venv / "bin/python").readlink())
    for path in filter(Path.exists, FILES):
        image.take(path)
    image.link(Path(ssl.get_default_verify_paths().openssl_cafile), AUTHORITIES)
    programs = (path for where in (image.at(standard), venv) for path in sorted(where.rglob("*.so")))
    for library in {*libraries(programs), *libraries(iter([Path(sys.executable)]))}:
        image.take(library)
    image.write("/etc/passwd", USERS)
    image.write("/etc/group", GROUPS)
    for name, record in records({*image.taken, Path(os.__file__)}):
        image.write(f"/var/lib/dpkg/status.d/{name}", record)
    compiled(image.at(standard), standard)
    compiled(venv, venv)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
