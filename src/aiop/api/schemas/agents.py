"""Agents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from aiop.model.agent import Ability, AgentStatus, EngineType
from aiop.spec import check_kubeconfig
from aiop.spec.schema import Described, Name, Whole, Word, house

__all__ = ["Agent", "AgentChange", "AgentItem", "AgentList", "AgentRequest", "EngineBody", "TlsBody"]

_SCHEMES = ("unix://", "tcp://", "http://", "https://")
_DAGGER_SCHEMES = ("unix://", "tcp://", "container://", "image://", "kube-pod://")
_ALL_SCHEMES = tuple(dict.fromkeys((*_SCHEMES, *_DAGGER_SCHEMES)))
_MOST_EXECUTIONS = 10_000
_YEAR = 366 * 86400


def _absolute(text: str) -> str:
    if not text.startswith("/") or "\0" in text:
        raise house("Must be an absolute path")
    return text


def _endpoint(text: str) -> str:
    if not text.startswith(_ALL_SCHEMES):
        raise house(f"Must begin with one of {', '.join(_ALL_SCHEMES)}")
    return text


def _kubeconfig(text: str) -> str:
    try:
        check_kubeconfig(text)
    except ValueError as error:
        raise house(str(error)) from None
    return text


def _unique(words: list[str]) -> list[str]:
    if len(set(words)) != len(words):
        raise house("Must not name a capability twice")
    return words


def _optional(description: str | None = None) -> Any:
    """Declare a field that may be left out and is never null; what was sent is told by ``model_fields_set``."""
    return Field(default=None, description=description, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


Directory = Annotated[
    str, StringConstraints(max_length=4096), AfterValidator(_absolute), Described(pattern=r"^/[^\x00]*$")
]
Endpoint = Annotated[
    str,
    StringConstraints(max_length=1024),
    AfterValidator(_endpoint),
    Described(pattern=f"^({'|'.join(_ALL_SCHEMES)})"),
]
Capabilities = Annotated[list[Word], Field(max_length=100), AfterValidator(_unique), Described(uniqueItems=True)]
Pem = Annotated[str, StringConstraints(min_length=1, max_length=65536)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class TlsBody(_Request):
    """Certificates for the engine, as PEM text; stored encrypted and never shown."""

    ca: Pem = Field(description="Who signs the engine's certificate")
    certificate: Pem = Field(description="Who this service is to the engine")
    key: Pem = Field(description="Its private key", repr=False)


DnsName = Annotated[str, StringConstraints(max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class Toleration(_Request):
    """A taint of nodes that pods put up with, in Kubernetes' words."""

    key: ShortText | None = None
    operator: Literal["Exists", "Equal"] = "Equal"
    value: ShortText | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class PodsBody(_Request):
    """How an agent's pods are made, and where."""

    context: ShortText | None = Field(None, description="Of the kubeconfig; its current one by default")
    namespace: DnsName | None = Field(None, description="That of the context by default")
    service_account: DnsName | None = Field(None, description="Its token is not mounted")
    node_selector: Annotated[
        dict[ShortText, Annotated[str, StringConstraints(max_length=63)]], Field(max_length=50)
    ] = {}
    tolerations: Annotated[list[Toleration], Field(max_length=50)] = []
    image_pull_secrets: Annotated[list[DnsName], Field(max_length=20)] = []
    priority_class: DnsName | None = None
    runtime_class: DnsName | None = None
    host_paths: bool = Field(False, description="Whether steps may mount directories of the nodes")


