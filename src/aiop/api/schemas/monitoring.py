"""What monitoring answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["EngineStatus", "Status"]


class EngineStatus(BaseModel):
    """An engine, and how it is."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(description="Name of the agent")
    type: str
    version: str | None = Field(description="Null if it has not answered yet")
    status: Literal["idle", "busy", "offline", "error"]
    sessions: int | None = Field(None, description="What this service has open there; Dagger Engines only")
    executions: int | None = Field(None, description="Commands that run in these sessions; Dagger Engines only")
    error: str | None = Field(None, description="Why it is offline or in error")


class Status(BaseModel):
    """How the service is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "status": "healthy",
                    "version": "0.8.1",
                    "active_workflows": 0,
                    "active_steps": 0,
                    "memory_usage_mb": 0,
                    "cpu_usage_percent": 0,
                    "engines": [{"agent": "local", "type": "docker", "version": "20.10.24", "status": "idle"}],
                }
            ]
        },
    )

    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="`unhealthy`: the database does not take what it is given, or no engine answers; "
        "`degraded`: one of several engines does not"
    )
    version: str = Field(description="Of the service")
    active_workflows: int = Field(description="Executions that are running")
    active_steps: int = Field(description="Steps whose container is running")
    memory_usage_mb: float = Field(description="Resident memory, in MB of 1,000,000 bytes")
    cpu_usage_percent: float = Field(description="Over the last 30 seconds; 100 is one core")
    engines: list[EngineStatus]
