"""A sample of an application beside the sidecar: a CI server that tells of its builds.

    python app.py [--builds NUMBER] [--every SECONDS]

Law: the standard library is enough. An event has an id of its own, and is handed in again under it until it is
answered 202. At SIGTERM the build in hand is told as killed, and only then does the application end: so it has to be
stopped before the sidecar.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import sys
import threading
import uuid

SOCKET = os.environ.get("SIDECAR_SOCKET", "/run/sidecar/sidecar.sock")
REPO = {"slug": "octocat/hello-world", "name": "hello-world", "namespace": "octocat"}

stopping = threading.Event()


class Connection(http.client.HTTPConnection):
    """HTTP over the sidecar's unix socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def tell(action: str, build: dict[str, object]) -> None:
    """Hand in a build event; return once it is on disk. The id makes it safe to try again."""
    event = {"id": uuid.uuid4().hex, "event": "build", "action": action, "repo": REPO, "build": build}
    wait = 0.1
    while (why := _post(json.dumps(event))) is not None:
        print(f"build {build['number']} {action}: {why}; again in {wait:.1f} s", file=sys.stderr, flush=True)
        threading.Event().wait(wait)
        wait = min(wait * 2, 5)
    print(f"build {build['number']} {build['status']}", flush=True)


def _post(body: str) -> str | None:
    connection = Connection("sidecar", timeout=20)
    try:
        connection.request("POST", "/events", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = answer.read().decode()
    except OSError as error:
        return f"{SOCKET}: {error}"
    finally:
        connection.close()
    if answer.status == 202:
        return None
    if answer.status == 503:
        return told
    sys.exit(f"the sidecar refused the event: {told}")


def work(builds: int, every: float) -> None:
    """So many builds (0: without end), one after another."""
    number = 0
    while (number < builds or not builds) and not stopping.is_set():
        number += 1
        tell("created", {"number": number, "status": "running"})
        stopping.wait(every)
        tell("updated", {"number": number, "status": "killed" if stopping.is_set() else "success"})


def main() -> None:
    """Work until there is no more, or SIGTERM."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--builds", type=int, default=0)
    parser.add_argument("--every", type=float, default=5)
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    work(given.builds, given.every)


if __name__ == "__main__":
    main()
