"""Durable engines. Law: an engine is one package that passes tests/test_outbox.py, and knows nothing of its
neighbours."""
