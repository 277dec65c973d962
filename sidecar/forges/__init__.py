"""The forges whose webhooks we read: what happened, whether it was told before, and whether it is signed.

Law: pure. A forge is one module and one line of this table; the module says by which headers it is told (`TELLS`), what
it proves itself with (`PROOFS`, `WEAK`), and reads.
"""

from collections.abc import Mapping
from typing import Protocol

from sidecar.errors import Malformed
from sidecar.forges import bitbucket, gitea, github, gitlab, pagure
from sidecar.forges._proofs import Case, Forged, Judgement, Keys, Proof, Signed, Unjudged, Unsigned, judge
from sidecar.forges._reading import Headers, header
from sidecar.projects import Ignored, Once, Ping, PullRequest, Push, Told

__all__ = [
    "FORGES",
    "Forged",
    "Ignored",
    "Judgement",
    "Keys",
    "Ping",
    "PullRequest",
    "Push",
    "Signed",
    "Told",
    "Unjudged",
    "Unsigned",
    "delivery",
    "event",
    "read",
    "verify",
    "which",
]


class Forge(Protocol):
    """What a forge's module has.

    Attributes:
        TELLS: headers that no other forge sends; the first says which event it is.
        PROOFS: headers that are judged.
        WEAK: headers that would prove too little.
    """

    TITLE: str
    TELLS: tuple[str, ...]
    PROOFS: tuple[Proof, ...]
    WEAK: tuple[str, ...]

    def read(self, headers: Headers, body: bytes) -> Told:
        """What happened. Raises `Malformed` or `NotAnEvent`."""
        ...

    def delivery(self, headers: Headers, body: bytes) -> Once:
        """By what a repeat of this delivery is known."""
        ...


FORGES: Mapping[str, Forge] = {
    "bitbucket": bitbucket,
    "gitea": gitea,
    "github": github,
    "gitlab": gitlab,
    "pagure": pagure,
}


def which(headers: Headers) -> str:
    """The forge that sent the request, by its headers. Gitea sends GitHub's beside its own, so its own decide; any
    other two together are nobody's. Raises `Malformed`."""
    found = {name for name, forge in FORGES.items() if header(headers, *forge.TELLS)}
    if "gitea" in found:
        found.discard("github")
    if len(found) == 1:
        return found.pop()
    if found:
        raise Malformed(f"there are headers of more than one forge: {', '.join(sorted(found))}")
    told = ", ".join([forge.TELLS[0] for forge in FORGES.values()])
    raise Malformed(f"no header tells which forge this is from; there is {told}")


def event(forge: str, headers: Headers) -> str:
    """What the forge's header calls the event, to be shown; not signed, so nothing may hang on it. Raises
    `Malformed`."""
    return header(headers, FORGES[forge].TELLS[0])[:100]


def read(forge: str, headers: Headers, body: bytes) -> Told:
    """What happened. Raises `Malformed` where the body is not JSON (or a form with JSON in it), `NotAnEvent` where it
    is not what this forge sends."""
    return FORGES[forge].read(headers, body)


def delivery(forge: str, headers: Headers, body: bytes) -> Once:
    """By what a repeat of this delivery is known: the forge's id for it, else the body. To be remembered only once
    what came of it is stored. Raises `Malformed`."""
    return FORGES[forge].delivery(headers, body)


def verify(forge: str, headers: Headers, body: bytes, keys: Keys, *, now: int) -> Judgement:
    """Whether the forge signed it; `now` in ms. Raises `Malformed` where a header is there twice."""
    return judge(forge, FORGES[forge].PROOFS, FORGES[forge].WEAK, Case(headers, body, keys, now))
