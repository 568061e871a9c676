"""The true values of one execution, opened from what is stored. Nothing is stored from here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiop.interfaces import Vault
from aiop.model.definition import JsonValue, Step
from aiop.model.ids import StepId
from aiop.model.records import ExecutionRecord, StepRecord
from aiop.model.run import Credentials
from aiop.spec import Plan, Scope, StepResult, Template, TemplateError, compile_secret_text

__all__ = ["ExecutionValues", "Login", "execution_outputs", "results_by_step", "secret_texts", "sensitive_texts"]


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials for a registry, in which named secrets may be referred to."""

    registry: str
    username: Template
    password: Template

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it refers to."""
        return tuple(reference.name for part in (self.username, self.password) for reference in part.references)

    def credentials(self, scope: Scope) -> Credentials:
        """Put the secrets in; raises ``TemplateError`` naming the field."""
        try:
            return Credentials(self.registry, self.username.render_text(scope), self.password.render_text(scope))
        except TemplateError as error:
            raise TemplateError(f"container_credentials: {error}") from None


@dataclass(frozen=True, slots=True)
class ExecutionValues:
    """``hidden`` are all texts that must be masked, without named secrets."""

    inputs: Mapping[str, JsonValue]
    login: Login | None
    hidden: tuple[str, ...]

    @classmethod
    def open(cls, record: ExecutionRecord, vault: Vault) -> ExecutionValues:
        """Open what ``submit`` has sealed; raises ``ValueError`` if the installation's key has changed."""
        sealed: dict[str, Any] = json.loads(vault.open(record.sealed)) if record.sealed else {}
        hidden = sealed.get("inputs") or {}
        given = sealed.get("credentials")
        login = None
        texts = list(secret_texts(hidden.values()))
        if given:
            password = compile_secret_text(given["password"])
            login = Login(given["registry"], compile_secret_text(given["username"]), password)
            if password.is_literal:
                texts.append(password.render_text(Scope()))
        return cls({**record.summary.inputs, **hidden}, login, tuple(texts))


def _step_result(record: StepRecord, vault: Vault) -> StepResult:
    outputs = json.loads(vault.open(record.sealed)) if record.sealed else (record.outputs or {})
    return StepResult(record.status, record.exit_code, outputs)


def results_by_step(record: ExecutionRecord, vault: Vault) -> dict[StepId, StepResult]:
    """Return what templates may read of the steps that have ended; raises ``ValueError`` as ``open`` does."""
    return {step.step: _step_result(step, vault) for step in record.summary.steps if step.status.ended}


def execution_outputs(plan: Plan, scope: Scope) -> dict[str, JsonValue]:
    """Return the outputs of an execution whose steps have all ended; raises ``TemplateError``.

    Without a declaration they are those of the last step, or of all last steps by their ids.
    """
    if plan.outputs is not None:
        return {name: value.render(scope) for name, value in plan.outputs.items()}
    graph = plan.graph
    last = {
        graph.ids[node]: scope.steps[graph.ids[node]].outputs for node in range(len(graph)) if not graph.children[node]
    }
    if len(last) == 1:
        return dict(next(iter(last.values())))
    return {step: dict(outputs) for step, outputs in last.items()}


def secret_texts(values: Iterable[JsonValue]) -> Iterable[str]:
    """Yield the texts in which secret values may show: every string and number in them, and compact JSON."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            yield from secret_texts(value.values())
        elif isinstance(value, list):
            yield json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            yield from secret_texts(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield json.dumps(value)


def sensitive_texts(step: Step, outputs: Mapping[str, JsonValue]) -> Iterable[str]:
    """Yield the texts of those outputs of a step that it declares as sensitive."""
    sensitive = (name for name, declared in step.outputs.items() if declared.sensitive)
    return secret_texts(outputs[name] for name in sensitive if name in outputs)