class EngineBody(_Request):
    """The engine behind an agent."""

    type: Annotated[EngineType, Field(strict=False)]
    endpoint: Endpoint | None = Field(
        None,
        description="`unix:///run/docker.sock` or `tcp://host:2376`, for `dagger` also `container://`, `image://` and "
        "`kube-pod://`; where it is found by default if not given",
    )
    tls: TlsBody | None = None
    kubeconfig: (
        Annotated[str, StringConstraints(min_length=1, max_length=262144), AfterValidator(_kubeconfig)] | None
    ) = Field(
        None,
        description="For `kubernetes`: the text of a kubeconfig with all data in it; stored encrypted and never shown. "
        "By default the cluster that the service runs in, else `KUBECONFIG` or `~/.kube/config`",
        repr=False,
    )
    pods: PodsBody | None = Field(None, description="For `kubernetes`")

    @field_validator("endpoint")
    @classmethod
    def _endpoint_fits_the_type(cls, endpoint: str | None, info: ValidationInfo) -> str | None:
        if endpoint is None or (engine := info.data.get("type")) is None:
            return endpoint
        if engine is EngineType.KUBERNETES:
            raise house("`kubernetes` is found by `kubeconfig`: it takes no `endpoint`")
        if engine is EngineType.OCI:
            raise house("The type oci is the service's own machine: it takes no `endpoint`")
        schemes = _DAGGER_SCHEMES if engine is EngineType.DAGGER else _SCHEMES
        if not endpoint.startswith(schemes):
            raise house(f"Of this type it must begin with one of {', '.join(schemes)}")
        return endpoint

    @field_validator("tls")
    @classmethod
    def _tls_is_for_docker_over_a_network(cls, tls: TlsBody | None, info: ValidationInfo) -> TlsBody | None:
        if tls is None:
            return None
        if info.data.get("type") not in (None, EngineType.DOCKER, EngineType.FAKE):
            raise house("Is for the type docker")
        if "endpoint" in info.data and not (info.data["endpoint"] or "").startswith(("tcp://", "https://")):
            raise house("Needs an endpoint that begins with tcp:// or https://")
        return tls

    @field_validator("kubeconfig", "pods")
    @classmethod
    def _is_for_kubernetes(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("type") not in (None, EngineType.KUBERNETES):
            raise house("Is for the type kubernetes")
        return value


class AgentChange(_Request):
    """The fields of an agent to change; those not sent stay as they are."""

    name: Name = _optional()
    description: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    capabilities: Capabilities = _optional(
        "`containerized_workflow` for workflows, `dagger_pipeline` for pipelines, any others"
    )
    engine: EngineBody | None = Field(
        None,
        description="That of the service by default. In a change, certificates or a kubeconfig that are not sent stay "
        "as long as type and endpoint do",
    )
    container_registry: Annotated[str, StringConstraints(max_length=512)] | None = Field(
        None, description="Prefix for images that name no registry, where the execution gives none"
    )
    workflow_directory: Directory | None = Field(
        None, description="Where relative volume sources begin; its contents may be mounted"
    )
    max_concurrent_executions: Annotated[int, Field(ge=1, le=_MOST_EXECUTIONS), Whole] = _optional(
        "Shown as `max_load`"
    )
    timeout_seconds: Annotated[float, Field(gt=0, le=_YEAR, allow_inf_nan=False)] | None = Field(
        None, description="For an execution as a whole"
    )


class AgentRequest(AgentChange):
    """An agent to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Dagger Agent",
                    "description": "Agent for Dagger workflows",
                    "capabilities": ["containerized_workflow", "dagger_pipeline"],
                    "container_registry": "docker.io",
                    "workflow_directory": "/workflows",
                    "max_concurrent_executions": 10,
                    "timeout_seconds": 600,
                }
            ]
        }
    )

    name: Name


_EXAMPLE: dict[str, Any] = {
    "id": "123e4567-e89b-12d3-a456-426614174002",
    "name": "Dagger Agent",
    "description": "Agent for Dagger workflows",
    "capabilities": ["containerized_workflow", "dagger_pipeline"],
    "status": "idle",
    "current_load": 0,
    "max_load": 10,
    "container_registry": "docker.io",
    "workflow_directory": "/workflows",
    "created_at": "2025-03-01T12:00:00Z",
    "updated_at": None,
}


class AgentItem(BaseModel):
    """An agent in a list, and as it is registered."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str
    description: str | None
    capabilities: list[str]
    status: AgentStatus = Field(
        description="`idle`, `busy` (something runs there), `offline` (its engine does not answer) or `error`"
    )
    current_load: int = Field(description="Executions that are placed there now")
    max_load: int
    container_registry: str | None
    workflow_directory: str | None
    created_at: datetime
    updated_at: datetime | None
    error: str | SkipJsonSchema[None] = _optional("What is wrong with its engine; there only if something is")


class EngineView(BaseModel):
    """The engine behind an agent; `endpoint` is null where it is found by default."""

    model_config = ConfigDict(extra="forbid")

    type: EngineType
    endpoint: str | None
    version: str | None = Field(description="What it said of itself when it was last seen")
    lacks: list[Ability] = Field(
        description="What steps can ask for and it cannot give: by its type, or as it was seen last"
    )
    tls: bool = Field(description="Whether certificates or a kubeconfig are stored for it")
    pods: dict[str, Any] | SkipJsonSchema[None] = _optional("How its pods are made; for `kubernetes` only")


class Agent(AgentItem):
    """An agent, with all that is known of it."""

    model_config = ConfigDict(json_schema_extra={})

    timeout_seconds: float | None
    engine: EngineView
    last_seen_at: datetime | None


class AgentList(BaseModel):
    """A page of agents."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"agents": [_EXAMPLE], "total": 1, "limit": 20, "offset": 0}]},
    )

    agents: list[AgentItem]
    total: int
    limit: int
    offset: int
