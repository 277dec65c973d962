"""Run every verifier over vectors.json and say which agree: python3 run.py [LANGUAGE ...] [--require go,rust,...].

Law: the standard library alone, no network, built in a temporary folder. A language whose tools are not here is left
out, and the reason told. It exits 1 where one disagrees, does not build, or was left out and is required.
"""

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
SECONDS = 120
OFFLINE = {
    "CGO_ENABLED": "0",
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "DOTNET_NOLOGO": "1",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
}
PROJECT = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><UseAppHost>false</UseAppHost>
<TargetFramework>net{major}.0</TargetFramework><InvariantGlobalization>true</InvariantGlobalization>
<EnableDefaultCompileItems>false</EnableDefaultCompileItems><NuGetAudit>false</NuGetAudit></PropertyGroup>
<ItemGroup><Compile Include="{here}/DroneWebhook.cs" /></ItemGroup></Project>"""

Case = dict[str, Any]
Version = tuple[int, ...]


class Way(NamedTuple):
    """How a verifier is built and run. Of the tools all must be here, the first in this version or a later one; of the
    commands the last prints the words. {here} is this folder, {out} a temporary one, {json} and {lines} the cases."""

    tools: tuple[str, ...]
    commands: tuple[str, ...]
    version: str = "--version"
    least: Version = ()


class Language(NamedTuple):
    """One that is run in the first of these ways for which the tools are here."""

    name: str
    ways: tuple[Way, ...]


class Result(NamedTuple):
    """What came of a language; no words where it was left out, or failed."""

    label: str
    words: dict[str, str]
    left_out: str = ""
    failed: str = ""


TSC = "tsc --strict --target es2022 --module esnext --outDir {out}/ts {here}/verify.ts"
RUSTC = "rustc --edition 2021 -D warnings -o {out}/rust {here}/verify.rs"
DOTNET = "dotnet build --nologo -v quiet -o {out}/csharp {out}/hook.csproj"
LANGUAGES = {
    "python": Language("Python", (Way((sys.executable,), ("{python} {here}/verify.py {json}",)),)),
    "go": Language("Go", (Way(("go",), ("go build -o {out}/go {here}/verify.go", "{out}/go {json}"), "version"),)),
    "node": Language("JavaScript, Node", (Way(("node",), ("node {here}/verify.mjs {json}",)),)),
    "typescript": Language(
        "TypeScript, Node",
        (
            Way(("node",), ("node --experimental-strip-types {here}/verify.ts {json}",), least=(22, 6)),
            Way(("node", "tsc"), (TSC, "node {out}/ts/verify.js {json}")),
        ),
    ),
    "rust": Language("Rust", (Way(("rustc",), (RUSTC, "{out}/rust {lines}")),)),
    "ruby": Language("Ruby", (Way(("ruby",), ("ruby -w {here}/verify.rb {json}",)),)),
    "php": Language("PHP", (Way(("php",), ("php -d display_errors=stderr {here}/verify.php {json}",)),)),
    "java": Language(
        "Java",
        (
            Way(
                ("java", "javac"),
                (
                    "javac -Xlint:all -Werror -d {out}/java {here}/DroneWebhook.java",
                    "java -cp {out}/java DroneWebhook {lines}",
                ),
            ),
        ),
    ),
    "csharp": Language("C#, .NET", (Way(("dotnet",), (DOTNET, "dotnet {out}/csharp/hook.dll {json}")),)),
    "shell": Language("shell, OpenSSL", (Way(("openssl", "sh", "awk", "od"), ("{cases}",), "version"),)),
}


def main(arguments: Sequence[str]) -> int:
    """Print a line for each language; the exit status."""
    chosen, required = _options(arguments)
    cases: list[Case] = json.loads((HERE / "vectors.json").read_bytes())
    width = max(len(LANGUAGES[key].name) for key in chosen) + len(" 00.00")
    is_good = True
    with tempfile.TemporaryDirectory() as out, ThreadPoolExecutor(os.cpu_count()) as pool:
        for key, result in zip(chosen, pool.map(lambda key: _result(key, cases, Path(out) / key), chosen), strict=True):
            lines = _report(result, cases)
            print(f"{result.label:<{width}}  {lines[0]}", *lines[1:], sep="\n    ", flush=True)
            is_good &= not lines[1:] and not (result.left_out and key in required)
    return 0 if is_good else 1


def _options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    known = ", ".join(LANGUAGES)
    parser = argparse.ArgumentParser(description="Run every verifier over vectors.json.", epilog=f"languages: {known}")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="only these; all where none is named")
    parser.add_argument("--require", default="", metavar="A,B", help="exit 1 where one of these is left out")
    given = parser.parse_args(arguments)
    required = [key for key in given.require.split(",") if key]
    if unknown := [key for key in [*given.languages, *required] if key not in LANGUAGES]:
        parser.error(f"{unknown[0]} is none of {known}")
    return [key for key in LANGUAGES if not given.languages or key in given.languages or key in required], required


def _report(result: Result, cases: Sequence[Case]) -> list[str]:
    """What is said of a language; more than a line where something is wrong."""
    if result.left_out:
        return [f"left out: {result.left_out}"]
    if result.failed:
        return ["failed", *result.failed.splitlines()[-20:]]
    wrong = [case for case in cases if result.words.get(case["name"]) != case["expect"]]
    faults = [f"{case['name']}: {case['expect']} is right, not {result.words.get(case['name'])}" for case in wrong]
    return [f"{len(cases) - len(wrong)} of {len(cases)} agree", *faults]


def _result(key: str, cases: Sequence[Case], out: Path) -> Result:
    """Build and run one language in a folder of its own."""
    language = LANGUAGES[key]
    reasons = []
    for way in language.ways:
        version, reason = _version(way)
        if not reason:
            label = f"{language.name} {'.'.join(map(str, version[:2]))}"
            try:
                return Result(label, _words(way, version, cases, out))
            except subprocess.SubprocessError as error:
                return Result(label, {}, failed=f"{error}\n{getattr(error, 'stderr', '')}")
        reasons.append(reason)
    return Result(language.name, {}, left_out="; ".join(reasons))


def _version(way: Way) -> tuple[Version, str]:
    """Of the first tool; and why it will not do, where it will not."""
    if missing := [tool for tool in way.tools if not shutil.which(tool)]:
        return (), f"{missing[0]} is not on this machine"
    try:
        found = re.search(r"\d+(\.\d+)+", _run([way.tools[0], way.version], HERE))
    except subprocess.SubprocessError:
        found = None
    if not found:
        return (), f"{way.tools[0]} does not tell its version"
    version = tuple(map(int, found[0].split(".")))
    too_old = f"{way.tools[0]} {found[0]} is older than {'.'.join(map(str, way.least))}"
    return version, too_old if version < way.least else ""


def _words(way: Way, version: Version, cases: Sequence[Case], out: Path) -> dict[str, str]:
    """The word for each case, by name."""
    if way.commands == ("{cases}",):
        return _words_of_shell(cases, out)
    (out / "ts").mkdir(parents=True)
    (out / "ts" / "package.json").write_text('{"type": "module"}')
    (out / "hook.csproj").write_text(PROJECT.format(major=version[0], here=HERE))
    (out / "cases").write_text(_lines(cases), "utf-8")
    places = {"here": HERE, "out": out, "json": HERE / "vectors.json", "lines": out / "cases", "python": sys.executable}
    printed = ""
    for command in way.commands:
        printed = _run([part.format(**places) for part in command.split(" ")], out)
    return {name: word for name, _, word in [line.partition(": ") for line in printed.splitlines()]}


def _lines(cases: Sequence[Case]) -> str:
    """The cases for languages that read no JSON: `header NAME: VALUE`, `body HEX` and so on, and `verify NAME`."""
    lines = []
    for case in cases:
        lines += [f"header {name}: {value}" for name, value in case["headers"]]
        lines += [f"secret {secret}" for secret in case["secrets"]]
        lines += [f"body {base64.b64decode(case['body_base64']).hex()}"]
        lines += [f"now {case['now']}", f"tolerance {case['tolerance']}", f"verify {case['name']}"]
    return "\n".join(lines) + "\n"


def _words_of_shell(cases: Sequence[Case], out: Path) -> dict[str, str]:
    """Each case as files of its own."""
    out.mkdir()
    headers, body, secrets = out / "headers", out / "body", out / "secrets"
    words = {}
    for case in cases:
        headers.write_text("".join(f"{name}: {value}\n" for name, value in case["headers"]), "utf-8")
        body.write_bytes(base64.b64decode(case["body_base64"]))
        secrets.write_text("".join(f"{secret}\n" for secret in case["secrets"]), "utf-8")
        arguments = [headers, body, secrets, case["now"], case["tolerance"]]
        words[case["name"]] = _run(["sh", HERE / "verify.sh", *arguments], out, check=False).strip()
    return words


def _run(command: Sequence[object], folder: Path, *, check: bool = True) -> str:
    environment = {**os.environ, **OFFLINE, "DOTNET_CLI_HOME": str(folder)}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        check=check,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
    ).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
