"""What other machines post to us: forges, Drone servers, other sidecars.

Law: nothing of a body is read before who sends it has shown that it may. No log and no answer holds a secret, a path
that has one in it, or a header.
"""

from sidecar.inbound.parts import Parts
from sidecar.inbound.routes import serving, wrong_secret

__all__ = ["Parts", "serving", "wrong_secret"]
