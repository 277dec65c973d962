"""Gitea and Forgejo, which send GitHub's headers and bodies beside their own.

Law: pure. Where they differ, it is here or named in github.py: a word for the action, a list of commits that is cut
off sooner, signatures without prefix, and signature headers that are there, and empty, where no secret is set.
"""

from sidecar.forges import github
from sidecar.forges._proofs import Proof
from sidecar.forges._reading import Headers, by_id, header
from sidecar.projects import Once, Told

TITLE = "Gitea"
TELLS: tuple[str, ...] = ("X-Gitea-Event", "X-Forgejo-Event", "X-Gogs-Event")
PROOFS: tuple[Proof, ...] = (
    *github.PROOFS,
    Proof("X-Gitea-Signature"),
    Proof("X-Forgejo-Signature"),
    Proof("X-Gogs-Signature"),
)
WEAK: tuple[str, ...] = github.WEAK


def read(headers: Headers, body: bytes) -> Told:
    """What Gitea tells; raises a `Problem` where it is not what Gitea sends."""
    return github.read_as("gitea", header(headers, *TELLS), headers, body)


def delivery(headers: Headers, body: bytes) -> Once:
    """`X-Gitea-Delivery`, which is `X-GitHub-Delivery` too. Sent again by an operator, it is another."""
    names = ("X-Gitea-Delivery", "X-Forgejo-Delivery", "X-Gogs-Delivery", "X-GitHub-Delivery")
    return by_id("gitea", header(headers, *names), body)
