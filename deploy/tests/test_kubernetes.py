"""The Deployment under `podman play kube`, as far as that goes. Law: a copy of the manifest itself is run, and every
change to it is a row here.

What it cannot show, because podman 4 has no such thing: a native sidecar (it takes one for an init container that has
to end, so the copy has it as a plain container; the order of a stop is shown in test_image.py), `fsGroup` (likewise
shown there), the claim's access mode, the NetworkPolicy, the PodMonitor, the probes (it runs them through a shell, and
the image has none), ports, and `enableServiceLinks`, for there are no Services.
"""

import base64
import os
import re
from collections.abc import Iterator

import pytest
from containers import BASE, ENGINE, IMAGE, ROOT, SECONDS, SECRET, Container, engine

pytestmark = pytest.mark.skipif(not ENGINE.endswith("podman"), reason="`play kube` is podman's")

FOLDER = ROOT / "deploy/kubernetes"
NAME = f"sidecar-kube-{os.getpid()}"

CHANGES = (
    (r"^      containers:\n", "", "one list of containers: the sidecar is a plain one …"),
    (r"^      initContainers:", "      containers:", "… and so is the first of them"),
    (r"^          restartPolicy: Always\n", "", "which a plain container has not"),
    (r"^          startupProbe:\n(?: {12}.*\n)+", "", "podman makes it the only health check"),
    (r"^ +fsGroup(?:ChangePolicy)?: .*\n", "", "podman has none: the volumes are given to the group below"),
    (r"runAsGroup: 10001", "runAsGroup: 0", "group 0 may write the image's own volumes"),
    (r"persistentVolumeClaim:\n +claimName: .*", "emptyDir: {}", "a claim would outlive the test"),
    (r"emptyDir:\n +medium: Memory\n +sizeLimit: 1Mi", "emptyDir: {}", "podman 4 knows no other"),
    (r"https://ci.example/hooks", "http://127.0.0.1:9000/hooks", "a receiver that is there"),
    (r"defaultMode: 0440", "optional: false", "podman 4 ends without the one and does not know the other"),
    (r"drone-webhook-sidecar:0\.1\.0", f"localhost/{IMAGE}", "the image under test"),
    (r"python:3\.13-slim", BASE, "as the engine knows it"),
    (r"^          ports:\n(?: {12}.*\n)+", "", "podman would map them, and there is no network to map from"),
    (r"name: ci$", f"name: {NAME}", "this run's name"),
)


def encoded(value: str) -> str:
    """As a Secret holds it; and as podman 4 mounts it, for it does not decode."""
    return base64.b64encode(value.encode()).decode()


def manifest() -> str:
    """The copy, with the Secret and the ConfigMap that it asks for."""
    text = (FOLDER / "deployment.yaml").read_text("utf-8")
    for pattern, instead, why in CHANGES:
        text, count = re.subn(pattern, instead, text, flags=re.MULTILINE)
        assert count, f"nothing to change ({why}): {pattern}"
    keys = {"webhook": SECRET, "admin-token": SECRET * 2}
    secrets = "".join(f"\n  {name}: {encoded(value)}" for name, value in keys.items())
    app = "".join(f"\n    {line}".rstrip(" ") for line in (FOLDER / "app.py").read_text("utf-8").splitlines())
    secret = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: ci-webhook\ndata:{secrets}\n"
    config = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ci-app\ndata:\n  app.py: |{app}\n"
    return f"{secret}---\n{config}---\n{text}"


@pytest.fixture
def pod() -> Iterator[str]:
    """The pod's name, while it runs."""
    try:
        engine("play", "kube", "--network=none", "-", told=manifest(), seconds=60)
        yield f"{NAME}-pod-0"
    finally:
        engine("pod", "rm", "--force", "--time=0", f"{NAME}-pod-0", status=None)
        engine("secret", "rm", "ci-webhook", status=None)


def test_the_deployment_runs_and_its_events_are_delivered(pod: str) -> None:
    sidecar = Container(f"{pod}-sidecar")
    ready = sidecar.event("sidecar.ready")
    assert (ready["data_dir"], ready["endpoints"]) == ("/var/lib/sidecar", 1)
    verifies = ("--entrypoint=sidecar", f"--env=DRONE_WEBHOOK_SECRET={encoded(SECRET)}", IMAGE, "listen")
    engine("run", "--detach", f"--pod={pod}", f"--name={pod}-receiver", *verifies)
    Container(f"{pod}-receiver").until("✓ 204", seconds=SECONDS)
    assert sidecar.exec("sidecar", "health") == ""
