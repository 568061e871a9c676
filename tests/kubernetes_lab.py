"""The real cluster for tests, if the environment names one: its only node is this machine."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

KUBECONFIG = "AIOP_TEST_KUBECONFIG"


class KubernetesMissing(Exception):
    """No cluster is named, or it does not answer; the message says why."""


@dataclass(frozen=True)
class KubernetesLab:
    """A namespace of our own on a cluster, and an image with a shell that its node has."""

    kubeconfig: str
    image: str
    namespace: str

    @classmethod
    def open(cls) -> "KubernetesLab":
        kubeconfig = os.environ.get(KUBECONFIG)
        if not kubeconfig:
            raise KubernetesMissing(f"no cluster for tests: {KUBECONFIG} must be set")
        if shutil.which("kubectl") is None:
            raise KubernetesMissing("kubectl is not installed")
        image = os.environ.get("AIOP_TEST_KUBERNETES_IMAGE", "aiop-busybox:1")
        lab = cls(kubeconfig, image, f"aiop-test-{uuid4().hex[:12]}")
        lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lab.namespace}})
        lab.kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
        return lab

    @property
    def text(self) -> str:
        """The kubeconfig's content."""
        return Path(self.kubeconfig).read_text()

    @property
    def engine(self) -> dict[str, Any]:
        """An agent's engine, as the API takes it."""
        pods = {"namespace": self.namespace, "host_paths": True}
        return {"type": "kubernetes", "kubeconfig": self.text, "pods": pods}

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        command = ["kubectl", "--kubeconfig", self.kubeconfig, "-n", self.namespace, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=110)
        if done.returncode:
            raise KubernetesMissing(f"{' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *documents: Mapping[str, Any]) -> None:
        items: Sequence[Mapping[str, Any]] = documents
        self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self.kubectl("get", kind, name, "-o", "json"))

    def names(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in json.loads(self.kubectl("get", kind, "-o", "json"))["items"]]

    @property
    def node(self) -> str:
        """The name of the only node."""
        (node,) = self.names("nodes")
        return node

    def set_capacity(self, resource: str, amount: str | None) -> None:
        """Say that the node has so much of a resource that nothing measures, or none any more."""
        change = {"status": {field: {resource: amount} for field in ("capacity", "allocatable")}}
        self.kubectl("patch", "node", self.node, "--subresource=status", "--type=merge", "--patch", json.dumps(change))

    def evict(self, pod: str) -> None:
        """Ask for what a drain of the node asks for."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        self.kubectl("create", "--raw", path, "-f", "-", text=json.dumps(body))

    def make_claim(self, name: str, directory: str) -> None:
        """Make a volume of a directory of the node, and a claim to it."""
        size = {"storage": "1Mi"}
        access: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": name},
                "spec": {
                    **access,
                    "capacity": size,
                    "hostPath": {"path": directory},
                    "claimRef": {"name": name, "namespace": self.namespace},
                },
            },
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name},
                "spec": {**access, "resources": {"requests": size}, "volumeName": name},
            },
        )

    def remove_claim(self, name: str) -> None:
        self.kubectl("delete", "persistentvolumeclaim", name, "--wait=false")
        self.kubectl("delete", "persistentvolume", name, "--wait=false")

    def close(self) -> None:
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")
