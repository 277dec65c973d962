"""The admin listener: what the socket tells, told over TCP to people, and its changes to who has the token.

Law: nothing is answered before the guard has looked at it. The routes are the socket's; none is written twice.
"""

from sidecar.admin.guard import Guard
from sidecar.admin.hosts import is_loopback
from sidecar.admin.routes import make_app
from sidecar.admin.sessions import Sessions

__all__ = ["Guard", "Sessions", "is_loopback", "make_app"]
