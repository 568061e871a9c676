"""Why the cache did, or did not, give the result of a step. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aiop.interfaces import PreviousRun
from aiop.model.ids import ExecutionId
from aiop.model.pipelines import CacheOff, CacheUse, WorkspaceRecord

__all__ = ["Explanation", "MissReason", "explain"]


class MissReason(StrEnum):
    """Why there was no result that could stand for this run."""

    FIRST_RUN = "first_run"
    CHANGED = "changed"
    NOT_COMPLETED = "not_completed"
    NOT_KEPT = "not_kept"


@dataclass(frozen=True, slots=True)
class Explanation:
    """``changed`` names the parts of the key that differ from ``compared_with``, the run before."""

    use: CacheUse
    reason: MissReason | CacheOff | None
    detail: str
    key: str | None = None
    origin: ExecutionId | None = None
    compared_with: ExecutionId | None = None
    changed: Sequence[str] = ()


_OFF = {
    CacheOff.PIPELINE: "The pipeline has its cache switched off",
    CacheOff.EXECUTION: "This execution was asked to skip the cache; its result is kept for later ones",
    CacheOff.STEP: "The step says `cache: false`",
    CacheOff.HOST_PATH: "The step mounts a path of the host, whose content nobody can vouch for",
}

_DERIVED = "environment.INPUT_"
_INPUTS = "environment.AIOP_INPUTS"


def explain(workspace: WorkspaceRecord, previous: PreviousRun | None) -> Explanation:
    """Compare a run with the one before."""
    compared = previous.execution if previous is not None and workspace.parts is not None else None
    changed = _changed(previous.workspace.parts or {}, workspace.parts or {}) if previous and compared else ()
    if workspace.use is CacheUse.HIT:
        where = f"in execution {workspace.origin}" if workspace.origin else "in a run whose result the engine has kept"
        detail = f"All that the result depends on is as it was {where}"
        return Explanation(CacheUse.HIT, None, detail, workspace.key, workspace.origin, compared, changed)
    if workspace.use is CacheUse.OFF:
        reason = workspace.reason or CacheOff.STEP
        return Explanation(CacheUse.OFF, reason, _OFF[reason], workspace.key, None, compared, changed)
    miss, detail = _miss(previous, changed)
    return Explanation(CacheUse.MISS, miss, detail, workspace.key, None, compared, changed)


def _miss(previous: PreviousRun | None, changed: Sequence[str]) -> tuple[MissReason, str]:
    if previous is None:
        return MissReason.FIRST_RUN, "No earlier execution of the pipeline has run this step"
    if changed:
        return MissReason.CHANGED, f"Changed since execution {previous.execution}: {', '.join(changed)}"
    if not previous.completed:
        return MissReason.NOT_COMPLETED, f"Nothing has changed since execution {previous.execution}, which failed here"
    return MissReason.NOT_KEPT, f"Nothing has changed since execution {previous.execution}, but its result was not kept"


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Name the parts that differ; of an input and the variables made of it, the input alone."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if any(name.startswith("inputs.") for name in names):
        names = [name for name in names if not name.startswith(_DERIVED) and name != _INPUTS]
    return tuple(sorted(names))
