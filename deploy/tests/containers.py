"""Containers for tests, by podman or docker. Law: all that is started bears its test's name, and is removed with it."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
IMAGE = os.environ.get("IMAGE", "drone-webhook-sidecar:test")
BASE = os.environ.get("BASE", "docker.io/library/python:3.13-slim")
ENGINE = os.environ.get("CONTAINER_ENGINE") or next(filter(shutil.which, ("podman", "docker")), "podman")
SECRET = "0123456789abcdef0123456789abcdef"
ENDPOINT = "127.0.0.1-9000-hooks"
SECONDS = 30.0

HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=64")
SMALL = ("--memory=128m", "--memory-swap=128m")


def engine(*arguments: str, status: int | None = 0, told: str = "", seconds: float = 60) -> str:
    """What the engine says; its exit status must be `status`, any where that is None."""
    done = subprocess.run(
        [ENGINE, *arguments], check=False, capture_output=True, text=True, input=told, timeout=seconds
    )
    if status is not None and done.returncode != status:
        raise AssertionError(f"{ENGINE} {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if status else "")


class Container:
    """One that runs in the background."""

    def __init__(self, name: str) -> None:
        self.name = name

    def lines(self, seconds: float = SECONDS) -> Iterator[str]:
        """Of its log, from the first on, until it ends or the time is over."""
        following = subprocess.Popen(
            [ENGINE, "logs", "--follow", self.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        alarm = threading.Timer(seconds, following.kill)
        alarm.start()
        with following:
            try:
                assert following.stdout
                yield from following.stdout
            finally:
                alarm.cancel()
                following.kill()

    def until(self, text: str, count: int = 1, seconds: float = SECONDS) -> str:
        """The `count`-th line of its log with `text` in it."""
        said = []
        for line in self.lines(seconds):
            said.append(line)
            count -= text in line
            if not count:
                return line
        raise AssertionError(f"{self.name} has not said {text!r} in {seconds} s:\n{''.join(said[-40:])}")

    def event(self, name: str) -> dict[str, Any]:
        """The first event of the sidecar's log that is called so."""
        told: dict[str, Any] = json.loads(self.until(f'"event":"{name}"'))
        return told

    def exec(self, *command: str, status: int = 0) -> str:
        return engine("exec", self.name, *command, status=status)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        engine("stop", "--time=30", self.name)
        return int(engine("inspect", "--format={{.State.ExitCode}}", self.name))

    def kill(self) -> None:
        engine("kill", "--signal=KILL", self.name)
        engine("wait", self.name)

    def healthy(self) -> bool:
        """What the image's HEALTHCHECK says, run now."""
        if ENGINE.endswith("podman"):
            command = ["healthcheck", "run", self.name]
        else:
            told = json.loads(engine("inspect", "--format={{json .Config.Healthcheck.Test}}", self.name))
            command = ["exec", self.name, *told[1:]]
        return subprocess.run([ENGINE, *command], check=False, capture_output=True).returncode == 0


class Lab:
    """Containers and volumes of one test."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._containers: list[str] = []
        self._volumes: list[str] = []

    def volume(self, uid: int = 10001, group: int = 0, mode: int = 0o770) -> str:
        """A new volume whose root belongs to `uid` and `group`, as a storage class or a kubelet leaves it."""
        name = f"{self._name}-v{len(self._volumes)}"
        engine("volume", "create", name)
        self._volumes.append(name)
        self.root(name, f"import os; os.chown('/v', {uid}, {group}); os.chmod('/v', {mode})")
        return name

    def root(self, volume: str, code: str) -> None:
        """Run Python as root, with the volume at /v."""
        options = ("--user=0:0", "--network=none", "--entrypoint=python", f"--volume={volume}:/v")
        engine("run", "--rm", *options, IMAGE, "-c", code)

    def start(self, *arguments: str, **settings: str) -> Container:
        """`run --detach` with these arguments; `settings` are its environment."""
        name = f"{self._name}-c{len(self._containers)}"
        self._containers.append(name)
        environment = [f"--env={key}={value}" for key, value in settings.items()]
        engine("run", "--detach", f"--name={name}", *environment, *arguments)
        return Container(name)

    def sidecar(self, *options: str, data: str, run: str, **settings: str) -> Container:
        """The image, hardened, with nothing of a network but a loopback of its own."""
        mounts = (f"--volume={data}:/var/lib/sidecar", f"--volume={run}:/run/sidecar")
        sends = {"DRONE_WEBHOOK_ENDPOINT": "http://127.0.0.1:9000/hooks", "DRONE_WEBHOOK_SECRET": SECRET, **settings}
        return self.start(*HARDENED, *SMALL, "--network=none", *mounts, *options, IMAGE, **sends)

    def receiver(self, beside: Container) -> Container:
        """Verifies what `beside` sends, and prints a line for it."""
        network = f"--network=container:{beside.name}"
        it = self.start(*HARDENED, network, "--entrypoint=sidecar", IMAGE, "listen", DRONE_WEBHOOK_SECRET=SECRET)
        it.until("listening on")
        return it

    def app(self, run: str, *arguments: str) -> Container:
        """The sample application: another image, another user, and of the sidecar nothing but its socket."""
        mounts = (f"--volume={run}:/run/sidecar", f"--volume={ROOT / 'deploy/kubernetes/app.py'}:/app.py:ro")
        options = (*HARDENED, "--network=none", "--user=10002:0", *mounts)
        return self.start(*options, BASE, "python", "-u", "/app.py", *arguments)

    def close(self) -> None:
        for name in self._containers:
            engine("rm", "--force", "--volumes", name, status=None)
        for name in self._volumes:
            engine("volume", "rm", "--force", name, status=None)
