"""What can be asked over HTTP, described by OpenAPI 3.1: docs/reference/openapi.json is printed from here.

Law: it serves `make generate` and is no part of the process. What an answer looks like is taken from the types that are
answered with; only what a request may be, and which answers there are, is told here.
"""

from sidecar.openapi.document import document

__all__ = ["document"]
