"""What a signature costs: CPU time of one request of 1 KiB, made whole, by each way to sign. Law: the real dialect; the
rounds alternate, so that whatever else the machine does meets all alike."""

import statistics
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from sidecar.dialects import drone
from sidecar.model import Endpoint, Instance, Secret

ROUNDS, REQUESTS = 11, 300
NOW = 1_767_323_045_000
BODY = b'{"build":{"number":1,"message":"%b"},"repo":{"slug":"octocat/hello"},"action":"created"}' % (b"x" * 900)
PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
BARE = Endpoint("e", "drone", "https://ci.example/hooks", (Secret(b"k" * 32),), signatures=())
KEYED = replace(BARE, signing_keys=(Secret(PEM),))
WAYS = {
    "unsigned": BARE,
    "cavage": replace(BARE, signatures=("cavage",)),
    "standard, v1": replace(BARE, signatures=("standard",)),
    "hub": replace(BARE, signatures=("hub",)),
    "standard, v1 and v1a": replace(KEYED, signatures=("standard",)),
    "rfc9421, a secret": replace(BARE, signatures=("rfc9421",)),
    "rfc9421, Ed25519": replace(KEYED, signatures=("rfc9421",)),
}


def main() -> None:
    instance = Instance(version="0")
    event = drone.read(BODY, id="evt", now=NOW, instance=instance)
    costs: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, endpoint in WAYS.items():
            began = time.process_time()
            for number in range(REQUESTS):
                drone.write(event, endpoint, delivery=number, attempt=1, now=NOW + number, instance=instance)
            costs[name].append((time.process_time() - began) / REQUESTS * 1e6)
    bare = statistics.median(costs["unsigned"])
    cavage = statistics.median(costs["cavage"]) - bare
    print(f"{'a request of 1 KiB, made':<26}{'CPU µs':>8}{'of cavage':>11}")
    for name, taken in costs.items():
        cost = statistics.median(taken) - (bare if name != "unsigned" else 0)
        print(f"{('+ ' if name != 'unsigned' else '') + name:<26}{cost:8.0f}{cost / cavage:10.1f}x")


if __name__ == "__main__":
    main()
