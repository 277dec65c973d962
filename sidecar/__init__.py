"""A durable, signed webhook sidecar. Law: this file holds the version and imports nothing."""

__version__ = "0.1.0"
