"""A third party's fuzzer takes the API at its own word: what OpenAPI says is held against every answer.

The whole service is behind it, with an engine that runs nothing. The examples are the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.python import asgi
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from aiop.config import Settings
from api.operations import Operation, operations
from api.whole import WholeService

PASSWORD = "correct horse"
OPERATOR = "operator-7c1f"
"""Who fuzzes: an admin that no example takes for its victim."""

EXAMPLES = 8
CONFIG = {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 413, 429]}}}

HAS_RULES_OF_ITS_OWN = {
    "create_workflow",
    "update_workflow",
    "validate_workflow",
    "execute_workflow",
    "create_pipeline",
    "validate_pipeline",
    "update_pipeline",
    "execute_pipeline",
    "upload_source",
    "create_agent",
    "update_agent",
    "create_user",
    "update_user",
    "delete_user",
    "cancel_execution",
    "get_execution_logs",
    "get_execution_events",
    "import_images",
    "list_images",
    "prune_images",
}
"""May refuse what the schema allows: graphs, templates, paths, archives, taken names, the last admin, ended states, no
embedded engine."""

ASKS_THE_WORLD = {"pull_image"}
"""Answers what a registry says, and no test is to ask one that it has not started; ``test_images`` has a stand-in."""


@dataclass
class Api:
    """The service, and what was stored in it beforehand."""

    schema: BaseSchema
    headers: dict[str, str]
    stored: dict[str, str] = field(default_factory=dict)

    def check(self, case: Case, operation: Operation) -> None:
        excluded = [positive_data_acceptance] if operation.id in HAS_RULES_OF_ITS_OWN else []
        case.call_and_validate(headers=self.headers, excluded_checks=excluded, timeout=5)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    directory = tmp_path_factory.mktemp("fuzz")
    app = WholeService(Settings(data_dir=directory, engine="fake", admin_password=PASSWORD, max_body_bytes=2**20))
    with asgi.get_client(app) as client:
        form = {"username": "admin", "password": PASSWORD}
        headers = {"Authorization": f"Bearer {client.post('/auth/token', data=form).json()['access_token']}"}

        def post(path: str, body: Any, **more: str) -> Any:
            answer = client.post(path, json=body, headers=headers | more)
            assert answer.status_code == 201, answer.text
            return answer.json()

        post("/auth/users", {"username": OPERATOR, "password": PASSWORD, "role": "admin"})
        form = {"username": OPERATOR, "password": PASSWORD}
        headers = {"Authorization": f"Bearer {client.post('/auth/token', data=form).json()['access_token']}"}
        headers = {"Authorization": f"Bearer {post('/auth/tokens', {'name': 'fuzz'})['token']}"}
        steps = [
            {"id": "a", "container": {"image": "i"}},
            {"id": "b", "depends_on": ["a"], "container": {"image": "i"}},
        ]
        workflow = post("/dagger/workflows", {"name": "w", "steps": steps})["id"]
        execution = post(f"/dagger/workflows/{workflow}/execute", {"inputs": {"x": 1}})["execution_id"]
        assert client.get(f"/dagger/executions/{execution}/events", headers=headers).text.endswith("\n\n")
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG))
        yield Api(schema, headers, {"workflow_id": workflow, "execution_id": execution, "username": "admin"})
        # Else most of what came after some example was only refused.
        assert client.get("/auth/me", headers=headers).json() == {"username": OPERATOR, "role": "admin"}
    asgi.shutdown_lifespans()


TO_TRY = [
    pytest.param(operation, mode, id=f"{operation}-{mode.value}")
    for operation in operations()
    if operation.id not in ASKS_THE_WORLD
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    # Of an operation that takes nothing but ids there is nothing that could be wrong.
    if mode is GenerationMode.POSITIVE or operation.media_type or operation.parameters
]


@pytest.mark.parametrize(("operation", "mode"), TO_TRY)
def test_every_answer_is_as_described(api: Api, operation: Operation, mode: GenerationMode) -> None:
    declared = api.schema[operation.template][operation.method]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=declared.as_strategy(generation_mode=mode), known=st.booleans())
    def hold(case: Case, known: bool) -> None:
        named = case.path_parameters or {}
        untouched = (
            case.meta is None
            or ParameterLocation.PATH not in case.meta.components
            or (case.meta.components[ParameterLocation.PATH].mode is GenerationMode.POSITIVE)
        )
        if known and untouched and operation.method != "DELETE":
            case.path_parameters = {name: api.stored.get(name, value) for name, value in named.items()}
        api.check(case, operation)

    hold()
