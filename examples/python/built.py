"""Build a workflow in Python and run it: python built.py http://127.0.0.1:8000 < token"""

import sys

from aiop.build import Workflow, failure
from aiop.client import Client

flow = Workflow("built", container={"image": "busybox:1", "network": "none"})
who = flow.input("who", "string", default="world")

greetings = [
    flow.step(f"greet-{language}", script=f'echo {word}, "$INPUT_WHO"', inputs={"who": who})
    for language, word in {"en": "Hello", "de": "Hallo", "fr": "Bonjour"}.items()
]
card = flow.step(
    "card",
    script='echo "$LINES"',
    environment={"LINES": "\n".join(str(greeting.result) for greeting in greetings)},
    retries=1,
    timeout_seconds=30,
)
flow.step("apologise", script="echo There is no card today", after=[card], when=failure())
flow.output("card", card.result)


def main(url: str, token: str) -> int:
    """Run it, and print what came of it."""
    with Client(url, token=token) as client:
        faults = client.workflows.validate(flow.document()).faults
        if faults:
            print(*faults, sep="\n", file=sys.stderr)
            return 1
        execution = client.run_and_wait(flow.document(), {"who": "you"}, timeout=600)
        print(f"{execution.status}:\n{(execution.outputs or {}).get('card')}")
        return 0 if execution.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdin.readline().strip()))
