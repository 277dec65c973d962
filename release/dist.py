"""Build what a release ships, into dist/: wheel, sdist, bill of materials, licences.

    python release/dist.py PYTHON

Law: nothing is shipped that was not built twice with the same bytes, and installed and run where nothing else is.
PYTHON is one that has the tools of the lock `requirements-dist.lock`.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install")


def run(*command: object, **environment: str) -> str:
    """What the command says; it ends this one where it fails."""
    parts = [str(part) for part in command]
    done = subprocess.run(
        parts, check=False, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **environment}
    )
    if done.returncode:
        sys.exit(f"{' '.join(parts)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def built(python: Path, folder: Path) -> dict[str, bytes]:
    """Wheel and sdist, built of a fresh copy of what git knows; their times are the last commit's."""
    moment = os.environ.get("SOURCE_DATE_EPOCH") or run("git", "log", "-1", "--format=%ct").strip()
    copy = folder / "source"
    for name in run("git", "ls-files", "-z", "sidecar", "pyproject.toml", "README.md", "LICENSE").split("\0")[:-1]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    out = folder / "out"
    run(python, "-m", "build", "--no-isolation", "--outdir", out, copy, SOURCE_DATE_EPOCH=moment)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def lacking(files: dict[str, bytes]) -> Iterator[str]:
    """What of the package git knows, and an archive has not: templates, schemas and `py.typed` are easily forgotten."""
    wanted = set(run("git", "ls-files", "sidecar").splitlines())
    for name in files:
        path = DIST / name
        if name.endswith(".whl"):
            there = set(zipfile.ZipFile(path).namelist())
        else:
            with tarfile.open(path) as archive:
                there = {member.partition("/")[2] for member in archive.getnames()}
        yield from (f"{name} lacks {file}" for file in sorted(wanted - there))


def tried(folder: Path, wheel: Path) -> Path:
    """Install the wheel where nothing is but what the lock names, run the demo with it, and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    run(python, *PIP, "--require-hashes", "-r", ROOT / "requirements.lock")
    run(python, *PIP, "--no-deps", wheel)
    outside = {"PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
    where = run(python, "-c", "import sidecar; print(sidecar.__file__)", **outside).strip()
    if not Path(where).is_relative_to(folder):
        sys.exit(f"not the installed one was tried, but {where}")
    print(run(folder / "bin/sidecar", "demo", **outside).partition("\n\n")[0])
    run(python, "-m", "pip", "--disable-pip-version-check", "uninstall", "--yes", "--quiet", "pip")
    return python


def described(python: Path, shipped: Path) -> None:
    """Write what is shipped with it, and under which licences."""
    tools = python.parent
    bill = ("--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "--output-format=JSON")
    run(tools / "cyclonedx-py", "environment", shipped, *bill, "--output-file", DIST / "sbom.cdx.json")
    columns = ("--format=json", "--with-urls", "--with-license-file", "--no-license-path")
    found = json.loads(run(tools / "pip-licenses", f"--python={shipped}", *columns))
    unknown = [one["Name"] for one in found if one["License"] == "UNKNOWN" and not one["LicenseText"].strip()]
    if unknown:
        sys.exit(f"nobody knows the licence of {', '.join(unknown)}")
    lines = [f"| {one['Name']} | {one['Version']} | {one['License']} |" for one in found]
    texts = [f"\n## {one['Name']} {one['Version']}\n\n```text\n{one['LicenseText'].strip()}\n```" for one in found]
    head = ["# Licences of what is shipped", "", "| package | version | licence |", "|---|---|---|"]
    (DIST / "licences.md").write_text("\n".join([*head, *lines, *texts]) + "\n", "utf-8")
    print(f"{len(found)} packages: sbom.cdx.json, licences.md")


def main(python: Path) -> None:
    """Fill dist/."""
    with tempfile.TemporaryDirectory() as scratch:
        first = built(python, Path(scratch, "first"))
        if built(python, Path(scratch, "second")) != first:
            sys.exit("two builds differ")
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        for name, content in first.items():
            (DIST / name).write_bytes(content)
            print(f"{hashlib.sha256(content).hexdigest()}  {name}, the same twice")
        if faults := list(lacking(first)):
            sys.exit("\n".join(faults))
        run(python, "-m", "twine", "check", "--strict", *(DIST / name for name in first))
        wheel = next(DIST / name for name in first if name.endswith(".whl"))
        described(python, tried(Path(scratch, "empty"), wheel))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
