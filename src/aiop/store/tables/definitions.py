"""Workflows and pipelines, and the versions of their definitions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, Table, UniqueConstraint

from aiop.store.tables.schema import String, Text, metadata, nulls_first, where

__all__ = ["pipelines", "versions", "workflows"]

workflows = Table(
    "workflows",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_folded", String, nullable=False, comment="for the filter that ignores case"),
    Column("description", Text),
    Column("status", String, nullable=False, comment="that of newest_execution"),
    Column("version", Integer, nullable=False),
    Column("version_id", String, nullable=False),
    Column("newest_execution", String),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
    Column("deleted_at", BigInteger),
    *(
        Index(None, "deleted_at", *sort, "id", **nulls_first(*sort))
        for sort in (("created_at",), ("updated_at",), ("name",), ("status",), ())
    ),
)

versions = Table(
    "versions",
    metadata,
    Column("id", String, primary_key=True),
    Column("workflow_id", String),
    Column("number", Integer, comment="of a workflow's"),
    Column("pipeline_id", String),
    Column("digest", String, comment="of a pipeline's document: an equal one is not stored again"),
    Column("created_at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("workflow_id", "number"),
    Index(None, "pipeline_id", "digest", unique=True, **where("pipeline_id IS NOT NULL")),
)

pipelines = Table(
    "pipelines",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_folded", String, nullable=False),
    Column("source_directory", String, nullable=False),
    Column("caching_enabled", Boolean, nullable=False),
    Column("timeout_seconds", Float),
    Column("snapshot", String, comment="the newest that was executed: kept, so that the next one costs what changed"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("description", Text),
    Column("definition", Text, nullable=False, comment="JSON, as it was sent"),
    *(
        Index(None, "deleted_at", *sort, "id", **nulls_first(*sort))
        for sort in (("created_at",), ("updated_at",), ("name",), ())
    ),
)
