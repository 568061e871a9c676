"""The manifests are valid, fit together, and give the service no more than it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from aiop.cli.serve import serve
from deploy.settings import known, named

HERE = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.34")
"""The oldest that is said to do, and one that it was tried on."""

Manifest = dict[str, Any]


def rendered() -> list[Manifest]:
    """What a cluster is given; by kubectl or kustomize where one is."""
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]) is not None:
            done = subprocess.run([*command, str(HERE)], capture_output=True, text=True, check=True)
            return list(yaml.safe_load_all(done.stdout))
    pytest.skip("neither kustomize nor kubectl is there, and Debian's is too old; what the files say is tested without")


def written() -> list[Manifest]:
    """What the files say, without any tool."""
    files = yaml.safe_load((HERE / "kustomization.yaml").read_text())["resources"]
    return [each for file in files for each in yaml.safe_load_all((HERE / file).read_text())]


def kinds(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in kinds]


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    return kinds(manifests, "Deployment", "StatefulSet")


def test_every_file_is_part_of_it() -> None:
    named = yaml.safe_load((HERE / "kustomization.yaml").read_text())
    files = {*named["resources"], *named["configMapGenerator"][0]["envs"], "kustomization.yaml"}
    assert {path.name for path in HERE.iterdir()} == files


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("source", [written, rendered])
def test_each_manifest_is_valid_and_has_no_field_that_does_not_exist(source: Any, version: str) -> None:
    for manifest in source():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_field_that_does_not_exist_is_found() -> None:
    broken = workloads(written())[0]
    broken["spec"]["template"]["spec"]["runAsNonRoot"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


def test_rendering_changes_nothing_but_names_labels_and_the_tag() -> None:
    def identity(manifest: Manifest) -> tuple[str, str]:
        return manifest["kind"], manifest["metadata"]["name"]

    made = {identity(each) for each in rendered()}
    (config,) = (name for kind, name in made if kind == "ConfigMap")
    assert made == {identity(each) for each in written()} | {("ConfigMap", config)}
    for workload in workloads(rendered()):
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": config}}]
        assert container["image"] == "aiop:latest"


def test_selectors_select_what_is_there_and_only_that() -> None:
    manifests = written()
    pods = {each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"] for each in workloads(manifests)}
    assert len(pods) == 2
    for manifest in kinds(manifests, "Service", "PodDisruptionBudget", "Deployment", "StatefulSet"):
        selector = manifest["spec"]["selector"]
        selector = selector.get("matchLabels", selector)
        name = manifest["metadata"]["name"]
        wanted = {"aiop": "aiop-api"}.get(name, name)
        assert [pod for pod, labels in pods.items() if selector.items() <= labels.items()] == [wanted]
    for policy in kinds(manifests, "NetworkPolicy"):
        selector = policy["spec"]["podSelector"].get("matchLabels", {})
        if selector:
            name = policy["metadata"]["name"]
            assert [pod for pod, labels in pods.items() if selector.items() <= labels.items()] == [name]


def test_what_is_referred_to_is_there() -> None:
    manifests = written()
    accounts = {
        (each["metadata"]["namespace"], each["metadata"]["name"]) for each in kinds(manifests, "ServiceAccount")
    }
    spaces = {each["metadata"]["name"] for each in kinds(manifests, "Namespace")}
    assert {each["metadata"].get("namespace") for each in manifests} == spaces | {None}
    for workload in workloads(manifests):
        pod = workload["spec"]["template"]["spec"]
        assert ("aiop", pod["serviceAccountName"]) in accounts
        volumes = {each["name"] for each in pod["volumes"]}
        volumes |= {each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", [])}
        (container,) = pod["containers"]
        assert {each["name"] for each in container["volumeMounts"]} == volumes
    (scaler,) = kinds(manifests, "HorizontalPodAutoscaler")
    (scaled,) = kinds(manifests, "Deployment")
    assert scaler["spec"]["scaleTargetRef"]["name"] == scaled["metadata"]["name"]
    assert "replicas" not in scaled["spec"]
    (binding,) = kinds(manifests, "RoleBinding")
    (role,) = kinds(manifests, "Role")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [(each["namespace"], each["name"]) for each in binding["subjects"]] == [("aiop", "aiop-orchestrator")]


def test_the_rights_are_those_that_the_engine_says_that_it_needs() -> None:
    page = (HERE.parents[1] / "docs" / "how-to" / "kubernetes.md").read_text()
    table = page.partition("## Rights")[2].partition("\n\n## ")[0]
    wanted = {
        resource.strip("` "): set(re.findall(r"`(\w+)`", verbs))
        for resource, verbs in re.findall(r"^\| (`[\w/]+`) \| ([^|]*) \|", table, flags=re.MULTILINE)
    }
    (role,) = kinds(written(), "Role")
    assert wanted == {rule["resources"][0]: set(rule["verbs"]) for rule in role["rules"]}
    assert len(wanted) == 5


def test_rights_end_at_the_namespace_of_the_steps() -> None:
    manifests = written()
    assert not kinds(manifests, "ClusterRole", "ClusterRoleBinding")
    (role,) = kinds(manifests, "Role")
    assert role["metadata"]["namespace"] == "aiop-steps"
    for rule in role["rules"]:
        assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
        if rule["resources"] == ["secrets"]:
            assert not {"get", "list", "watch"} & set(rule["verbs"])
    given = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["automountServiceAccountToken"]
        for each in workloads(manifests)
    }
    assert given == {"aiop-api": False, "aiop-orchestrator": True}


@pytest.mark.parametrize("workload", workloads(written()), ids=lambda each: each["metadata"]["name"])
def test_pods_are_as_restricted_as_can_be(workload: Manifest) -> None:
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for each in (container, *pod["initContainers"]):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert each["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in each["resources"]["limits"]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert probes == {
        "startup": {"path": "/healthz", "port": "http"},
        # A database that is away must not have the service killed.
        "liveness": {"path": "/healthz", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }
    assert container["ports"] == [{"name": "http", "containerPort": 8000}]


def test_settings_and_options_exist() -> None:
    settings = dict(line.split("=", 1) for line in (HERE / "aiop.env").read_text().splitlines())
    assert settings.keys() <= known()
    assert {name for path in HERE.iterdir() for name in named(path)} <= known()
    for workload in workloads(written()):
        (upgrade,) = workload["spec"]["template"]["spec"]["initContainers"]
        assert upgrade["args"] == ["db", "upgrade"]
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        command, option, role = container["args"]
        assert (command, option) == ("serve", "--role")
        assert "role" in serve.__annotations__
        assert workload["metadata"]["name"] == f"aiop-{role}"
