"""Sources, workspaces and outputs on the service's own disk: implements ``interfaces.Artifacts``."""

from aiop.artifacts.local import LocalArtifacts

__all__ = ["LocalArtifacts"]
