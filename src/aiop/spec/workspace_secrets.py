"""Secrets must not be put where a pipeline keeps what it finds: in the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath
from typing import Any

from aiop.model.run import WORKSPACE
from aiop.spec.findings import Findings
from aiop.spec.outline import Outline, as_object
from aiop.spec.secrets import mentions_secret

__all__ = ["lint_workspace_secrets"]

_SENTENCE = "Would be kept with the workspace, and the secret in it readable: put the file elsewhere"


def lint_workspace_secrets(document: dict[str, Any], findings: Findings) -> None:
    """Find files with secrets that would lie in the workspace of a step.

    Where a working directory is a template it cannot be told.
    """
    outline = Outline(document)
    default = outline.config.get("working_dir")
    shared = as_object(outline.config.get("files"))
    found: set[tuple[str | int, ...]] = set()
    for step in outline.steps:
        target = step.container.get("working_dir") or default or WORKSPACE
        own = as_object(step.container.get("files"))
        found.update(("container_config", "files", path) for path in _inside(shared, target) if path not in own)
        found.update((*step.path, "container", "files", path) for path in _inside(own, target))
    for place in sorted(found, key=str):
        findings.add(place, _SENTENCE)


def _inside(files: dict[str, Any], target: Any) -> Iterator[str]:
    if not isinstance(target, str) or "${" in target:
        return
    root = normpath(target).rstrip("/") + "/"
    for path, text in files.items():
        if isinstance(text, str) and mentions_secret(text) and normpath(path).startswith(root):
            yield path
