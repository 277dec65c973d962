"""How a forge shows that a request is its own, and how that is judged.

Law: pure, constant time. What a header claims is right, wrong, or cannot be judged; a header that is not there claims
nothing. A proof that is wrong is never made good by another that is right.
"""

import hmac
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from sidecar import signing
from sidecar.forges._reading import Headers, header


class Proof(Struct, frozen=True):
    """A header that proves something.

    Attributes:
        prefix: before the hex; under another one the header says something else and is not judged.
        scheme: `hex` is an HMAC-SHA256 of the body, `token` the secret itself, `standard` Standard Webhooks.
        forges_own: the forge makes the key, and the operator registers it with us; else the operator chooses it, and
        it is the project's webhook secret.
    """

    name: str
    prefix: str = ""
    scheme: Literal["hex", "token", "standard"] = "hex"
    forges_own: bool = False


class Case(Struct, frozen=True):
    """What there is to judge: the request, its body as received (also where it is a form), and `now` in ms."""

    headers: Headers
    body: bytes
    keys: "Keys"
    now: int


class Keys(Struct, frozen=True):
    """What may have signed: the project's webhook secrets, and the keys registered for this forge."""

    project: tuple[bytes, ...] = ()
    forge: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Keys({len(self.project)} of the project, {len(self.forge)} of the forge)"


class Signed(Struct, frozen=True):
    """By a key we know; `header` says so."""

    header: str


class Unsigned(Struct, frozen=True):
    """Nothing is claimed."""


class Unjudged(Struct, frozen=True):
    """Something is claimed that nobody here can judge; `reason` is for a person, with the way out."""

    reason: str


class Forged(Struct, frozen=True):
    """What is claimed is wrong: refuse it. `reason` is for a person, with the way out."""

    reason: str


Judgement = Signed | Unsigned | Unjudged | Forged


def judge(forge: str, proofs: Sequence[Proof], weak: Sequence[str], case: Case) -> Judgement:
    """What all the proofs come to: one that is wrong decides, then one that is right, then one that is not judged.
    `weak` are headers that prove too little (SHA-1) to be judged, and are told of where there is no better."""
    found = [_judged(forge, proof, case) for proof in proofs]
    for kind in (Forged, Signed, Unjudged):
        for one in found:
            if isinstance(one, kind):
                return one
    for name in weak:
        if _claimed(header(case.headers, name)):
            return Unjudged(f"{name} is made with SHA-1, and there is no signature with SHA-256")
    return Unsigned()


def _judged(forge: str, proof: Proof, case: Case) -> Judgement:
    given = header(case.headers, proof.name)
    if not _claimed(given):
        return Unsigned()
    if not given.startswith(proof.prefix):
        return Unjudged(f"{proof.name} does not begin with {proof.prefix}")
    fault = _fault(proof, given, case)
    if not fault:
        return Signed(proof.name)
    if not proof.forges_own:
        return Forged(f"{fault}; the secret that is set at the forge must be the project's webhook secret, or none")
    if not case.keys.forge:
        return Unjudged(f"{proof.name} is by a key of the forge's own, and none is registered: --forge-key {forge}=…")
    return Forged(f"{fault}; register the key that the forge shows: --forge-key {forge}=…")


def _fault(proof: Proof, given: str, case: Case) -> str:
    """What is wrong with the proof, "" for nothing."""
    keys = (*case.keys.forge, *case.keys.project)
    if proof.scheme == "token":
        token = given.encode(errors="surrogatepass")
        right = True in [hmac.compare_digest(token, key) for key in keys if key]
        return "" if right else f"{proof.name} is another secret"
    try:
        if proof.scheme == "standard":
            signing.verify_standard(case.headers, case.body, [key for key in keys if _usable(key)], now=case.now)
        else:
            signing.verify_hex(case.headers, case.body, keys, name=proof.name, algorithm="sha256", prefix=proof.prefix)
    except signing.InvalidSignature as error:
        return error.fault
    return ""


def _usable(key: bytes) -> bool:
    """A key that begins with `whsec_` is base64 behind it; one that is not cannot have signed."""
    try:
        signing.sign_standard([key], "", 0, b"")
    except ValueError:
        return False
    return True


def _claimed(value: str) -> bool:
    """Gitea sends its headers empty, but for the prefix, where no secret is set."""
    return bool(value.partition("=")[2] if value.startswith(("sha1=", "sha256=")) else value)
