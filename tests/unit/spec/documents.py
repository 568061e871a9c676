"""Documents that the tests of this folder start from."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, settings

from aiop.errors import Fault, InvalidRequest
from aiop.model.definition import Definition
from aiop.spec import check_definition

unhurried = settings(suppress_health_check=[HealthCheck.too_slow])
"""A property is not false because the machine is busy."""

REFERENCE: dict[str, Any] = {
    "name": "Example Workflow",
    "description": "A simple example workflow",
    "steps": [
        {
            "id": "step1",
            "name": "Step 1",
            "container": {
                "image": "python:3.9-slim",
                "command": ["python", "script.py"],
                "environment": {"ENV_VAR": "value"},
                "volumes": [{"source": "/tmp", "target": "/data"}],
            },
        },
        {
            "id": "step2",
            "name": "Step 2",
            "container": {"image": "node:18-alpine", "command": ["node", "script.js"]},
            "depends_on": ["step1"],
        },
    ],
    "container_config": {"image": "python:3.9-slim", "environment": {"DEBUG": "true"}},
}
"""The reference's example, retyped from it and not taken from the code under test."""

FULL: dict[str, Any] = {
    "name": "full",
    "description": "uses every field",
    "fail_fast": True,
    "requires": ["gpu"],
    "inputs": {
        "day": {"type": "string", "default": "monday", "description": "when", "sensitive": False},
        "count": {"type": "integer", "required": True},
        "key": {"sensitive": True},
    },
    "outputs": {"total": "${steps.sum.outputs.total}", "all": {"list": ["${steps.load.status}", 1, None]}},
    "container_config": {
        "image": "busybox:1",
        "environment": {"DAY": "${inputs.day}", "TOKEN": "${secrets.TOKEN:-none}"},
        "volumes": [{"source": "cache", "target": "/cache"}],
        "resources": {"cpu": 0.5, "memory": "64Mi"},
        "network": "none",
        "files": {"/etc/motd": "hello ${workflow.name}"},
        "pull": "always",
        "working_dir": "/w",
        "user": "1000",
    },
    "steps": [
        {
            "id": "load",
            "container": {"script": "echo ${inputs.count} ${HOME}", "args": ["a", "${execution.id}"]},
            "inputs": {"count": "${inputs.count}", "nested": {"deep": ["${inputs.key:-}"]}},
            "outputs": {"rows": {"path": "/out/rows.json", "type": "json", "default": [], "sensitive": True}},
            "retry": {
                "max_attempts": 3,
                "delay": 0.5,
                "backoff": "exponential",
                "factor": 3,
                "max_delay": 10,
                "jitter": 0.1,
                "on": ["exit_code", "timeout"],
                "exit_codes": [1, 75],
            },
            "timeout_seconds": 60,
            "grace_seconds": 1.5,
            "requires": ["gpu"],
        },
        {
            "id": "sum",
            "name": "Sum up",
            "depends_on": ["load"],
            "container": {
                "command": ["sum", "${steps.load.outputs.rows}"],
                "environment": {"DAY": "tuesday"},
                "volumes": [{"source": "./data", "target": "/data", "read_only": True}],
                "resources": {"cpu": "250m", "gpus": 1},
                "network": "default",
            },
            "when": "steps.load.status == 'completed' && inputs.count > 0 || failure()",
            "retries": 2,
            "retry_delay": 1,
            "continue_on_error": True,
        },
    ],
}


def with_changes(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(document), **changes}


def one_step(**step: Any) -> dict[str, Any]:
    return {"name": "w", "steps": [{"id": "a", "container": {"image": "busybox"}, **step}]}


def steps_of(graph: dict[str, list[str]], **step: Any) -> dict[str, Any]:
    """A workflow of one image with the given dependencies, and ``step`` in each of its steps."""
    return {
        "name": "w",
        "container_config": {"image": "busybox"},
        "steps": [{"id": name, "depends_on": needs, **step} for name, needs in graph.items()],
    }


def definition_of(document: dict[str, Any]) -> Definition:
    return check_definition(document)


def faults_in(document: Any) -> dict[str, list[str]]:
    """The messages of all faults by field; none for a document without a fault."""
    try:
        check_definition(document)
    except InvalidRequest as error:
        return by_field(error.faults)
    return {}


def by_field(faults: tuple[Fault, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(fault.field, []).append(fault.message)
    return found
