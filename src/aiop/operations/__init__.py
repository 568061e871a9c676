"""What users do: each operation is one store transaction and one wake. No HTTP here."""

from aiop.operations.agents import AgentOperations, AgentSettings, TlsFiles
from aiop.operations.definitions import Definitions, StepOutline
from aiop.operations.explanation import Explanation, MissReason
from aiop.operations.images import ImageOperations
from aiop.operations.needs import lacking
from aiop.operations.operations import Operations
from aiop.operations.pipelines import PipelineOperations, PipelineSubmission
from aiop.operations.secrets import Secrets
from aiop.operations.submission import RegistryLogin, Submission

__all__ = [
    "AgentOperations",
    "AgentSettings",
    "Definitions",
    "Explanation",
    "ImageOperations",
    "MissReason",
    "Operations",
    "PipelineOperations",
    "PipelineSubmission",
    "RegistryLogin",
    "Secrets",
    "StepOutline",
    "Submission",
    "TlsFiles",
    "lacking",
]
