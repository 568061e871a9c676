"""What users do: each operation is one store transaction and one wake. No HTTP here."""

from aiop.operations.definitions import Definitions, StepOutline
from aiop.operations.operations import Operations
from aiop.operations.submission import RegistryLogin, Submission

__all__ = ["Definitions", "Operations", "RegistryLogin", "StepOutline", "Submission"]
