"""Who may call what. The operations come from the API's own description: a new one needs a line here."""

from __future__ import annotations

import httpx
import pytest

from aiop.model.records import Role
from api.conftest import SignIn
from api.errors import error
from api.operations import Operation, operations

OPEN = {
    "create_session",
    "refresh_session",
    "create_browser_session",
    "create_browser_token",
    "delete_browser_session",
    "get_health",
    "get_readiness",
}

NEEDS = {
    "list_workflows": Role.VIEWER,
    "create_workflow": Role.EDITOR,
    "validate_workflow": Role.VIEWER,
    "get_workflow": Role.VIEWER,
    "update_workflow": Role.EDITOR,
    "delete_workflow": Role.EDITOR,
    "execute_workflow": Role.EDITOR,
    "list_workflow_executions": Role.VIEWER,
    "list_versions": Role.VIEWER,
    "get_version": Role.VIEWER,
    "list_executions": Role.VIEWER,
    "get_execution": Role.VIEWER,
    "cancel_execution": Role.EDITOR,
    "get_execution_logs": Role.VIEWER,
    "get_execution_events": Role.VIEWER,
    "get_execution_output": Role.VIEWER,
    "list_pipelines": Role.VIEWER,
    "create_pipeline": Role.EDITOR,
    "validate_pipeline": Role.VIEWER,
    "get_pipeline": Role.VIEWER,
    "update_pipeline": Role.EDITOR,
    "delete_pipeline": Role.EDITOR,
    "list_pipeline_executions": Role.VIEWER,
    "execute_pipeline": Role.EDITOR,
    "upload_source": Role.EDITOR,
    "get_source": Role.VIEWER,
    "get_step_cache": Role.VIEWER,
    "get_execution_graph": Role.VIEWER,
    "get_execution_step": Role.VIEWER,
    "list_glances": Role.VIEWER,
    "get_throughput": Role.VIEWER,
    "list_agents": Role.VIEWER,
    "create_agent": Role.ADMIN,
    "get_agent": Role.VIEWER,
    "update_agent": Role.ADMIN,
    "delete_agent": Role.ADMIN,
    "list_images": Role.VIEWER,
    "pull_image": Role.ADMIN,
    "import_images": Role.ADMIN,
    "prune_images": Role.ADMIN,
    "list_audit": Role.ADMIN,
    "list_secrets": Role.EDITOR,
    "get_secret": Role.EDITOR,
    "put_secret": Role.ADMIN,
    "delete_secret": Role.ADMIN,
    "get_dagger_status": Role.VIEWER,
    "get_dagger_metrics": Role.VIEWER,
    "get_me": Role.VIEWER,
    "list_tokens": Role.VIEWER,
    "create_token": Role.VIEWER,
    "revoke_token": Role.VIEWER,
    "list_users": Role.ADMIN,
    "create_user": Role.ADMIN,
    "get_user": Role.ADMIN,
    "update_user": Role.ADMIN,
    "delete_user": Role.ADMIN,
}

MAY_BE_REFUSED = {"create_token"}
"""Open to every role, but not whatever is asked for."""

CLOSED = [each for each in operations() if not each.open]


async def call(client: httpx.AsyncClient, operation: Operation) -> httpx.Response:
    """Call an operation on what is not there, with a body that says nothing."""
    return await client.request(operation.method, operation.path, json={} if operation.media_type else None)


def test_every_operation_has_its_role() -> None:
    assert {each.id for each in operations()} == OPEN | set(NEEDS)
    assert {each.id for each in operations() if each.open} == OPEN


@pytest.mark.parametrize("operation", CLOSED, ids=str)
async def test_without_a_token_nothing_is_told(anonymous: httpx.AsyncClient, operation: Operation) -> None:
    answer = await call(anonymous, operation)
    assert error(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {
        "status": 401,
        "code": "unauthenticated",
        "message": "Authentication is required",
        "details": {},
    }


@pytest.mark.parametrize("operation", CLOSED, ids=str)
async def test_a_role_may_call_what_it_is_for_and_no_more(sign_in: SignIn, operation: Operation) -> None:
    needed = NEEDS[operation.id]
    for role in Role:
        answer = await call(await sign_in(role), operation)
        if role.rank < needed.rank:
            assert error(answer) == (403, "forbidden"), role
            assert answer.json()["message"] == f"This needs the role {needed}; yours is {role}"
        else:
            assert answer.status_code not in (401, 403, 500), role


@pytest.mark.parametrize("operation", CLOSED, ids=str)
async def test_a_token_of_a_lower_role_may_do_no_more_than_that(admin: httpx.AsyncClient, operation: Operation) -> None:
    made = await admin.post("/auth/tokens", json={"name": "t", "role": "viewer"})
    admin.headers["Authorization"] = f"Bearer {made.json()['token']}"
    answer = await call(admin, operation)
    assert (answer.status_code == 403) == (NEEDS[operation.id] is not Role.VIEWER)


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_the_description_tells_of_the_refusals(operation: Operation) -> None:
    declared = operation.declared["responses"]
    assert ("401" in declared) or operation.open
    needs = NEEDS.get(operation.id, Role.VIEWER)
    refuses = needs is not Role.VIEWER or operation.id in MAY_BE_REFUSED or "browser" in operation.id
    assert ("403" in declared) == refuses
