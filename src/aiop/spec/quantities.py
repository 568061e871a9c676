"""Amounts as people write them: ``500m`` of a core, ``256Mi`` of memory (the words of Kubernetes)."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["MAX_CPU_MILLIS", "MAX_MEMORY_BYTES", "parse_cpu", "parse_memory"]

MAX_CPU_MILLIS = 10_000_000
MAX_MEMORY_BYTES = 2**63 - 1

_CPU = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(m?)")
_MEMORY = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?)([KMGTP]i?)?")
_UNITS = {
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
}


def parse_cpu(value: float | str) -> int:
    """Read cores (``0.5``) or thousandths of a core (``"500m"``) as thousandths; raises ``ValueError``."""
    if isinstance(value, str):
        match = _CPU.fullmatch(value)
        if match is None:
            raise ValueError('Must be a number of cores like 0.5, or thousandths like "500m"')
        amount = Decimal(match[1]) * (1 if match[2] else 1000)
    else:
        amount = Decimal(repr(value)) * 1000
    millis = round(amount) if amount.is_finite() and amount <= MAX_CPU_MILLIS else 0
    if millis < 1:
        raise ValueError(f"Must be from 0.001 to {MAX_CPU_MILLIS // 1000} cores")
    return millis


def parse_memory(value: int | str) -> int:
    """Read bytes (``268435456``) or a multiple (``"256Mi"``, ``"1.5G"``) as bytes; raises ``ValueError``."""
    if isinstance(value, str):
        match = _MEMORY.fullmatch(value)
        if match is None:
            raise ValueError('Must be a number of bytes, or text like "256Mi" (Ki, Mi, Gi, Ti, K, M, G, T)')
        amount = int(Decimal(match[1]) * _UNITS.get(match[2], 1))
    else:
        amount = value
    if not 1 <= amount <= MAX_MEMORY_BYTES:
        raise ValueError("Must be at least one byte, and less than 8 EiB")
    return amount
