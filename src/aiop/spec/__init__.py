"""Documents in, checked definitions out; definitions and values in, concrete steps out. No I/O but ``realpath``."""

from aiop.spec.check import check_definition, check_pipeline, load_definition, load_pipeline
from aiop.spec.conditions import Condition, ConditionError
from aiop.spec.faults import faults_from, faults_of
from aiop.spec.graph import Graph
from aiop.spec.images import DEFAULT_REGISTRY, ImageError, apply_registry, check_image, check_registry
from aiop.spec.inputs import CheckedInputs, check_inputs
from aiop.spec.kubeconfig import check_kubeconfig
from aiop.spec.outputs import OutputError, ReadOutputs, parse_output_file, read_outputs
from aiop.spec.pipeline_schema import PipelineDocument
from aiop.spec.pipeline_text import names_a_file, parse_pipeline
from aiop.spec.plan import CompiledStep, Plan
from aiop.spec.rendering import RenderedStep, render_step
from aiop.spec.schema import (
    ContainerDocument,
    InputDocument,
    OutputDocument,
    ResourcesDocument,
    RetryDocument,
    StepDocument,
    VolumeDocument,
    WorkflowDocument,
)
from aiop.spec.secrets import SECRET_NAME, compile_secret_text, uses_in
from aiop.spec.sources import SourcePolicy, check_source_directory, uploaded
from aiop.spec.strict_json import parse_json
from aiop.spec.templates import (
    Scope,
    StepResult,
    Template,
    TemplateError,
    TemplateSyntaxError,
    compile_template,
    render,
)
from aiop.spec.volumes import VolumePolicy, VolumeRefused

__all__ = [
    "DEFAULT_REGISTRY",
    "SECRET_NAME",
    "CheckedInputs",
    "CompiledStep",
    "Condition",
    "ConditionError",
    "ContainerDocument",
    "Graph",
    "ImageError",
    "InputDocument",
    "OutputDocument",
    "OutputError",
    "PipelineDocument",
    "Plan",
    "ReadOutputs",
    "RenderedStep",
    "ResourcesDocument",
    "RetryDocument",
    "Scope",
    "SourcePolicy",
    "StepDocument",
    "StepResult",
    "Template",
    "TemplateError",
    "TemplateSyntaxError",
    "VolumeDocument",
    "VolumePolicy",
    "VolumeRefused",
    "WorkflowDocument",
    "apply_registry",
    "check_definition",
    "check_image",
    "check_inputs",
    "check_kubeconfig",
    "check_pipeline",
    "check_registry",
    "check_source_directory",
    "compile_secret_text",
    "compile_template",
    "faults_from",
    "faults_of",
    "load_definition",
    "load_pipeline",
    "names_a_file",
    "parse_json",
    "parse_output_file",
    "parse_pipeline",
    "read_outputs",
    "render",
    "render_step",
    "uploaded",
    "uses_in",
]
