"""A workflow whose steps leave marks, so that it can be told how often each has run."""

LINES = 12


def fan_out(directory, image, width=30):
    """A step that begins, ``width`` that write lines and leave a mark, and one that joins them."""
    work = "\n".join(
        [
            f"for n in $(seq 1 {LINES}); do echo $AIOP_STEP_ID out $n; echo $AIOP_STEP_ID err $n >&2; sleep 0.05; done",
            "echo $AIOP_STEP_ID:$AIOP_ATTEMPT >> /marks/ran",
            "echo mark=$AIOP_STEP_ID >> $AIOP_OUTPUT",
        ]
    )
    parts = [f"part{number}" for number in range(width)]
    return {
        "name": "fan-out",
        "container_config": {
            "image": image,
            "network": "none",
            "volumes": [{"source": str(directory), "target": "/marks"}],
        },
        "steps": [
            {"id": "first", "container": {"script": work}},
            *({"id": part, "container": {"script": work}, "depends_on": ["first"]} for part in parts),
            {
                "id": "last",
                "container": {"script": work},
                "depends_on": parts,
                "inputs": {part: f"${{steps.{part}.outputs.mark}}" for part in parts},
            },
        ],
    }


async def ran_once_with_all_its_lines(client, execution, directory, steps):
    """Assert that of each step one attempt has run, and that each of its lines is there once and in order."""
    assert sorted((directory / "ran").read_text().split()) == sorted(f"{step}:1" for step in steps)
    for step in steps:
        for stream in ("out", "err"):
            lines = (await client.executions.logs(execution, step=step, stream=f"std{stream}")).splitlines()
            expected = [f"{step} {stream} {number}" for number in range(1, LINES + 1)]
            assert [line.removeprefix(f"[{step}] ") for line in lines] == expected
