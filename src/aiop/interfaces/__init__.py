"""Every seam of the service. Adapters implement these, ``runtime`` chooses among them, the contract suites in
``tests/contract`` hold each implementation to what is written here.
"""

from aiop.interfaces.accounts import AuthStore
from aiop.interfaces.acting import acting, current_actor, identified
from aiop.interfaces.agents import AGENTS, AgentLoads, AgentProbe, AgentQuery, AgentStore
from aiop.interfaces.artifacts import Artifacts
from aiop.interfaces.audit import AuditQuery, AuditStore
from aiop.interfaces.bus import WORK, Bus, Listener, execution_topic
from aiop.interfaces.clock import Clock
from aiop.interfaces.commits import Changes, ExecutionChange, Lease, RunnerStore
from aiop.interfaces.delays import explained, explaining, image_pull
from aiop.interfaces.engine import Capabilities, Engine, EngineInfo, EngineLoad, LoadedEngine, OutputSink
from aiop.interfaces.figures import Counted, Figures, FigureStore, Tally
from aiop.interfaces.holding import holding, still_ours
from aiop.interfaces.images import Images
from aiop.interfaces.overview import Ended, Glance, OverviewStore
from aiop.interfaces.pause import pause
from aiop.interfaces.pipelines import (
    CachedResult,
    CacheStore,
    NewPipeline,
    PipelineQuery,
    PipelineStore,
    PreviousRun,
)
from aiop.interfaces.reading import ExecutionQuery, Page, PageQuery, ReadStore, WorkflowQuery
from aiop.interfaces.replicas import Beat, ReplicaStore
from aiop.interfaces.requests import Idempotency, NewExecution, NewWorkflow, OperationsStore
from aiop.interfaces.secrets import NewSecret, SecretQuery, SecretStore
from aiop.interfaces.store import Store
from aiop.interfaces.supervision import SupervisorStore
from aiop.interfaces.traces import DueTrace, TracedExecution, TracedStep, TraceStore
from aiop.interfaces.vault import Vault

__all__ = [
    "AGENTS",
    "WORK",
    "AgentLoads",
    "AgentProbe",
    "AgentQuery",
    "AgentStore",
    "Artifacts",
    "AuditQuery",
    "AuditStore",
    "AuthStore",
    "Beat",
    "Bus",
    "CacheStore",
    "CachedResult",
    "Capabilities",
    "Changes",
    "Clock",
    "Counted",
    "DueTrace",
    "Ended",
    "Engine",
    "EngineInfo",
    "EngineLoad",
    "ExecutionChange",
    "ExecutionQuery",
    "FigureStore",
    "Figures",
    "Glance",
    "Idempotency",
    "Images",
    "Lease",
    "Listener",
    "LoadedEngine",
    "NewExecution",
    "NewPipeline",
    "NewSecret",
    "NewWorkflow",
    "OperationsStore",
    "OutputSink",
    "OverviewStore",
    "Page",
    "PageQuery",
    "PipelineQuery",
    "PipelineStore",
    "PreviousRun",
    "ReadStore",
    "ReplicaStore",
    "RunnerStore",
    "SecretQuery",
    "SecretStore",
    "Store",
    "SupervisorStore",
    "Tally",
    "TraceStore",
    "TracedExecution",
    "TracedStep",
    "Vault",
    "WorkflowQuery",
    "acting",
    "current_actor",
    "execution_topic",
    "explained",
    "explaining",
    "holding",
    "identified",
    "image_pull",
    "pause",
    "still_ours",
]
