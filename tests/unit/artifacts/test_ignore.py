"""What a source leaves out."""

import os
import subprocess
from pathlib import Path

import pytest

from aiop.artifacts import LocalArtifacts
from aiop.errors import SourceRefused
from trees import Shape, plant, shape

FILES: Shape = {
    "a.o": "", "a.c": "", "keep.o": "", "build/x": "", "build/keep": "", "deep/build/y": "", "deep/a.o": "",
    "deep/keep.o": "", "deep/er/b.tmp": "", "logs/1.log": "", "logs/keep.log": "", "docs/x/y.md": "",
    "spa ce/f": "", "[x]": "", "#hash": "", "!bang": "", "trail ": "", ".env": "", "node_modules/p/q.js": "",
    "-d/f": "", "docs/x/z.txt": "",
}  # fmt: skip


async def kept(artifacts: LocalArtifacts, source: Path) -> set[str]:
    """The files of a snapshot, but for the ignore files."""
    taken = await artifacts.snapshot(str(source))
    shown = shape(artifacts._snapshots.tree(taken.id))
    return {path for path, text in shown.items() if text is not None and not path.endswith("ignore")}


GIT = [
    {".gitignore": "*.o\n!keep.o\n"},
    {".gitignore": "build/\n!build/keep\n"},
    {".gitignore": "/build\nlogs/*\n!logs/keep.log\n"},
    {".gitignore": "*.o\n", "deep/.gitignore": "!*.o\n*.tmp\n"},
    {".gitignore": "!*.o\n", "deep/.gitignore": "*.o\n/er\n"},
    {".gitignore": "deep\n", "deep/.gitignore": "!*\n"},
    {".gitignore": "**/y.md\ndocs/**/z.txt\n\\#hash\n\\!bang\n\\[x\\]\ntrail\\ \nspa ce\n"},
    {".gitignore": "*\n!*/\n!*.c\n"},
    {".gitignore": "# nothing\n\n   \n/*\n!/deep\n/deep/*\n!/deep/build\n"},
    {".gitignore": "docs/*/y.md\nd??p/a.[no]\n-d\n.env\nnode_modules/\n"},
    {"docs/.gitignore": "x/*\n!x/y.md\n"},
]


@pytest.mark.parametrize("rules", GIT)
async def test_gitignore_leaves_out_what_git_does(artifacts: LocalArtifacts, tmp_path: Path, rules: Shape) -> None:
    source = plant(plant(tmp_path / "source", FILES), rules)

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", source, *words], check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    listed = git("-c", "core.excludesFile=/dev/null", "ls-files", "-z", "--others", "--exclude-standard")
    assert await kept(artifacts, source) == {
        path for path in listed.split("\0") if path and not path.endswith("ignore")
    }


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ("*.o", {"a.o", "keep.o"}),
        ("**/*.o\n!keep.o", {"a.o", "deep/a.o", "deep/keep.o"}),
        ("build", {"build/x", "build/keep"}),
        ("build\n!build/keep", {"build/x"}),
        ("/logs/\n!logs/keep.log", {"logs/1.log"}),
        ("docs/**\n!docs/x", set()),
        ("**/x\n!docs/*/z.txt", {"docs/x/y.md", "build/x"}),
        ("# a comment\n  deep/../logs  \n./build/", {"logs/1.log", "logs/keep.log", "build/x", "build/keep"}),
        ("deep/build/y\n*/b.tmp\nd*/er", {"deep/build/y", "deep/er/b.tmp"}),
        ("*\n!a.c\n!docs", set(FILES) - {"a.c", "docs/x/y.md", "docs/x/z.txt"}),
        (".", set()),
    ],
)
async def test_dockerignore_leaves_out_what_docker_does(
    artifacts: LocalArtifacts, tmp_path: Path, rules: str, gone: set[str]
) -> None:
    source = plant(plant(tmp_path / "source", FILES), {".dockerignore": rules})
    assert await kept(artifacts, source) == set(FILES) - gone


async def test_what_either_file_leaves_out_is_left_out(artifacts: LocalArtifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"a": "", "b": "", "c": "", ".gitignore": "a", ".dockerignore": "b\n!a"})
    assert await kept(artifacts, source) == {"c"}


async def test_git_s_own_directory_is_left_out_unless_it_is_asked_for(
    artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {".git/HEAD": "x", "sub/.git": "gitdir: y", "f": ""})
    assert await kept(artifacts, source) == {"f"}
    plant(source, {".dockerignore": "!.git"})
    assert await kept(artifacts, source) == {"f", ".git/HEAD"}


async def test_what_is_left_out_may_be_anything(artifacts: LocalArtifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"f": "", ".gitignore": "run/"})
    (source / "run").mkdir()
    os.mkfifo(source / "run/pipe")
    assert await kept(artifacts, source) == {"f"}


async def test_a_pattern_that_cannot_be_read_is_refused_with_its_file(
    artifacts: LocalArtifacts, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {"d/.gitignore": "!\n"})
    with pytest.raises(SourceRefused, match=r"d/\.gitignore has a pattern"):
        await artifacts.snapshot(str(source))
