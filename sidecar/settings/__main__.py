"""`python -m sidecar.settings example|reference` prints a page made of the tables.

Law: it serves `make generate`, and is no part of the process.
"""

import sys

from sidecar.settings import example, reference

PAGES = {"example": example, "reference": reference}

if len(sys.argv) != 2 or sys.argv[1] not in PAGES:
    sys.exit(f"usage: python -m sidecar.settings {'|'.join(PAGES)}")
sys.stdout.write(PAGES[sys.argv[1]]())
