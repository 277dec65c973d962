"""The local socket: events in, and everything a person or a script may ask.

Law: knows the ports and the model, never an engine, a dialect or the settings. The routes are one table, in routes.py.
"""

from sidecar.api.parts import PARTS, Parts
from sidecar.api.routes import make_app, serving
from sidecar.api.secret import unusable

__all__ = ["PARTS", "Parts", "make_app", "serving", "unusable"]
