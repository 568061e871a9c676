"""Run one workflow for many inputs at once, with asyncio: python many_at_once.py http://127.0.0.1:8000 < token"""

import asyncio
import sys

from aiop.client import AsyncClient

SQUARE = {
    "name": "square",
    "inputs": {"n": {"type": "integer", "required": True}},
    "steps": [{"id": "square", "container": {"image": "busybox:1", "script": "echo square of ${inputs.n}"}}],
}


async def main(url: str, token: str) -> None:
    """Start ten executions together and print them in order."""
    async with AsyncClient(url, token=token) as client:
        workflow = await client.workflows.create(SQUARE)
        executions = await asyncio.gather(*(client.run_and_wait(workflow.id, {"n": n}) for n in range(10)))
        for execution in executions:
            print(execution.inputs["n"], execution.status, (execution.outputs or {}).get("result"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.stdin.readline().strip()))
