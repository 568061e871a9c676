"""Which secrets a document mentions, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiop.model.definition import SecretUse
from aiop.spec.outline import Outline, as_object
from aiop.spec.paths import dotted
from aiop.spec.templates import NAME, Kind, Template, TemplateSyntaxError, compile_template

__all__ = ["SECRET_HOLDERS", "SECRET_NAME", "compile_secret_text", "mentions_secret", "secret_uses", "uses_in"]

SECRET_NAME = f"^{NAME}$"
"""What a secret may be called: what a reference can name."""

SECRET_HOLDERS = ("environment", "files")
"""The parts of a container in which secrets may be put."""

_BEGINNING = "${secrets."


def secret_uses(document: dict[str, Any]) -> tuple[SecretUse, ...]:
    """Return every mention of a secret in a checked document that some step is given, in the order written."""
    outline = Outline(document)
    containers = [step.container for step in outline.steps]
    return (
        *(
            use
            for holder in SECRET_HOLDERS
            for key, text in as_object(outline.config.get(holder)).items()
            if mentions_secret(text) and not all(key in as_object(own.get(holder)) for own in containers)
            for use in uses_in(compile_template(text), dotted(("container_config", holder, key)))
        ),
        *(
            use
            for step in outline.steps
            for holder in SECRET_HOLDERS
            for key, text in as_object(step.container.get(holder)).items()
            if mentions_secret(text)
            for use in uses_in(compile_template(text), dotted((*step.path, "container", holder, key)))
        ),
    )


def uses_in(template: Template, field: str) -> Iterator[SecretUse]:
    """Yield the mentions in one text, which stands at ``field``."""
    for reference in template.references:
        if reference.kind is Kind.SECRET:
            yield SecretUse(field, reference.name, reference.default is not None, reference.message)


def compile_secret_text(text: str) -> Template:
    """Compile a text outside of definitions, in which secrets alone are references; without one it is literal.

    Raises ``TemplateSyntaxError`` for a broken reference, or one to something else beside a secret.
    """
    if not mentions_secret(text):
        return Template((text,))
    template = compile_template(text)
    for reference in template.references:
        if reference.kind is not Kind.SECRET:
            raise TemplateSyntaxError(f"Only secrets can be referred to here, not {reference}")
    return template


def mentions_secret(text: str) -> bool:
    """Tell whether a text may hold a reference to a secret, without compiling it."""
    return _BEGINNING in text
