"""Sources, workspaces and outputs, on the service's own disk or in a bucket: implements ``interfaces.Artifacts``."""

from aiop.artifacts.bucket import Bucket, BucketPlace
from aiop.artifacts.local import NOT_SHARED, LocalArtifacts
from aiop.artifacts.shared import SharedArtifacts

__all__ = ["NOT_SHARED", "Bucket", "BucketPlace", "LocalArtifacts", "SharedArtifacts"]
