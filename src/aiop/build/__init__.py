"""Workflows and pipelines written in Python: they become the documents that the API takes.

flow = Workflow("words", container={"image": "busybox:1"})
text = flow.input("text", "string", required=True)
count = flow.step("count", script="wc -w", environment={"TEXT": text})
flow.step("report", script=f"echo There are {count.result} words", when=count.result != "0")
client.run_and_wait(flow.document(), {"text": "to be or not to be"})

What refers to a step depends on it: here ``report`` runs after ``count``. Whether a document is right is the service's
to say: ``client.workflows.validate(flow.document())`` names every fault.
"""

from aiop.build.fields import (
    ContainerFields,
    OutputField,
    PipelineStepFields,
    ResourcesFields,
    RetryFields,
    StepFields,
    VolumeFields,
)
from aiop.build.graph import Pipeline, Step, Workflow
from aiop.build.references import (
    EXECUTION_ID,
    WORKFLOW_NAME,
    Condition,
    Reference,
    always,
    failure,
    secret,
    success,
)

__all__ = [
    "EXECUTION_ID",
    "WORKFLOW_NAME",
    "Condition",
    "ContainerFields",
    "OutputField",
    "Pipeline",
    "PipelineStepFields",
    "Reference",
    "ResourcesFields",
    "RetryFields",
    "Step",
    "StepFields",
    "VolumeFields",
    "Workflow",
    "always",
    "failure",
    "secret",
    "success",
]
