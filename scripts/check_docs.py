"""Proves that the docs hold: links lead somewhere, and the workflows in them and in ``examples`` have no fault."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiop.cli.document import read_document
from aiop.cli.exits import Failure
from aiop.errors import InvalidRequest
from aiop.spec import check_definition, check_pipeline

ROOT = Path(__file__).resolve().parent.parent
PAGES = (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"))
EXAMPLES = (*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("examples/**/*.json"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|\b(?:src|srcset)=\"([^\"]+)\"")
PICTURES = tuple(ROOT.glob("docs/images/ui/*.png"))
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Whole workflows, and lists of steps; other pieces of YAML show single fields.
BLOCK = re.compile(
    r"^(?:```yaml|cat > [^\n]*<<'END')\n(?:(name:.*?)|(- id:.*?))^(?:```|END)$", re.MULTILINE | re.DOTALL
)


def main() -> int:
    """Print what does not hold; returns the exit code."""
    faults = [*broken_links(), *unseen_pictures(), *faulty_workflows()]
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


def broken_links() -> Iterator[str]:
    """Yield a sentence for each relative link that leads nowhere."""
    for page in PAGES:
        for target in links(page):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            goal = (page.parent / path) if path else page
            if not goal.exists():
                yield f"{page.relative_to(ROOT)}: {target} does not exist"
            elif anchor and anchor not in anchors(goal):
                yield f"{page.relative_to(ROOT)}: {target} has no such heading"


def links(page: Path) -> list[str]:
    """Return where the links and the pictures of a page lead."""
    return [match[1] or match[2] for match in LINK.finditer(CODE.sub("", page.read_text()))]


def unseen_pictures() -> Iterator[str]:
    """Yield a sentence for each picture of a screen that no page leads to."""
    seen = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    yield from (f"{picture.relative_to(ROOT)}: no page shows it" for picture in PICTURES if picture not in seen)


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, made as GitHub does."""
    headings = re.findall(r"^#+ +(.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def faulty_workflows() -> Iterator[str]:
    """Yield a sentence for each fault of a workflow."""
    for path in EXAMPLES:
        yield from faults_of(path.relative_to(ROOT), path)
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, "block.yaml")
        for page in PAGES:
            for workflow, steps in BLOCK.findall(page.read_text()):
                copy.write_text(workflow or f"name: steps\nsteps:\n{steps}")
                yield from faults_of(page.relative_to(ROOT), copy)


def faults_of(name: Path, path: Path) -> Iterator[str]:
    """Check one document as ``aiop workflow validate`` does."""
    try:
        document = read_document(str(path)).data
        (check_pipeline if is_pipeline(document) else check_definition)(document)
    except Failure as failure:
        yield f"{name}: {failure.message}"
    except InvalidRequest as error:
        for fault in error.faults:
            yield f"{name}: {fault.field}: {fault.message}"


def is_pipeline(document: dict[str, Any]) -> bool:
    """Tell by what only pipelines have."""
    steps = [step for step in document.get("steps", ()) if isinstance(step, dict)]
    return isinstance(document.get("outputs"), list) or any({"sources", "cache"} & step.keys() for step in steps)


if __name__ == "__main__":
    sys.exit(main())
