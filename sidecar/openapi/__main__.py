"""`python -m sidecar.openapi` prints the description. Law: it serves `make generate`, and is no part of the process."""

import json
import sys

from sidecar.openapi import document

sys.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False) + "\n")
