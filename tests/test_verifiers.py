"""The verifiers that users copy. Law: Python alone is needed here; the other languages are run by verifiers/run.py."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar import signing

VERIFIERS = Path(__file__).parent.parent / "verifiers"
PAGES = Path(__file__).parent.parent / "docs" / "howto" / "verify"
FILES = ["verify.py", "verify.go", "verify.mjs", "verify.ts", "verify.rs", "verify.rb", "verify.php", "verify.sh"]
FILES += ["DroneWebhook.java", "DroneWebhook.cs"]
CASES = json.loads((VERIFIERS / "vectors.json").read_bytes())
FAILURES = sorted({case["expect"] for case in CASES} - {"ok"})

verify = runpy.run_path(str(VERIFIERS / "verify.py"))["verify"]


def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, encoding="utf-8", timeout=60, env=env)


def test_the_vectors_are_what_their_maker_makes() -> None:
    made = run(VERIFIERS / "make_vectors.py")
    assert made.stdout == (VERIFIERS / "vectors.json").read_text("utf-8"), "make them anew: see make_vectors.py"


def test_the_vectors_are_many_and_small_and_reach_every_failure() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 30
    assert (VERIFIERS / "vectors.json").stat().st_size < 200 * 1024
    assert FAILURES == [
        "digest-not-signed",
        "duplicate-header",
        "malformed-date",
        "malformed-signature",
        "missing-header",
        "missing-signature",
        "stale-date",
        "unknown-algorithm",
        "wrong-digest",
        "wrong-signature",
    ]


def test_the_verifier_in_python_agrees_with_every_vector() -> None:
    printed = run(VERIFIERS / "verify.py", VERIFIERS / "vectors.json").stdout
    assert printed.splitlines() == [f"{case['name']}: {case['expect']}" for case in CASES]


def test_what_the_sidecar_signs_is_right_to_the_verifier() -> None:
    body, secret, now = b'{"event":"ping","action":""}', "0123456789abcdef0123456789abcdef", 1_767_323_045
    date, digest = signing.http_date(now * 1000), signing.digest(body)
    signature = signing.sign_cavage(secret.encode(), date, digest)
    headers = {"Date": date, "Digest": digest, "Signature": signature}
    assert verify(headers.items(), body, [secret], now=now) is None
    assert verify(headers.items(), body + b" ", [secret], now=now) == "wrong-digest"


def test_one_secret_in_place_of_a_list_is_refused_and_not_taken_letter_by_letter() -> None:
    with pytest.raises(TypeError, match="list"):
        verify([], b"", "0123456789abcdef0123456789abcdef")


def test_the_runner_says_which_language_agrees() -> None:
    done = run(VERIFIERS / "run.py", "python", "--require", "python")
    assert f"{len(CASES)} of {len(CASES)} agree" in done.stdout
    assert done.returncode == 0


def test_the_runner_names_the_case_and_both_words_where_one_disagrees(tmp_path: Path) -> None:
    for name in ("run.py", "verify.py"):
        shutil.copy(VERIFIERS / name, tmp_path)
    (tmp_path / "vectors.json").write_text(json.dumps([{**CASES[0], "expect": "wrong-digest"}]))
    done = run(tmp_path / "run.py", "python")
    assert "good: wrong-digest is right, not ok" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(("required", "status"), [("python,go", 1), ("python", 0)])
def test_the_runner_fails_only_where_a_required_language_is_left_out(
    required: str, status: int, tmp_path: Path
) -> None:
    done = run(VERIFIERS / "run.py", "python", "go", "--require", required, env={"PATH": str(tmp_path)})
    assert "left out: go is not on this machine" in done.stdout
    assert done.returncode == status


@pytest.mark.parametrize("name", FILES)
def test_a_file_to_copy_carries_its_licence_and_has_a_page(name: str) -> None:
    opening = (VERIFIERS / name).read_text("utf-8")[:200]
    assert "SPDX-License-Identifier: Apache-2.0" in opening
    assert any(f"verifiers/{name}" in page.read_text("utf-8") for page in PAGES.glob("*.md"))


def test_every_failure_is_explained() -> None:
    page = (PAGES / "index.md").read_text("utf-8")
    assert [word for word in FAILURES if f"| `{word}` |" not in page] == []
