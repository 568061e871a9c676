"""Chooses where files are kept, by the settings."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from aiop.artifacts import NOT_SHARED, Bucket, BucketPlace, LocalArtifacts, SharedArtifacts
from aiop.artifacts.archives import ArchiveLimits
from aiop.config import Settings
from aiop.interfaces import Clock
from aiop.runtime.installation import Installation

__all__ = ["build_artifacts"]

log = structlog.get_logger()


def build_artifacts(
    settings: Settings, installation: Installation, clock: Clock, *, alone: Callable[[], bool]
) -> LocalArtifacts:
    """Make the artifacts, which are to be opened and closed; raises ``StorageUnavailable`` for a URL that is none.

    ``alone`` tells whether there is no other replica.
    """
    limits = ArchiveLimits(packed=settings.source_limit_bytes, unpacked=settings.source_limit_bytes)
    if settings.artifacts_url is None:
        if not alone():
            log.warning("files_not_shared", consequence="no pipelines are executed", reason=NOT_SHARED)
        return LocalArtifacts(installation.artifacts, clock, limits=limits, alone=alone)
    place = BucketPlace(
        settings.artifacts_url,
        endpoint=settings.artifacts_endpoint,
        region=settings.artifacts_region,
        path_style=settings.artifacts_path_style,
        credentials_file=settings.artifacts_credentials_file,
    )
    return SharedArtifacts(
        installation.artifacts, clock, Bucket(place), cache_limit=settings.artifacts_cache_bytes, limits=limits
    )
