from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest

from aiop.client import (
    ApiError,
    Client,
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidState,
    NotFound,
    ServiceError,
    ServiceUnreachable,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from aiop.errors import Fault
from aiop.model.state import ExecutionStatus, StepStatus


def refuse(status, code="some_code", errors=None, headers=None):
    body = {"status": status, "code": code, "message": "No", "details": {"errors": errors or []}}
    return httpx.Response(status, json=body, headers=headers)


def test_an_answer_becomes_typed_and_keeps_what_it_was(perform, workflow):
    found = perform(lambda _: httpx.Response(200, json=workflow), lambda c: c.workflows.get(workflow["id"]))

    assert found.status is ExecutionStatus.PENDING
    assert found.created_at == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert found.raw == workflow


def test_steps_of_an_execution_are_typed(perform, execution):
    found = perform(lambda _: httpx.Response(200, json=execution), lambda c: c.executions.get("x"))

    assert found.succeeded
    assert found.steps["step1"].status is StepStatus.COMPLETED


def test_an_id_cannot_leave_its_place_in_the_path(perform, workflow):
    seen = []

    def handler(request):
        seen.append(request.url.raw_path)
        return httpx.Response(200, json=workflow)

    perform(handler, lambda c: c.workflows.get("../auth/users?x"))

    assert seen == [b"/dagger/workflows/..%2Fauth%2Fusers%3Fx"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", InvalidRequest),
        (400, "invalid_state", InvalidState),
        (401, "unauthenticated", Unauthenticated),
        (403, "forbidden", Forbidden),
        (404, "not_found", NotFound),
        (409, "idempotency_conflict", Conflict),
        (413, "too_large", TooLarge),
        (418, "teapot", ApiError),
        (429, "too_many_requests", TooManyRequests),
        (500, "internal", ServiceError),
        (503, "unavailable", Unavailable),
    ],
)
def test_a_refusal_is_an_error_by_its_status(perform, status, code, kind):
    with pytest.raises(ApiError) as caught:
        perform(lambda _: refuse(status, code), lambda c: c.workflows.get("x"))

    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code, caught.value.message) == (status, code, "No")


def test_a_refusal_lists_every_fault(perform):
    errors = [{"field": "steps[0].id", "message": "Bad"}, {"field": "name", "message": "Field is required"}]

    with pytest.raises(InvalidRequest) as caught:
        perform(lambda _: refuse(400, errors=errors), lambda c: c.workflows.create({}))

    assert caught.value.faults == (Fault("steps[0].id", "Bad"), Fault("name", "Field is required"))
    assert str(caught.value) == "No; steps[0].id: Bad; name: Field is required"


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(404, text="<html>")])
def test_a_stranger_on_the_port_is_told_from_a_refusal(perform, answer):
    with pytest.raises(UnexpectedAnswer):
        perform(lambda _: httpx.Response(answer.status_code, text="<html>"), lambda c: c.workflows.get("x"))


def test_a_document_is_judged_without_being_stored(perform):
    seen = []

    def handler(request):
        seen.append(request.url.path)
        return refuse(400, "invalid_request", [{"field": "name", "message": "Field is required"}])

    validation = perform(handler, lambda c: c.workflows.validate({}))

    assert seen == ["/dagger/workflows/validate"]
    assert not validation.valid
    assert validation.faults == (Fault("name", "Field is required"),)


def test_execute_repeats_itself_under_one_key(perform):
    keys = []

    def handler(request):
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ReadError("broken", request=request)
        if len(keys) == 2:
            return refuse(503)
        body = {"execution_id": "e", "status": "pending", "workflow_id": "w"}
        return httpx.Response(201, json=body)

    submission = perform(handler, lambda c: c.workflows.execute("w", {"a": 1}))

    assert submission.execution_id == "e"
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_two_executes_have_two_keys(perform):
    keys = []

    def handler(request):
        keys.append(request.headers["idempotency-key"])
        return httpx.Response(201, json={"execution_id": "e", "status": "pending", "workflow_id": "w"})

    for _ in range(2):
        perform(handler, lambda c: c.workflows.execute("w"))

    assert len(set(keys)) == 2


def test_execute_sends_only_what_it_was_given(perform):
    bodies = []

    def handler(request):
        bodies.append(json.loads(request.content))
        return httpx.Response(201, json={"execution_id": "e", "status": "pending", "workflow_id": "w"})

    perform(handler, lambda c: c.workflows.execute("w", {"a": 1}, container_registry="docker.io"))

    assert bodies == [{"inputs": {"a": 1}, "container_registry": "docker.io"}]


def test_a_create_that_may_have_happened_is_not_repeated(perform):
    seen = []

    def handler(request):
        seen.append(request.method)
        raise httpx.ReadError("broken", request=request)

    with pytest.raises(ServiceUnreachable):
        perform(handler, lambda c: c.workflows.create({}))

    assert seen == ["POST"]


def test_a_create_that_never_left_is_repeated(perform, workflow):
    seen = []

    def handler(request):
        seen.append(request.method)
        if len(seen) < 3:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(201, json=workflow)

    assert perform(handler, lambda c: c.workflows.create({})).id == workflow["id"]


def test_patience_ends(perform):
    seen = []

    def handler(request):
        seen.append(request.method)
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(ServiceUnreachable):
        perform(handler, lambda c: c.workflows.get("x"))

    assert len(seen) == 3


def test_all_pages_are_read_and_a_row_that_slid_comes_once(perform, workflow):
    def row(number):
        return {**workflow, "id": f"w{number}"}

    def handler(request):
        offset = int(request.url.params.get("offset", 0))
        rows = [row(4), row(3), row(2)] if offset == 0 else [row(2), row(1)]
        return httpx.Response(200, json={"workflows": rows, "total": 5, "limit": 3, "offset": offset})

    found = perform(handler, lambda c: c.workflows.iter())

    assert [item.id for item in found] == ["w4", "w3", "w2", "w1"]


def test_filters_left_out_are_not_sent(perform):
    seen = []

    def handler(request):
        seen.append(dict(request.url.params))
        return httpx.Response(200, json={"executions": [], "total": 0, "limit": 20, "offset": 0})

    perform(handler, lambda c: c.executions.list(status=ExecutionStatus.FAILED, limit=5))

    assert seen == [{"status": "failed", "limit": "5"}]


def test_executions_of_one_workflow_are_asked_of_it(perform):
    seen = []

    def handler(request):
        seen.append(request.url.path)
        return httpx.Response(200, json={"executions": [], "total": 0, "limit": 20, "offset": 0})

    perform(handler, lambda c: c.executions.list(workflow="w"))

    assert seen == ["/dagger/workflows/w/executions"]


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://x", "http://", ""])
def test_an_address_that_is_none_is_refused_at_once(address):
    with pytest.raises(ValueError, match="is not an address"):
        Client(address)
