"""Pipelines: stored, run, what came from the cache, and the files that they hand out."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from aiop.client import AsyncClient
from browser.accessibility import violations
from browser.flows import write
from browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.docker]


def archive(directory: Path, image: str) -> Path:
    """A source with a definition."""
    definition = f"""
container_config: {{image: "{image}", network: none}}
steps:
  - {{id: build, container: {{script: "cat words.txt > program"}}}}
outputs: [{{name: program, path: program}}]
"""
    place = directory / "source.tar.gz"
    with tarfile.open(place, "w:gz") as tar:
        for name, text in {"pipeline.yaml": definition, "words.txt": "to be\n"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return place


async def test_a_pipeline_is_stored_run_twice_and_its_file_downloaded(
    page: Page, api: AsyncClient, image: str, tmp_path: Path
) -> None:
    await page.goto("/pipelines")
    await page.get_by_role("link", name="New").click()
    await expect(page.get_by_role("heading", name="New pipeline")).to_be_visible()
    await page.get_by_label("Name").fill("app")
    await page.get_by_text("Upload an archive").click()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Archive").click()
    await (await chooser.value).set_files(archive(tmp_path, image))
    assert await violations(page) == []
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name="app", level=1)).to_be_visible()
    await expect(page.get_by_text("It was not executed yet.")).to_be_visible()
    [pipeline] = (await api.pipelines.list(name="app")).items

    for run in range(2):
        await page.goto(f"/pipelines/{pipeline.id}")
        await page.get_by_role("button", name="Run").click()
        await page.get_by_role("dialog").get_by_role("button", name="Run").click()
        await page.wait_for_url("**/executions/*")
        execution = page.url.rpartition("/")[2]
        ended = await api.executions.wait(execution)
        assert (ended.succeeded, ended.steps["build"].cached) == (True, run == 1)

    await page.goto(f"/pipelines/{pipeline.id}")
    await expect(page.get_by_role("cell", name="1 of 1")).to_be_visible()
    await expect(page.get_by_role("cell", name="0 of 1")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="program").click()
    assert Path(await (await download.value).path()).read_text() == "to be\n"
    assert await violations(page) == []


async def test_a_definition_is_written_with_its_faults_shown_and_its_inputs_are_asked_for(
    page: Page, api: AsyncClient, image: str, watch: Watch, gates: Path
) -> None:
    watch.expected.append("400")
    (gates / "written").mkdir()
    await page.goto("/pipelines/new")
    await page.get_by_label("Name").fill("written here")
    await page.get_by_role("textbox", name="Directory").fill(str(gates / "written"))
    await page.get_by_text("Here", exact=True).click()
    await expect(page.get_by_text("No faults")).to_be_visible()

    step = f"  - id: a\n    container: {{image: '{image}', script: 'echo $INPUT_WHO', network: none}}\n"
    await write(page, f"# kept\nsteps:\n{step}    sourcs: []\n")
    fault = page.get_by_role("list", name="Faults").get_by_role("listitem")
    await expect(fault).to_contain_text("Line 5")
    await expect(fault).to_contain_text("sources")
    assert await violations(page) == []
    await page.get_by_role("button", name="Create").click()
    await expect(fault).to_contain_text("steps[0].sourcs")
    await expect(page.get_by_role("heading", name="New pipeline")).to_be_visible()

    declared = "inputs: {who: {type: string, required: true}}"
    await write(page, f"# kept\n{declared}\nsteps:\n{step}    inputs: {{who: '${{inputs.who}}'}}\n")
    await expect(page.get_by_text("No faults")).to_be_visible()
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_text("stored with it")).to_be_visible()
    [pipeline] = (await api.pipelines.list(name="written here")).items
    assert str(pipeline.pipeline_definition).startswith("# kept")

    await page.get_by_role("button", name="Run").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="who").fill("you")
    await dialog.get_by_role("button", name="Run").click()
    await page.wait_for_url("**/executions/*")
    assert (await api.executions.wait(page.url.rpartition("/")[2])).outputs == {"result": "you"}

    await page.goto(f"/pipelines/{pipeline.id}/edit")
    await expect(page.get_by_role("textbox", name="Definition")).to_contain_text("# kept")
    await page.get_by_label("Description").fill("changed")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("changed", exact=True)).to_be_visible()
    assert (await api.pipelines.get(pipeline.id)).pipeline_definition == pipeline.pipeline_definition
