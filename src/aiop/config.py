"""Settings, read from the environment (``AIOP_*``). Each has a default that suits a laptop."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from aiop.model.replica import ReplicaRole

__all__ = ["Settings", "default_data_dir"]


SECRET_KEY_LENGTH = 32


def default_data_dir() -> Path:
    """Where the service keeps its state if nothing else is said; the command line looks there too."""
    return Path(platformdirs.user_data_dir("aiop", appauthor=False))


class Settings(BaseSettings):
    """All settings of the service. Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="AIOP_", env_ignore_empty=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data_dir: Path = Field(
        default_factory=default_data_dir, description="Directory for the database, the keys and step hand-over."
    )
    role: ReplicaRole = Field(
        ReplicaRole.ALL,
        description="What this process does where several share a PostgreSQL database: `api` answers requests, "
        "`orchestrator` runs executions, `all` does both.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="The database: `postgresql://USER:PASSWORD@HOST/NAME`, or `sqlite+aiosqlite:///PATH`; by default "
        "SQLite at `aiop.db` in the data directory.",
    )
    database_url_file: Path | None = Field(None, description="File to read the URL of the database from instead.")
    admin_password: SecretStr | None = Field(
        None, description="Password of `admin` at the first start; by default a random one in `admin-password`."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Signs access tokens and encrypts sealed values; the same for all replicas. By default a random "
        "one in `secret-key`.",
    )
    secret_key_file: Path | None = Field(None, description="File to read the secret key from instead.")
    access_token_seconds: int = Field(900, ge=30, description="Life of an access token.")
    refresh_token_seconds: int = Field(30 * 86400, ge=60, description="Life of a refresh token.")
    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="Largest request body; above it answers 413.")

    engine: Literal["auto", "oci", "dagger", "docker", "kubernetes", "fake"] = Field(
        "auto",
        description="Type of the local engine. `auto` is `oci` where this machine can run containers by itself and no "
        "`AIOP_DOCKER_ENDPOINT` is given, else `docker`; `kubernetes` is the cluster that the service runs in, else "
        "that of `KUBECONFIG` or `~/.kube/config`; `fake` runs nothing and is for benchmarks of the service.",
    )
    kubernetes_pods: dict[str, Any] = Field(
        {},
        description="With `AIOP_ENGINE=kubernetes`: how pods are made and where, as JSON with the fields of an agent's "
        "`engine.pods`.",
    )
    docker_endpoint: str | None = Field(
        None, description="Docker Engine, such as `unix:///var/run/docker.sock`; by default `DOCKER_HOST`, then that."
    )
    dagger_endpoint: str | None = Field(
        None,
        description="Dagger Engine of `AIOP_ENGINE=dagger`, such as `unix:///run/dagger/engine.sock`; "
        "by default what `_EXPERIMENTAL_DAGGER_RUNNER_HOST` names, then one that Dagger starts with Docker.",
    )
    dagger_cli: Path | None = Field(
        None,
        description="Dagger's command line, for all Dagger Engines; by default what `_EXPERIMENTAL_DAGGER_CLI_BIN` "
        "names, then one that the SDK downloads.",
    )
    dagger_mount_limit_bytes: int = Field(
        2 * 1024**3, ge=0, description="Largest host directory that a step may mount on a Dagger Engine: it is copied."
    )
    volume_roots: Annotated[tuple[str, ...], NoDecode] = Field(
        ("/tmp",),  # noqa: S108 - the documented default
        description="Host directories that steps may mount, separated by `:`; the workflow directory is one too.",
    )
    source_roots: Annotated[tuple[str, ...], NoDecode] = Field(
        ("/src", "/workflows", "/tmp"),  # noqa: S108 - the documented default
        description="Directories that pipelines may read, separated by `:`; the workflow directories are some too.",
    )
    source_limit_bytes: int = Field(2 * 1024**3, ge=1024, description="Largest source that is uploaded, unpacked.")
    cache_limit_bytes: int = Field(
        20 * 1024**3, ge=0, description="What cached steps have changed; beyond it those used least recently go."
    )
    artifacts_url: str | None = Field(
        None,
        description="Where sources, changes of steps and outputs are kept: `s3://bucket/prefix`; "
        "by default in the data directory.",
    )
    artifacts_endpoint: str | None = Field(
        None, description="Address of what speaks like S3, such as `https://minio.example:9000`; by default AWS."
    )
    artifacts_region: str | None = Field(None, description="Region of the bucket; by default `AWS_REGION`.")
    artifacts_path_style: bool | None = Field(
        None, description="Whether the bucket is named in the path of URLs; by default if an endpoint is set."
    )
    artifacts_credentials_file: Path | None = Field(
        None,
        description="File with `[default]` credentials, in the form of the AWS tools, read again every five minutes; "
        "by default those of the environment (`AWS_ACCESS_KEY_ID`, ...), a web identity or the instance's profile.",
    )
    artifacts_cache_bytes: int = Field(
        20 * 1024**3, ge=0, description="Of what is kept in a bucket, how much stays on this machine's disk too."
    )
    images_limit_bytes: int = Field(
        20 * 1024**3,
        ge=0,
        description="Images of the embedded engine; beyond it those used least recently go, if they can be pulled.",
    )
    workflow_directory: Path | None = Field(None, description="Directory that relative volume sources start from.")
    local_agent: bool = Field(True, description="Whether the local engine is registered as agent `local` at the start.")
    max_concurrent_executions: int = Field(
        10, ge=1, description="Executions that run at once on the agent `local`; others wait."
    )
    max_concurrent_steps: int = Field(32, ge=1, description="Containers that run at once on each engine.")
    engine_start_limit: int = Field(
        default_factory=lambda: 4 * (os.cpu_count() or 1),
        ge=1,
        description="Containers that are being started at once; four for a core keep a Docker Engine busy.",
    )
    infrastructure_attempts: int = Field(
        5, ge=0, description="Further attempts of one step that faults of the engine may cost before it fails."
    )
    engine_lost_seconds: int = Field(
        3600, ge=1, description="How long a step waits for an engine that does not answer before it fails."
    )

    tracing: bool | None = Field(
        None,
        description="Whether ended executions are exported as OpenTelemetry traces; "
        "by default if `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set.",
    )
    metrics_open: bool = Field(False, description="Whether the metrics may be read without a token.")
    metrics_workflows: int = Field(
        100, ge=0, le=1000, description="Workflows that have series of their own in the metrics; others are summed."
    )

    lease_seconds: int = Field(8, ge=3, description="How long an execution stays with a replica that is silent.")
    retention_days: int = Field(90, ge=0, description="Ended executions are removed after this; 0 keeps them.")
    retention_count: int = Field(0, ge=0, description="Ended executions beyond this many are removed; 0 keeps them.")
    audit_retention_days: int = Field(365, ge=0, description="The audit log is cut after this; 0 keeps it.")
    log_limit_bytes: int = Field(10 * 1024 * 1024, ge=1024, description="Log of one step; the rest is cut.")

    @model_validator(mode="after")
    def _resolve(self) -> Settings:
        for name, file in (("database_url", self.database_url_file), ("secret_key", self.secret_key_file)):
            if file is None:
                continue
            if getattr(self, name) is not None:
                raise ValueError(f"AIOP_{name.upper()} and AIOP_{name.upper()}_FILE exclude each other")
            try:
                text = file.read_text().strip()
            except OSError as error:
                raise ValueError(f"AIOP_{name.upper()}_FILE cannot be read: {error.strerror}") from error
            setattr(self, name, SecretStr(text))
        if self.secret_key is not None and len(self.secret_key.get_secret_value()) < SECRET_KEY_LENGTH:
            raise ValueError(f"the secret key must have at least {SECRET_KEY_LENGTH} characters")
        if self.role is not ReplicaRole.ALL and not self.shares_database:
            raise ValueError(f"AIOP_ROLE={self.role} is for replicas that share a PostgreSQL database")
        return self

    @field_validator("volume_roots", "source_roots", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(":") if part) if isinstance(value, str) else value

    @property
    def traced(self) -> bool:
        """Whether traces are exported, by ``tracing`` and the variables that OpenTelemetry defines."""
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return False
        if self.tracing is not None:
            return self.tracing
        named = any(os.environ.get(f"OTEL_EXPORTER_OTLP_{name}ENDPOINT") for name in ("", "TRACES_"))
        return named and os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip() != "none"

    @property
    def lease_ttl(self) -> timedelta:
        """``lease_seconds`` as a duration."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def store_url(self) -> str:
        """The database, resolved. May hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir / 'aiop.db'}"

    @property
    def shares_database(self) -> bool:
        """Whether other replicas may work on the database."""
        return self.store_url.startswith("postgres")
