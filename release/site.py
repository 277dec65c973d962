"""Build the docs as a site, into site/.

    python release/site.py PYTHON

Law: the pages are the very files that a forge shows, and so are their links: all that is linked to is laid out beside
them as it is in the checkout. A page that nothing lists, and any warning, fails. PYTHON is one that has mkdocs.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SECTIONS = {
    "Learn": ("docs/tutorial.md",),
    "Do": ("docs/howto/*.md", "docs/howto/verify/*.md"),
    "Look up": ("docs/reference/*.md",),
    "Understand": ("docs/*.md", "docs/explanation/*.md"),
    "Decisions": ("docs/decisions/*.md",),
    "Project": ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "changelog.d/README.md"),
}
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """All of them, relative to the checkout."""
    found = [path for name in ("*.md", "docs/**/*.md", "changelog.d/README.md") for path in ROOT.glob(name)]
    return sorted(path.relative_to(ROOT) for path in found)


def linked(page: Path) -> Iterator[Path]:
    """The files that a page links to."""
    for target in LINK.findall(CODE.sub("", (ROOT / page).read_text("utf-8"))):
        yield Path(os.path.normpath(page.parent / target))


def spaced(text: str) -> str:
    """A list begins after a blank line, which forges do without and Python-Markdown does not."""
    parts = re.split(r"(^```.*?^```$|^    .*$|^<!--.*?-->$)", text, flags=re.MULTILINE | re.DOTALL)
    before = re.compile(r"^((?!- |\* |\d+\. |[|#> ]).+\n)(?=- |1\. )", re.MULTILINE)
    return "".join(before.sub(r"\1\n", part) for part in parts)


def menu(found: Iterable[Path]) -> list[Any]:
    """The front page, and a section for each kind."""
    left = [page for page in found if page != Path("README.md")]
    sections = []
    for title, patterns in SECTIONS.items():
        rows = [page for pattern in patterns for page in left if page in _matching(pattern)]
        left = [page for page in left if page not in rows]
        sections.append({title: [str(page) for page in rows]})
    if left:
        sys.exit(f"no section has {', '.join(map(str, left))}: see SECTIONS in release/site.py")
    return ["README.md", *sections]


def _matching(pattern: str) -> set[Path]:
    return {path.relative_to(ROOT) for path in ROOT.glob(pattern)}


def configuration(source: Path) -> dict[str, Any]:
    """For mkdocs; nothing is fetched from elsewhere, neither when it is built nor when it is read."""
    return {
        "site_name": "drone-webhook-sidecar",
        "docs_dir": str(source),
        "site_dir": str(ROOT / "site"),
        "theme": {
            "name": "material",
            "font": False,
            "features": ["content.code.copy", "navigation.indexes", "navigation.top", "toc.follow"],
            "palette": [
                {"media": "(prefers-color-scheme: light)", "scheme": "default"},
                {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
            ],
        },
        "plugins": ["search"],
        "markdown_extensions": ["tables", "pymdownx.highlight", "pymdownx.superfences", {"toc": {"permalink": True}}],
        "validation": {
            "nav": {"omitted_files": "warn", "not_found": "warn", "absolute_links": "warn"},
            "links": {"not_found": "warn", "absolute_links": "warn", "unrecognized_links": "warn", "anchors": "warn"},
        },
        "nav": menu(pages()),
        "extra": {"generator": False},
    }


def laid_out(source: Path) -> None:
    """The pages, and whatever they link to."""
    for page in pages():
        (source / page).parent.mkdir(parents=True, exist_ok=True)
        (source / page).write_text(spaced((ROOT / page).read_text("utf-8")), "utf-8")
        for file in linked(page):
            if file.suffix != ".md" and (ROOT / file).is_file():
                (source / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / file, source / file)


def main(python: str) -> int:
    """Fill site/. (Not `--quiet`: what mkdocs does not say, it does not count either.)"""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "source")
        laid_out(source)
        Path(scratch, "mkdocs.yml").write_text(json.dumps(configuration(source)), "utf-8")
        command = [python, "-m", "mkdocs", "build", "--strict", "--config-file", f"{scratch}/mkdocs.yml"]
        return subprocess.run(command, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
