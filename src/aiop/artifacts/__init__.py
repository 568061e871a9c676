"""Sources, workspaces and outputs, on the service's own disk or in a bucket: implements ``interfaces.Artifacts``."""

from aiop.artifacts.bucket import Bucket, BucketPlace
from aiop.artifacts.local import LocalArtifacts
from aiop.artifacts.shared import SharedArtifacts

__all__ = ["Bucket", "BucketPlace", "LocalArtifacts", "SharedArtifacts"]
