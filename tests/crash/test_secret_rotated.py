"""A secret is replaced or deleted while a container runs that was given it, and the service dies in between."""

import base64

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

FORMER, NEXT, GONE = "the-former-value", "the-value-that-follows", "of-a-deleted-secret"

SCRIPT = """
until [ -e /marks/go ]; do sleep 0.1; done
echo "$KEY $GONE" > /marks/held
echo "late $KEY and $GONE"
echo -n "user:$KEY" | base64
cat /key >&2
"""


async def test_what_a_container_was_given_is_masked_after_a_restart_and_a_rotation(service, docker_image, marks):
    container = {
        "image": docker_image,
        "script": SCRIPT,
        "environment": {"KEY": "${secrets.KEY}", "GONE": "${secrets.GONE}"},
        "files": {"/key": "key: ${secrets.KEY}\n"},
        "volumes": [{"source": str(marks), "target": "/marks"}],
    }
    after = {"image": docker_image, "script": "echo now $KEY", "environment": {"KEY": "${secrets.KEY}"}}
    steps = [{"id": "a", "container": container}, {"id": "b", "container": after, "depends_on": ["a"]}]
    await service.start()
    async with service.client() as client:
        await client.secrets.put("KEY", FORMER)
        await client.secrets.put("GONE", GONE)
        workflow = await client.workflows.create({"name": "rotated", "steps": steps})
        execution = (await client.workflows.execute(workflow.id)).execution_id
        async for event in client.executions.events(execution):
            if event.type == "StepStarted":
                break
        await service.kill()
        await service.start()
        await client.secrets.put("KEY", NEXT)
        await client.secrets.delete("GONE")
        await service.kill()  # what the runner had learned is gone, and so is the value that holds
        await service.start()
        (marks / "go").touch()

        ended = await client.executions.wait(execution, timeout=120)
        log = await client.executions.logs(execution)
        audited = [entry.action async for entry in client.audit.iter(sort="at") if entry.target in ("KEY", "GONE")]

    assert ended.succeeded, ended
    assert (marks / "held").read_text() == f"{FORMER} {GONE}\n"
    assert "[a] late *** and ***\n" in log
    assert "[a] key: ***\n" in log
    assert "[b] now ***\n" in log
    encoded = base64.b64encode(f"user:{FORMER}".encode())[8:24]
    await service.stop()
    for path in (file for file in service.data_dir.rglob("*") if file.is_file()):
        found = path.read_bytes()
        assert not [value for value in (FORMER, NEXT, GONE) if value.encode() in found], path
        assert encoded not in found, path
    assert audited == ["SecretCreated", "SecretCreated", "SecretReplaced", "SecretDeleted"]
