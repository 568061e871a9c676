"""Plans by version of the definition. A version is immutable, so a plan is made once while it is in use."""

from __future__ import annotations

from collections import OrderedDict

from aiop.model.ids import VersionId
from aiop.model.records import ExecutionRecord
from aiop.spec import Plan, load_definition, load_pipeline

__all__ = ["Plans"]

CAPACITY = 32


class Plans:
    """Keeps the plans that were used last."""

    def __init__(self) -> None:
        self._plans: OrderedDict[VersionId, Plan] = OrderedDict()

    def load(self, record: ExecutionRecord) -> Plan:
        """Return the plan of an execution; raises ``InvalidRequest`` if its definition does not hold any more."""
        version = record.summary.version_id
        plan = self._plans.get(version)
        if plan is None:
            load = load_definition if record.summary.pipeline_id is None else load_pipeline
            plan = Plan.of(load(record.document))
            self._plans[version] = plan
            if len(self._plans) > CAPACITY:
                self._plans.popitem(last=False)
        self._plans.move_to_end(version)
        return plan
