"""How an attempt is called on a cluster, and how its key is read back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiop.model.ids import ExecutionId, StepId, StepKey

__all__ = ["INSTALLATION_LABEL", "key_of", "labels", "pod_name", "selector", "step_annotation", "volume_name_fault"]

INSTALLATION_LABEL = "aiop.installation"
_STEP = "aiop.step"
_SLUG_LENGTH = 40
_LABEL_LENGTH = 63
_DNS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def pod_name(key: StepKey) -> str:
    """Name the pod: readable, and by 80 bits of a digest of the whole key nobody else's. At most 62 characters, since
    the name is the host name too.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", key.step.lower())[:_SLUG_LENGTH].strip("-")
    return "-".join(part for part in ("aiop", slug, key.layer) if part)


def labels(installation: str, key: StepKey) -> dict[str, str]:
    """Carry the key for people and selectors; a step's id that cannot be a label is written as near as may be."""
    return {
        "app.kubernetes.io/managed-by": "aiop",
        INSTALLATION_LABEL: installation,
        "aiop.execution": key.execution,
        _STEP: key.step[:_LABEL_LENGTH].strip("_-"),
        "aiop.index": str(key.index),
        "aiop.attempt": str(key.attempt),
    }


def step_annotation(key: StepKey) -> dict[str, str]:
    """Carry what a label cannot: the step's id as it is."""
    return {_STEP: key.step}


def key_of(pod: Mapping[str, Any]) -> StepKey | None:
    """Read back what ``labels`` and ``step_annotation`` wrote; ``None`` if somebody else wrote them."""
    found = pod["metadata"].get("labels") or {}
    try:
        key = StepKey(
            ExecutionId(found["aiop.execution"]),
            StepId(pod["metadata"]["annotations"][_STEP]),
            int(found["aiop.index"]),
            int(found["aiop.attempt"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return key if pod_name(key) == pod["metadata"]["name"] else None


def selector(installation: str) -> str:
    """Select the pods of an installation."""
    return f"{INSTALLATION_LABEL}={installation}"


def volume_name_fault(name: str) -> str | None:
    """Say why no claim can have this name."""
    if _DNS.fullmatch(name):
        return None
    return f"no PersistentVolumeClaim can be called {name}: lower-case letters, digits, - and . only"
