"""What is asked for when a workflow is executed, and what of it may be stored how."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiop.errors import Fault, InvalidRequest
from aiop.interfaces import Vault
from aiop.model.agent import WORKFLOWS, AgentRecord
from aiop.model.definition import Definition, JsonValue, SecretUse
from aiop.model.placement import capable
from aiop.model.registry import registry_of
from aiop.model.trace import TraceContext
from aiop.operations.needs import needs_of, unsupported
from aiop.spec import (
    CheckedInputs,
    ImageError,
    TemplateSyntaxError,
    apply_registry,
    check_inputs,
    check_registry,
    compile_secret_text,
    uses_in,
)

__all__ = ["MASK", "Prepared", "RegistryLogin", "Submission", "mentioned_secrets", "prepare"]

MASK = "***"
_TIMEOUT = "default_timeout"


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """Credentials for the registry of the submission, in which secrets may be referred to; never printed."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Submission:
    """The body of ``execute``. ``defaults`` are the lowest-priority inputs, ``default_timeout`` among them.

    ``trace`` is where its caller is; two submissions are equal whatever it says.
    """

    inputs: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    defaults: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    registry: str | None = None
    login: RegistryLogin | None = None
    requires: Sequence[str] = ()
    ignore_unsupported: bool = False
    trace: TraceContext | None = None

    def canonical(self) -> bytes:
        """Return a text that is equal for equal submissions. It holds the secrets: for a keyed digest only."""
        login = [self.login.username, self.login.password] if self.login else None
        content = [self.inputs, self.defaults, self.registry, login, sorted(self.requires), self.ignore_unsupported]
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission in the form in which it is stored."""

    inputs: Mapping[str, JsonValue]
    options: Mapping[str, Any]
    sealed: bytes | None
    requires: tuple[str, ...]


def prepare(
    definition: Definition,
    submission: Submission,
    vault: Vault,
    agents: Sequence[AgentRecord],
    *,
    secrets: Container[str] = frozenset(),
    capability: str = WORKFLOWS,
) -> Prepared:
    """Check a submission, mask what is sensitive and seal its true values; ``secrets`` are the names of those known.

    ``capability`` is what its agent needs, whatever it asks for. Raises ``InvalidRequest`` with every fault.
    """
    faults: list[Fault] = []
    options = _options(submission, faults)
    mentions = (*definition.secrets, *_in_login(submission.login, faults))
    faults.extend(_secret_fault(use) for use in mentions if not use.optional and use.name not in secrets)
    defaults = {
        name: value
        for name, value in submission.defaults.items()
        # It says how long steps may take; an input it is only for a workflow that declares one of that name.
        if name != _TIMEOUT or name in (definition.inputs or {})
    }
    try:
        checked = check_inputs(definition, submission.inputs, defaults=defaults)
    except InvalidRequest as error:
        faults.extend(error.faults)
    requires = _requires(definition, submission, capability)
    fit = capable(agents, requires)
    if not fit:
        faults.append(Fault("requires", f"No agent has the capabilities {', '.join(requires)}"))
    if not submission.ignore_unsupported and (needs := needs_of(definition)):
        requires = tuple(sorted({*requires, *(need.ability.word for need in needs)}))
        if fit and not capable(fit, requires):
            faults.extend(unsupported(needs, fit))
    if faults:
        raise InvalidRequest(faults)
    secret = _secret(submission, checked)
    return Prepared(
        inputs={name: MASK if name in checked.sensitive else value for name, value in checked.values.items()},
        options=options,
        sealed=vault.seal(json.dumps(secret).encode()) if secret else None,
        requires=requires,
    )


def _requires(definition: Definition, submission: Submission, capability: str) -> tuple[str, ...]:
    """Collect what one agent must be able to do: an execution runs on one, with all its steps."""
    words = {capability, *definition.requires, *submission.requires}
    words.update(*(step.requires for step in definition.steps))
    return tuple(sorted(words))


def mentioned_secrets(definition: Definition, submission: Submission) -> tuple[SecretUse, ...]:
    """Return all secrets that the execution will ask for, each where it is mentioned."""
    return (*definition.secrets, *_in_login(submission.login, []))


def _in_login(login: RegistryLogin | None, faults: list[Fault]) -> Iterator[SecretUse]:
    for part in ("username", "password") if login else ():
        field = f"container_credentials.{part}"
        try:
            yield from uses_in(compile_secret_text(getattr(login, part)), field)
        except TemplateSyntaxError as error:
            faults.append(Fault(field, str(error)))


def _secret_fault(use: SecretUse) -> Fault:
    return Fault(use.field, f"There is no secret `{use.name}`" + (f": {use.message}" if use.message else ""))


def _options(submission: Submission, faults: list[Fault]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if submission.registry is not None:
        try:
            options["container_registry"] = check_registry(submission.registry)
        except ImageError as error:
            faults.append(Fault("container_registry", str(error)))
    timeout = submission.defaults.get(_TIMEOUT)
    if timeout is not None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 10**9:
            faults.append(Fault(f"workflow_defaults.inputs.{_TIMEOUT}", "Must be a number of seconds above 0"))
        options[_TIMEOUT] = timeout
    if submission.trace is not None:
        options["traceparent"] = submission.trace.traceparent
        if submission.trace.state is not None:
            options["tracestate"] = submission.trace.state
    return options


def _secret(submission: Submission, checked: CheckedInputs) -> dict[str, Any]:
    """Collect what must not be readable at rest."""
    secret: dict[str, Any] = {}
    inputs = {name: value for name, value in checked.values.items() if name in checked.sensitive}
    if inputs:
        secret["inputs"] = inputs
    if submission.login is not None:
        secret["credentials"] = {
            # The host that images get by this registry, as it will be asked of each image before a pull.
            "registry": registry_of(apply_registry("image", submission.registry)),
            "username": submission.login.username,
            "password": submission.login.password,
        }
    return secret
