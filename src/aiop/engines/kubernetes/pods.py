"""What a ``ContainerRun`` is in the words of the Kubernetes API. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiop.engines.kubernetes.names import labels, pod_name, step_annotation, volume_name_fault
from aiop.engines.kubernetes.wrapping import AIOP_OUTPUT, wrap
from aiop.model.agent import PodSettings
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, HostMount, VolumeMount

__all__ = [
    "CONTAINER",
    "CREATED",
    "GATE",
    "HELD_BACK",
    "MODE",
    "Mode",
    "PodRefused",
    "pod_body",
    "secret_body",
]

CONTAINER = "step"
CREATED = "aiop.created"
MODE = "aiop.mode"
"""Annotations: when the service made the pod, to the microsecond, and how its command is run."""

GATE = "aiop.secrets"
"""Keeps a pod from being scheduled before its secrets are there."""

HELD_BACK = "aiop.internal/collected"
"""A finalizer: keeps what is known of a pod that was told to end."""

EMPTY_DIR = "emptyDir"
"""As the source of a volume: no claim, but an empty directory that goes with the pod. No claim can be called so."""

TERMINATION_LOG = "/dev/termination-log"
_SECRET_LIMIT = 1024 * 1024
_GRACE_SECONDS = 30


class Mode:
    """How the command of a pod is run."""

    WRAPPED = "wrapped"
    BARE = "bare"
    """As it is: no shell in the image, or no command known to the service."""


class PodRefused(Exception):
    """No pod can be made of this; the message says why."""


@dataclass(frozen=True, slots=True)
class _Mounts:
    volumes: list[dict[str, Any]]
    mounts: list[dict[str, Any]]


def secret_names(pod: str) -> tuple[str, str]:
    """Name the secret of a pod's files and variables, and that of its image."""
    return pod, f"{pod}-pull"


def pod_body(
    run: ContainerRun, *, key: StepKey, installation: str, settings: PodSettings, mode: str, now: datetime
) -> dict[str, Any]:
    """Build the pod; raises ``PodRefused``."""
    name = pod_name(key)
    own, pull = secret_names(name)
    places = _mounts(run, settings, own)
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": run.image,
        "imagePullPolicy": "Always" if run.pull is PullPolicy.ALWAYS else "IfNotPresent",
        "env": _environment(run, own, mode),
        "resources": _resources(run),
        "securityContext": _security(run),
        "volumeMounts": places.mounts,
        "terminationMessagePath": TERMINATION_LOG,
        **_command(run, key, mode),
    }
    if run.working_dir is not None:
        container["workingDir"] = run.working_dir
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        # A mounted token is no business of a step's, and costs a second.
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": places.volumes,
        "imagePullSecrets": [{"name": secret} for secret in settings.image_pull_secrets],
    }
    if run.credentials is not None:
        spec["imagePullSecrets"].append({"name": pull})
    if _secret_data(run) or run.credentials is not None:
        spec["schedulingGates"] = [{"name": GATE}]
    spec |= _placement(settings)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": labels(installation, key),
            "annotations": {**step_annotation(key), CREATED: now.astimezone(UTC).isoformat(), MODE: mode},
        },
        "spec": spec,
    }


