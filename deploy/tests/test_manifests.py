"""What deploy/ holds is right as far as a machine alone can tell. Law: every manifest is checked by a validator that
knows its kind, and each validator is shown to refuse something; what none knows fails, and is never passed over.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose/compose.yaml"
DEPLOYMENT = DEPLOY / "kubernetes/deployment.yaml"
OBJECTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted(path for path in (DEPLOY / "systemd").glob("*") if path.suffix in (".service", ".socket", ".timer"))
OLDEST = "1.29"
"""The first Kubernetes with native sidecars on by default."""


def named(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


def done(*command: object) -> tuple[int, str]:
    told = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    return told.returncode, told.stdout + told.stderr


def validated(path: Path) -> tuple[int, str]:
    """By the schema of its kind: ours where there is one, else Kubernetes' own, which must know it."""
    kind = re.findall(r"^kind: (\w+)$", path.read_text("utf-8"), re.MULTILINE)
    assert len(kind) == 1, "one object a file"
    ours = DEPLOY / f"schemas/{kind[0]}.json"
    if ours.exists():
        return done("check-jsonschema", "--schemafile", ours, path)
    for version in ((), ("-k", OLDEST)):
        status, told = done("kubernetes-validate", "--strict", *version, path)
        if status or "passed for resource" not in told:
            return status or 1, told
    return 0, told


@pytest.mark.parametrize("path", OBJECTS, ids=named)
def test_an_object_of_kubernetes_is_what_its_schema_says(path: Path) -> None:
    status, told = validated(path)
    assert status == 0, told


@pytest.mark.parametrize("path", OBJECTS, ids=named)
def test_a_slip_in_an_object_is_refused(path: Path, tmp_path: Path) -> None:
    slipped = tmp_path / path.name
    slipped.write_text(f"{path.read_text('utf-8')}\nslip: 1\n", "utf-8")
    assert validated(slipped)[0] != 0


def test_a_kind_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text("apiVersion: example.com/v1\nkind: Unheard\nmetadata:\n  name: a\n", "utf-8")
    assert validated(unknown)[0] != 0


def test_the_schemas_are_schemas() -> None:
    status, told = done("check-jsonschema", "--check-metaschema", *sorted((DEPLOY / "schemas").glob("*.json")))
    assert status == 0, told


def test_the_base_lists_every_object_and_no_other() -> None:
    text = (DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8")
    listed = set(re.findall(r"^ +- ([\w.]+\.(?:yaml|py))$", text, re.MULTILINE))
    there = {path.name for path in (DEPLOY / "kubernetes").iterdir() if path.is_file()}
    assert listed == there - {"kustomization.yaml"}


@pytest.mark.parametrize(
    ("path", "builtin"),
    [
        (COMPOSE, "vendor.compose-spec"),
        *((path, "vendor.github-workflows") for path in sorted((ROOT / ".github/workflows").glob("*.yml"))),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_a_file_of_another_tool_is_what_its_schema_says(path: Path, builtin: str, tmp_path: Path) -> None:
    status, told = done("check-jsonschema", "--builtin-schema", builtin, path)
    assert status == 0, told
    slipped = tmp_path / path.name
    slipped.write_text(f"{path.read_text('utf-8')}\nslip: 1\n", "utf-8")
    assert done("check-jsonschema", "--builtin-schema", builtin, slipped)[0] != 0


def compose_blocks() -> list[tuple[str, str]]:
    """Of the pages: which page, and the file that it shows."""
    found = []
    for page in sorted((ROOT / "docs").rglob("*.md")):
        blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        found += [(page.name, block) for block in blocks if block.startswith("services:")]
    return found


@pytest.mark.parametrize(("page", "text"), compose_blocks(), ids=[page for page, _ in compose_blocks()])
def test_a_compose_file_of_a_page_is_what_its_schema_says_and_mounts_what_the_image_has(
    page: str, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(text, "utf-8")
    status, told = done("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    assert status == 0, told
    service = text.partition("\n  sidecar:")[2].partition("\nvolumes:")[0]
    assert "DATA_DIR" not in service
    assert ":/var/lib/sidecar" in service


def test_the_dockerfile_is_what_hadolint_wants() -> None:
    status, told = done("hadolint", ROOT / "Dockerfile")
    assert (status, told) == (0, "")


@pytest.mark.skipif(not UNITS, reason="there is no unit")
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=named)
def test_a_unit_is_what_systemd_wants(unit: Path, tmp_path: Path) -> None:
    """On copies that start a program which is there: the real one is where the operator put it."""
    for one in UNITS:
        text = re.sub(r"^(Exec\w+=[-+!@:]*)\S+", r"\1/bin/true", one.read_text("utf-8"), flags=re.MULTILINE)
        (tmp_path / one.name).write_text(text, "utf-8")
    status, told = done("systemd-analyze", "verify", "--man=no", tmp_path / unit.name)
    assert (status, [line for line in told.splitlines() if unit.name in line]) == (0, [])


def seconds(pattern: str, path: Path) -> int:
    return int(re.findall(pattern, path.read_text("utf-8"))[0])


def test_whoever_stops_it_waits_for_longer_than_the_drain_takes() -> None:
    drain = seconds(r'"SIDECAR_DRAIN_TIMEOUT", "drain_timeout", .*, "(\d+)s"', ROOT / "sidecar/settings/table.py")
    sidecar = COMPOSE.read_text("utf-8").partition("\n  sidecar:")[2].partition("\n  app:")[0]
    assert int(re.findall(r"stop_grace_period: (\d+)s", sidecar)[0]) > drain
    assert seconds(r"terminationGracePeriodSeconds: (\d+)", DEPLOYMENT) >= drain + 30


def test_every_version_is_the_same() -> None:
    version = re.findall(r'__version__ = "(.*)"', (ROOT / "sidecar/__init__.py").read_text("utf-8"))[0]
    for path in (ROOT / "Dockerfile", COMPOSE, DEPLOYMENT, DEPLOY / "kubernetes/kustomization.yaml"):
        text = path.read_text("utf-8")
        found = re.findall(r'(?:image.version="|drone-webhook-sidecar:|newTag: )([\d.]+)', text)
        assert set(found) == {version}, path


def test_containers_are_of_the_restricted_profile() -> None:
    text = DEPLOYMENT.read_text("utf-8")
    containers = len(re.findall(r"^ +image: ", text, re.MULTILINE))
    for line in ("allowPrivilegeEscalation: false", "readOnlyRootFilesystem: true", "drop: [ALL]"):
        assert text.count(line) == containers == 2
    for line in ("runAsNonRoot: true", "type: RuntimeDefault", "enableServiceLinks: false"):
        assert text.count(line) == 1
