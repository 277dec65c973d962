"""No comparison tells by its time how far a guess was right. Law: the source is read, all of it; `hmac.compare_digest`
alone compares what an attacker may guess. What is found here and is none of that is listed with its reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = [*sorted((ROOT / "sidecar").rglob("*.py")), ROOT / "verifiers" / "verify.py"]
GUESSED = re.compile(r"(^|_)(signatures?|secrets?|tokens?|mac|hmac|digests?|password|revealed|reveal)($|_)")
FORMS = {
    "rest == f'\\n\"@signature-params\": {prepared.signature_params}'",
    "form.base(headers['Content-Digest'], HOLE, prepared.signature_params) == prepared.signature_base",
}
HARMLESS = {
    "sidecar/signing/rfc9421.py": FORMS,
    "sidecar/settings/again.py": {"settings.relay_secrets != self._relay"},
}
"""By file, what has such a name and nobody can guess at: a form, before anything is signed; settings, old and new."""

SIGNING = FORMS | {
    "key.lower() == wanted",
    "http_date(at) == text",
    "id == id.strip()",
    "len(dict(pairs)) != len(pairs)",
    "len(pairs) != len(fields)",
    "len(set(names)) != len(names)",
}
"""What the signing rooms compare beside: forms, lengths and dates, none of which is secret."""


def compared(path: Path) -> Iterator[ast.Compare]:
    """Comparisons of two values, neither of which stands in the source."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
            sides = [node.left, *node.comparators]
            if not any(isinstance(side, ast.Constant | ast.Tuple | ast.Set | ast.List | ast.Dict) for side in sides):
                yield node


def words(node: ast.Compare) -> set[str]:
    """The names that are compared; of a call of `len`, nothing but a length is."""
    found: set[str] = set()
    for side in (node.left, *node.comparators):
        if not (isinstance(side, ast.Call) and ast.unparse(side.func) == "len"):
            found |= {part.id for part in ast.walk(side) if isinstance(part, ast.Name)}
            found |= {part.attr for part in ast.walk(side) if isinstance(part, ast.Attribute)}
    return found


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_could_be_guessed_is_never_compared_by_equality(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    found = {ast.unparse(node) for node in compared(path) if any(GUESSED.search(word.lower()) for word in words(node))}
    assert found - HARMLESS.get(name, set()) == set()


@pytest.mark.parametrize("path", sorted((ROOT / "sidecar" / "signing").glob("*.py")), ids=lambda path: path.name)
def test_where_signatures_are_checked_nothing_else_is_compared_by_equality_either(path: Path) -> None:
    found = {ast.unparse(node) for node in compared(path) if isinstance(node.ops[0], ast.Eq | ast.NotEq)}
    assert found - SIGNING == set()


def test_the_check_would_find_one(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("if given == sign(secret): ...\nif token in tokens: ...\nif len(secret) == size: ...\n")
    assert [ast.unparse(node) for node in compared(bad) if any(map(GUESSED.search, words(node)))] == [
        "given == sign(secret)",
        "token in tokens",
    ]
