"""``aiop pipeline`` against the real service, whose engine is a fake one."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from unit.cli.installation import AIOP, serving

PIPELINE = """
name: app
inputs:
  mode: {type: string, default: fast}
container_config: {image: "busybox:1", network: none}
steps:
  - {id: build, sources: [main.c], container: {script: 'cat main.c > out/app; cat out/app'}}
  - {id: test, depends_on: [build], container: {script: 'cat notes.txt; echo ${inputs.mode}'}}
outputs:
  - {name: app, path: out/app, step: build}
  - {name: out, path: out, step: test}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serving(tmp_path_factory.mktemp("service")) as environment:
        yield environment


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    for name, text in {
        "pipeline.yaml": PIPELINE,
        "main.c": "int main;",
        "notes.txt": "note",
        ".gitignore": "*.o\n/secret/\n",
        "left.o": "object",
        "secret/key": "private",
    }.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    return made


@pytest.fixture
def run(installation: dict[str, str], tmp_path: Path) -> Run:
    def aiop(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*AIOP, *arguments], capture_output=True, text=True, env=installation, cwd=tmp_path, check=False
        )

    return aiop


def test_a_directory_is_run_from_here_and_what_is_known_is_not_run_again(run: Run, project: Path) -> None:
    first = run("pipeline", "run", "project")
    assert (first.returncode, first.stderr) == (0, "")
    assert "build: completed" in first.stdout
    assert "cached" not in first.stdout
    assert "app (9 bytes): aiop execution download" in first.stdout

    second = run("pipeline", "run", "./project")
    assert second.stdout.count(": cached") == 2

    (project / "notes.txt").write_text("changed")
    third = run("pipeline", "run", "project", "-o", "json")
    execution = json.loads(third.stdout)
    assert (execution["steps"]["build"].get("cached"), execution["steps"]["test"].get("cached")) == (True, None)
    assert "build: completed: cached" in third.stderr

    why = run("execution", "cache", execution["id"])
    assert "source" in next(line for line in why.stdout.splitlines() if line.startswith("test"))
    assert run("execution", "cache", execution["id"], "-o", "name").stdout == "build\n"
    assert json.loads(run("execution", "cache", execution["id"], "test", "-o", "json").stdout)["changed"] == ["source"]
    shown = run("execution", "show", execution["id"]).stdout
    assert "cached" in next(line for line in shown.splitlines() if line.startswith("build"))
    assert len(run("pipeline", "list", "-o", "name").stdout.split()) == 1, "it is one pipeline"


def test_outputs_are_listed_and_downloaded(run: Run, project: Path, tmp_path: Path) -> None:
    execution = run("pipeline", "run", "project", "--no-watch", "-o", "name").stdout.strip()
    assert run("execution", "outputs", execution, "-o", "name").stdout == "app\nout\n"

    assert run("execution", "download", execution, "app").stdout == "app: 9 bytes\n"
    assert (tmp_path / "app").read_text() == "int main;"
    assert run("execution", "download", execution, "app", "--to", "-").stdout == "int main;"
    (tmp_path / "all").mkdir()
    assert run("execution", "download", execution, "--to", "all").returncode == 0
    with tarfile.open(fileobj=io.BytesIO((tmp_path / "all" / "out.tar.gz").read_bytes())) as tar:
        assert "out/app" in tar.getnames()

    missing = run("execution", "download", execution, "nothing")
    assert (missing.returncode, missing.stderr) == (
        3,
        "aiop: the execution has no output 'nothing'\nThere are: app, out.\n",
    )
    assert run("execution", "download", execution, "--to", "file").returncode == 2


def test_what_is_ignored_stays_at_home(run: Run, project: Path, tmp_path: Path) -> None:
    from aiop.cli.packing import packed

    (project / ".git").mkdir()
    (project / ".git" / "config").write_text("x")
    (project / "link").symlink_to("/etc/passwd")
    (project / "empty").mkdir()
    with packed(project, told=lambda _: None) as archive, tarfile.open(archive) as tar:
        assert tar.getnames() == [".gitignore", "empty", "link", "main.c", "notes.txt", "pipeline.yaml"]
        assert tar.getmember("link").issym()


def test_faults_are_told_with_their_lines(run: Run, project: Path) -> None:
    (project / "pipeline.yaml").write_text(PIPELINE.replace("depends_on: [build]", "depends_on: [built]"))
    ended = run("pipeline", "run", "project")
    assert ended.returncode == 3
    assert (
        "project/pipeline.yaml:8: steps[1].depends_on[0]: Unknown step `built`; did you mean `build`?" in ended.stderr
    )
    wrong = run("pipeline", "run", "project", "-i", "mode:=1")
    assert wrong.returncode == 3
    (project / "pipeline.yaml").unlink()
    assert run("pipeline", "run", "project").returncode == 2


def test_a_pipeline_is_stored_changed_and_deleted(run: Run, project: Path) -> None:
    made = run("pipeline", "create", "stored", str(project), "--timeout", "60")
    assert made.stdout.startswith("Created pipeline stored")
    ended = run("pipeline", "run", "stored", "-i", "mode=slow", "-o", "json", "--skip-cache")
    assert json.loads(ended.stdout)["steps"]["test"]["outputs"]["result"] == "noteslow"
    assert len(run("execution", "list", "--pipeline", "stored", "-o", "name").stdout.split()) == 1
    refused = run("pipeline", "run", "stored", "--requires", "gpu", "--ignore-unsupported")
    assert refused.returncode == 3
    assert "No agent has the capabilities dagger_pipeline, gpu" in refused.stderr
    inline = run("pipeline", "update", "stored", "--inline", str(project / "pipeline.yaml"), "--no-cache")
    assert inline.stdout.startswith("Updated pipeline stored")
    shown = json.loads(run("pipeline", "show", "stored", "-o", "json").stdout)
    assert (shown["pipeline_definition"]["name"], shown["caching_enabled"]) == ("app", False)
    assert run("pipeline", "run", "stored").returncode == 0
    assert "Timeout" in run("pipeline", "show", "stored").stdout
    assert run("pipeline", "delete", "stored", "--yes").stdout.startswith("Deleted pipeline stored")
    assert run("pipeline", "show", "stored").returncode == 3
