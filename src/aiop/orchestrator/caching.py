"""On what a step's result depends: the parts of its key. Pure.

A result may stand for a run only if every part is equal. What is not in a part must not be seen by the step, or must
not matter: the ids of the execution and of the attempt, trace context, timeouts and retries are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiop.interfaces import Vault
from aiop.model.definition import ABSENT, JsonValue, Step
from aiop.model.ids import SnapshotId, StepId
from aiop.model.pipelines import CacheOff
from aiop.model.run import VOLATILE, ContainerRun, HostMount, VolumeMount

__all__ = ["IMAGE", "cache_off", "digest_of", "key_of", "key_parts"]

FORMAT = 1
"""To be raised when results that older releases have kept must not be taken any more."""

IMAGE = "image"


def cache_off(step: Step, run: ContainerRun, asked: str | None) -> CacheOff | None:
    """Say why a result of this step is not taken from the cache, if it is not; ``asked`` is what the execution says.

    With ``EXECUTION`` it is kept all the same.
    """
    if not step.cache:
        return CacheOff.STEP
    if any(isinstance(mount, HostMount) for mount in run.mounts):
        return CacheOff.HOST_PATH
    return CacheOff(asked) if asked is not None else None


def key_parts(
    step: Step,
    run: ContainerRun,
    *,
    inputs: Mapping[str, JsonValue],
    image_digest: str,
    source: SnapshotId | None,
    upstream: Sequence[tuple[StepId, str]],
    target: str,
    vault: Vault,
) -> dict[str, str]:
    """Digest each part; ``upstream`` are the digests of what the ancestors have changed, in the order of stacking."""
    values: dict[str, Any] = {
        IMAGE: image_digest,
        "command": [run.command, run.args],
        "source": source,
        "container": _container(run, target),
        "outputs": _outputs(step),
        **{f"environment.{name}": text for name, text in run.environment.items() if name not in VOLATILE},
        **{f"inputs.{name}": value for name, value in inputs.items()},
        **{f"files.{path}": content.hex() for path, content in run.files.items()},
        # The place counts: of two that change one file, the later one is seen.
        **{f"upstream.{ancestor}": [place, digest] for place, (ancestor, digest) in enumerate(upstream)},
    }
    return {name: digest_of(value, vault) for name, value in sorted(values.items())}


def key_of(parts: Mapping[str, str], vault: Vault) -> str:
    """Digest the parts together."""
    return digest_of([FORMAT, sorted(parts.items())], vault)


def digest_of(value: Any, vault: Vault) -> str:
    """Digest a JSON value by the installation's key, so that nobody can guess at secrets in it."""
    return vault.digest(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def _container(run: ContainerRun, target: str) -> list[Any]:
    limits = run.resources
    return [
        run.working_dir,
        target,
        run.user,
        run.network.value,
        [limits.cpu_millis, limits.memory_bytes, limits.gpus],
        [[it.name, it.target, it.read_only] for it in run.mounts if isinstance(it, VolumeMount)],
    ]


def _outputs(step: Step) -> list[Any]:
    """List what is declared: it decides what is read of what the container leaves."""
    return [
        [name, it.path, it.type.value, None if it.default is ABSENT else [it.default], it.sensitive]
        for name, it in sorted(step.outputs.items())
    ]
