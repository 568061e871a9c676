"""The shape of pipeline documents: that of workflows, with what concerns files and the cache."""

from __future__ import annotations

from typing import Annotated, Any

from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from aiop.spec.schema import (
    MAX_STEPS,
    ContainerDocument,
    Document,
    Few,
    FieldName,
    InputDocument,
    Name,
    Path,
    StepDocument,
    Word,
    house,
)

__all__ = ["PIPELINE_EXAMPLE", "NamedOutputDocument", "PipelineDocument", "PipelineStepDocument"]


def _in_workspace(text: str) -> str:
    """Let through what stays in the workspace, in the one form in which it is compared and shown."""
    if text.startswith("/"):
        raise house("Must be relative to the workspace")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise house("Must not leave the workspace")
    return "/".join(parts) or "."


def _pattern(text: str) -> str:
    try:
        GitIgnoreSpecPattern(text)
        broken = ".." in text.split("/")
    except (GitIgnorePatternError, ValueError):
        broken = True
    if broken:
        raise house("Must be a pattern of paths in the source, like `src/` or `*.toml`")
    return text


class PipelineStepDocument(StepDocument):
    """One node of the graph of a pipeline."""

    cache: Annotated[
        bool | None, Field(description="Whether a result may stand for a run that would be equal; it may by default")
    ] = None
    sources: Annotated[
        list[Annotated[Path, AfterValidator(_pattern)]] | None,
        Field(max_length=1000, description="What of the source the step sees, as in `.gitignore`; all by default"),
    ] = None


class NamedOutputDocument(Document):
    """A file or directory that the pipeline hands out."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
    path: Annotated[Path, AfterValidator(_in_workspace), Field(description="Relative to the workspace")]
    step: Annotated[
        str | None, Field(description="After which step; may be left out where a single step is the last")
    ] = None


PIPELINE_EXAMPLE: dict[str, Any] = {
    "name": "Example Pipeline",
    "description": "Compiles a program and tests it",
    "container_config": {"image": "gcc:13"},
    "steps": [
        {"id": "build", "container": {"script": "make"}, "sources": ["src/", "Makefile"]},
        {"id": "test", "container": {"script": "./build/program --self-test"}, "depends_on": ["build"]},
    ],
    "outputs": [{"name": "program", "path": "build/program", "step": "build"}],
}


class PipelineDocument(Document):
    """What a pipeline does; the YAML file in its source, or the same inline."""

    model_config = ConfigDict(json_schema_extra={"examples": [PIPELINE_EXAMPLE]})

    name: Annotated[Name | None, Field(description="By default that of the pipeline")] = None
    description: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    steps: Annotated[list[PipelineStepDocument], Field(min_length=1, max_length=MAX_STEPS)]
    container_config: ContainerDocument | None = None
    inputs: Annotated[dict[FieldName, InputDocument], Few] | None = None
    outputs: Annotated[list[NamedOutputDocument], Field(max_length=100)] | None = None
    fail_fast: bool | None = None
    requires: Annotated[list[Word], Field(max_length=100)] | None = None
