"""Kubernetes 1.27 and newer; the client library is imported once a cluster is spoken to."""

from aiop.engines.kubernetes.client import ClusterAccess
from aiop.engines.kubernetes.engine import KubernetesEngine

__all__ = ["ClusterAccess", "KubernetesEngine"]
