"""Run a workflow and follow its log line by line: python run_and_report.py http://127.0.0.1:8000 < token"""

import sys

from aiop.client import Client, InvalidRequest

WORKFLOW = {
    "name": "word-count",
    "inputs": {"text": {"type": "string", "required": True}},
    "steps": [
        {
            "id": "count",
            "inputs": {"text": "${inputs.text}"},
            "container": {"image": "busybox:1", "script": 'echo "counting"\necho "words of: $INPUT_TEXT"'},
        }
    ],
}


def main(url: str, token: str) -> int:
    """Store, execute, follow, report."""
    with Client(url, token=token) as client:
        try:
            workflow = client.workflows.create(WORKFLOW)
        except InvalidRequest as error:
            for fault in error.faults:
                print(f"{fault.field}: {fault.message}", file=sys.stderr)
            return 1
        submission = client.workflows.execute(workflow.id, {"text": "to be or not to be"})
        for line in client.executions.follow_logs(submission.execution_id):
            print(f"{line.step} | {line.text}")
        execution = client.executions.wait(submission.execution_id)
        print(f"{execution.status}: {dict(execution.outputs or {})}")
        return 0 if execution.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdin.readline().strip()))