def secret_body(run: ContainerRun, pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Build the secrets of a pod that was made; they go with it."""
    own, pull = secret_names(pod["metadata"]["name"])
    meta = {
        "labels": pod["metadata"]["labels"],
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        ],
    }
    made = []
    if data := _secret_data(run):
        made.append(_secret(own, meta, "Opaque", data))
    if run.credentials is not None:
        login = f"{run.credentials.username}:{run.credentials.password}".encode()
        auths = {run.credentials.registry: {"auth": base64.b64encode(login).decode()}}
        if run.credentials.registry == "docker.io":
            auths["https://index.docker.io/v1/"] = auths["docker.io"]
        config = json.dumps({"auths": auths}).encode()
        made.append(_secret(pull, meta, "kubernetes.io/dockerconfigjson", {".dockerconfigjson": config}))
    return made


def _secret(name: str, meta: Mapping[str, Any], kind: str, data: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, **meta},
        "type": kind,
        "immutable": True,
        "data": {key: base64.b64encode(content).decode() for key, content in data.items()},
    }


def _secret_data(run: ContainerRun) -> dict[str, bytes]:
    data = {f"file{number}": content for number, content in enumerate(run.files.values())}
    data |= {f"variable{number}": run.environment[name].encode() for number, name in enumerate(_secret_names(run))}
    if sum(len(content) for content in data.values()) > _SECRET_LIMIT:
        raise PodRefused(f"files and secret variables are larger than {_SECRET_LIMIT} bytes together")
    return data


def _secret_names(run: ContainerRun) -> list[str]:
    return sorted(run.secret_environment & run.environment.keys())


def _command(run: ContainerRun, key: StepKey, mode: str) -> dict[str, Any]:
    if mode == Mode.WRAPPED and run.command is not None:
        command = [*run.command, *(run.args or ())]
        gate = run.workspace is not None
        wrapped = wrap(command, token=key.layer, output_paths=run.output_paths, gate=gate)
        return {"command": [_literal(part) for part in wrapped]}
    parts = {"command": run.command, "args": run.args}
    return {name: [_literal(part) for part in given] for name, given in parts.items() if given is not None}


def _literal(text: str) -> str:
    """Keep the cluster from putting variables in the place of ``$(NAME)``, and ``$`` in that of ``$$``."""
    return text.replace("$", "$$")


def _environment(run: ContainerRun, secret: str, mode: str) -> list[dict[str, Any]]:
    hidden = {name: f"variable{number}" for number, name in enumerate(_secret_names(run))}
    made: list[dict[str, Any]] = []
    for name, value in run.environment.items():
        if name in hidden:
            reference = {"secretKeyRef": {"name": secret, "key": hidden[name]}}
            made.append({"name": name, "valueFrom": reference})
        else:
            made.append({"name": name, "value": _literal(value)})
    output = AIOP_OUTPUT if mode == Mode.WRAPPED else TERMINATION_LOG
    return [*made, {"name": "AIOP_OUTPUT", "value": output}]


def _resources(run: ContainerRun) -> dict[str, Any]:
    limits: dict[str, str] = {}
    if run.resources.cpu_millis is not None:
        limits["cpu"] = f"{run.resources.cpu_millis}m"
    if run.resources.memory_bytes is not None:
        limits["memory"] = str(run.resources.memory_bytes)
    if run.resources.gpus is not None:
        limits["nvidia.com/gpu"] = str(run.resources.gpus)
    # What is asked for is what is granted: a node is never given more than it has.
    return {"limits": limits, "requests": limits} if limits else {}


def _security(run: ContainerRun) -> dict[str, Any]:
    made: dict[str, Any] = {"allowPrivilegeEscalation": False, "privileged": False}
    if run.user is not None:
        user, _, group = run.user.partition(":")
        if not user.isdigit() or (group and not group.isdigit()):
            raise PodRefused(f"the user {run.user} is no number: Kubernetes knows users by their numbers only")
        made["runAsUser"] = int(user)
        if group:
            made["runAsGroup"] = int(group)
    return made


def _placement(settings: PodSettings) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if settings.service_account is not None:
        made["serviceAccountName"] = settings.service_account
    if settings.node_selector:
        made["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerations:
        made["tolerations"] = [dict(toleration) for toleration in settings.tolerations]
    if settings.priority_class is not None:
        made["priorityClassName"] = settings.priority_class
    if settings.runtime_class is not None:
        made["runtimeClassName"] = settings.runtime_class
    return made


def _mounts(run: ContainerRun, settings: PodSettings, secret: str) -> _Mounts:
    places = _Mounts([], [])
    names: dict[HostMount | VolumeMount | str, str] = {}
    for mount in run.mounts:
        source, described = _source(mount, settings)
        if source not in names or source == EMPTY_DIR:
            names[source] = f"volume{len(places.volumes)}"
            places.volumes.append({"name": names[source], **described})
        places.mounts.append({"name": names[source], "mountPath": mount.target, "readOnly": mount.read_only})
    if run.workspace is not None:
        places.volumes.append({"name": "workspace", "emptyDir": {}})
        places.mounts.append({"name": "workspace", "mountPath": run.workspace.target})
    if run.files:
        items = [
            {"key": f"file{number}", "path": f"file{number}", "mode": 0o555 if content.startswith(b"#!") else 0o444}
            for number, content in enumerate(run.files.values())
        ]
        places.volumes.append({"name": "files", "secret": {"secretName": secret, "items": items}})
        places.mounts.extend(
            {"name": "files", "mountPath": path, "subPath": f"file{number}", "readOnly": True}
            for number, path in enumerate(run.files)
        )
    return places


def _source(mount: HostMount | VolumeMount, settings: PodSettings) -> tuple[str, dict[str, Any]]:
    if isinstance(mount, HostMount):
        if not settings.host_paths:
            raise PodRefused(f"{mount.source}: directories of the nodes may not be mounted by this agent (host_paths)")
        # Without a type a path that is not there would be made, as a directory of root's.
        return mount.source, {"hostPath": {"path": mount.source, "type": "Directory"}}
    if mount.name == EMPTY_DIR:
        return EMPTY_DIR, {"emptyDir": {}}
    if (fault := volume_name_fault(mount.name)) is not None:
        raise PodRefused(fault)
    return mount.name, {"persistentVolumeClaim": {"claimName": mount.name}}
