"""How it fails, measured: rounds of every fault it must live through, each held against what was acknowledged.

Law: seeded, bounded, on loopback alone, and ended by itself. The rigs are those of tests/; what is judged is what
callers were answered and what receivers got, never what the sidecar says of itself.
"""
