"""Kubeconfigs that come over the network."""

import pytest
import yaml

from aiop.spec import check_kubeconfig


def written(*, cluster: dict[str, str] | None = None, user: dict[str, object] | None = None) -> str:
    return yaml.safe_dump(
        {
            "clusters": [{"name": "c", "cluster": {"server": "https://c:6443", **(cluster or {})}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": user or {"token": "t"}}],
        }
    )


def test_one_with_all_its_data_in_it_is_taken() -> None:
    check_kubeconfig(written(cluster={"certificate-authority-data": "aGk="}, user={"client-key-data": "aGk="}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (written(cluster={"certificate-authority": "/etc/ca"}), "certificate-authority"),
        (written(user={"client-key": "/etc/shadow"}), "client-key"),
        (written(user={"tokenFile": "/etc/shadow"}), "tokenFile"),
        (written(user={"exec": {"command": "sh"}}), "program"),
        (written(user={"auth-provider": {"name": "gcp", "config": {"cmd-path": "sh"}}}), "program"),
        ("a: [", "no YAML"),
        ("just text", "with clusters"),
        ("{clusters: [1], contexts: [1], users: [1]}", "an entry"),
    ],
)
def test_one_that_reaches_for_this_machine_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_kubeconfig(text)
