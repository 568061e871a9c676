"""The strings of a container: compiled once, rendered for each attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from aiop.model.definition import Container, Volume
from aiop.spec.images import ImageError, check_image
from aiop.spec.schema import MAX_TEXT
from aiop.spec.templates import Scope, Template, TemplateError, compile_template

__all__ = ["CompiledContainer", "RenderedContainer", "fits_a_process", "naming"]

T = TypeVar("T")

_SURELY_SHORT = MAX_TEXT // 4
"""A text of so few characters is within ``MAX_TEXT`` bytes."""


@dataclass(frozen=True, slots=True)
class RenderedContainer:
    """The strings of a container, concrete. ``environment`` is only what the definition says."""

    image: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    environment: Mapping[str, str] = field(repr=False)
    working_dir: str | None
    user: str | None
    volumes: tuple[Volume, ...]
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CompiledContainer:
    """The templates of a container; ``script`` has become a command."""

    image: Template
    command: tuple[Template, ...] | None
    args: tuple[Template, ...] | None
    environment: Mapping[str, Template]
    working_dir: Template | None
    user: Template | None
    files: Mapping[str, Template]
    volumes: tuple[tuple[Volume, Template], ...]

    @classmethod
    def of(cls, container: Container) -> CompiledContainer:
        """Compile; a container's own command or script excludes the image's default arguments."""
        command, args = container.command, container.args
        if container.script is not None:
            command = ("sh", "-c", container.script)
            # The first argument after a script is its $0, by which the shell names itself in errors.
            args = ("sh", *args) if args else ()
        elif command is not None and args is None:
            args = ()
        return cls(
            image=compile_template(container.image),
            command=None if command is None else tuple(map(compile_template, command)),
            args=None if args is None else tuple(map(compile_template, args)),
            environment={key: compile_template(text) for key, text in container.environment.items()},
            working_dir=None if container.working_dir is None else compile_template(container.working_dir),
            user=None if container.user is None else compile_template(container.user),
            files={path: compile_template(text) for path, text in container.files.items()},
            volumes=tuple((volume, compile_template(volume.source)) for volume in container.volumes),
        )

    def templates(self) -> Iterator[Template]:
        """Walk over all strings."""
        yield self.image
        yield from self.command or ()
        yield from self.args or ()
        yield from self.environment.values()
        yield from (template for template in (self.working_dir, self.user) if template is not None)
        yield from self.files.values()
        yield from (template for _, template in self.volumes)

    def render(self, scope: Scope) -> RenderedContainer:
        """Substitute; raises ``TemplateError`` naming the field, also for what no container could be made of."""
        return RenderedContainer(
            image=_image(self.image, scope),
            command=_strings("command", self.command, scope),
            args=_strings("args", self.args, scope),
            environment={key: _string(f"environment.{key}", it, scope) for key, it in self.environment.items()},
            working_dir=_working_dir(self.working_dir, scope),
            user=None if self.user is None else _string("user", self.user, scope),
            volumes=tuple(
                replace(volume, source=_string(f"volumes[{i}].source", source, scope))
                for i, (volume, source) in enumerate(self.volumes)
            ),
            files={path: naming(f"files[{path}]", it.render_text, scope).encode() for path, it in self.files.items()},
        )


def _image(template: Template, scope: Scope) -> str:
    image = _string("image", template, scope)
    try:
        check_image(image)
    except ImageError as error:
        raise TemplateError(f"image: {error}") from None
    return image


def _working_dir(template: Template | None, scope: Scope) -> str | None:
    if template is None:
        return None
    path = _string("working_dir", template, scope)
    if not path.startswith("/"):
        raise TemplateError("working_dir: Must be an absolute path")
    return path


def _strings(place: str, templates: Iterable[Template] | None, scope: Scope) -> tuple[str, ...] | None:
    if templates is None:
        return None
    return tuple(_string(f"{place}[{i}]", template, scope) for i, template in enumerate(templates))


def _string(place: str, template: Template, scope: Scope) -> str:
    """Render what becomes an argument or a variable of a process."""
    text = naming(place, template.render_text, scope)
    if "\0" in text:
        raise TemplateError(f"{place}: The value holds a NUL character")
    if not fits_a_process(text, extra=len(place)):
        raise TemplateError(f"{place}: The value is larger than {MAX_TEXT} bytes; pass it in `files`")
    return text


def naming(place: str, render: Callable[[Scope], T], scope: Scope) -> T:
    """Render, and put ``place`` before the message of what is raised."""
    try:
        return render(scope)
    except TemplateError as error:
        raise TemplateError(f"{place}: {error}") from None


def fits_a_process(text: str, *, extra: int) -> bool:
    """Whether Linux takes ``text``, and ``extra`` bytes with it, as one argument or variable."""
    if len(text) + extra <= _SURELY_SHORT:
        return True
    return len(text.encode("utf-8", "surrogatepass")) + extra <= MAX_TEXT
