"""The audit log: an entry for each change, in the name of who made it, and none for what did not happen."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from aiop.errors import AiopError
from aiop.interfaces import AuditQuery, Idempotency, NewSecret, acting, identified
from aiop.model.agent import AgentRecord
from aiop.model.audit import Actor, AuditAction, AuditEntry, TargetType
from aiop.model.ids import AgentId, PipelineId, TokenId, WorkflowId, new_id
from aiop.model.records import Role, TokenRecord, UserRecord
from aiop.store import SqlStore
from contract.store.subject import (
    START,
    Subject,
    a_pipeline,
    a_pipeline_run,
    a_workflow,
    an_execution,
    claimed,
    submitted,
)

ANN = Actor("ann", "ci", TokenId("t"), "request-1", "192.0.2.1")
A = AuditAction


@pytest.fixture
async def store(subject: Subject) -> SqlStore:
    """An open store with nothing in its log yet."""
    opened = await subject.open()
    await subject.clock.advance(microseconds=1)
    await opened.purge_audit(subject.clock.now())
    return opened


async def entries(store: SqlStore, **query: Any) -> list[AuditEntry]:
    """What the log holds, oldest first."""
    return list((await store.audit(AuditQuery(**{"limit": 1000, "sort": "at"} | query))).items)


async def told(store: SqlStore, **query: Any) -> list[tuple[AuditAction, str | None, dict[str, Any]]]:
    return [(entry.action, entry.target, dict(entry.detail)) for entry in await entries(store, **query)]


def a_user(name: str = "bob", **values: Any) -> UserRecord:
    return UserRecord(**{"username": name, "role": Role.EDITOR, "password_hash": "$hash", "created_at": START} | values)


def a_token(**values: Any) -> TokenRecord:
    known = {"id": TokenId("T"), "username": "bob", "role": Role.VIEWER, "digest": "D", "name": "ci"}
    return TokenRecord(**known | {"created_at": START, **values})


def an_agent(**values: Any) -> AgentRecord:
    return AgentRecord(**{"id": AgentId("G"), "name": "far", "created_at": START} | values)


Change = Callable[[SqlStore], Awaitable[Any]]
W = a_workflow("words", id=WorkflowId("W"))
E = an_execution(W, id="E")
P = a_pipeline("build", id=PipelineId("P"))
W2 = replace(W, version_id="V2", name="new")
ADMIN = a_user("admin", role=Role.ADMIN)
SECRET = NewSecret("KEY", b"sealed", None, "ann")

CHANGES: list[tuple[str, list[Change], list[tuple[AuditAction, str | None, dict[str, Any]]]]] = [
    ("a workflow is created", [lambda s: s.create_workflow(W)], [(A.WORKFLOW_CREATED, "W", {"name": "words"})]),
    (
        "a workflow is changed",
        [lambda s: s.create_workflow(W), lambda s: s.update_workflow(W2, base=W.version_id)],
        [(A.WORKFLOW_CREATED, "W", {"name": "words"}), (A.WORKFLOW_CHANGED, "W", {"name": "new", "version": 2})],
    ),
    (
        "a workflow is deleted",
        [lambda s: s.create_workflow(W), lambda s: s.submit(E), lambda s: s.request_delete(W.id)],
        [
            (A.WORKFLOW_CREATED, "W", {"name": "words"}),
            (A.EXECUTION_SUBMITTED, "E", {"workflow_id": "W"}),
            (A.WORKFLOW_DELETED, "W", {"executions_cancelled": 1}),
        ],
    ),
    (
        "a pipeline comes, runs, and goes",
        [
            lambda s: s.create_pipeline(P),
            lambda s: s.update_pipeline(P.id, {"name": "new", "caching_enabled": False}),
            lambda s: s.submit(a_pipeline_run(P, id="E")),
            lambda s: s.request_delete_pipeline(P.id),
        ],
        [
            (A.PIPELINE_CREATED, "P", {"name": "build"}),
            (A.PIPELINE_CHANGED, "P", {"name": "new", "fields": ["caching_enabled", "name"]}),
            (A.EXECUTION_SUBMITTED, "E", {"pipeline_id": "P", "source": "s1"}),
            (A.PIPELINE_DELETED, "P", {"executions_cancelled": 1}),
        ],
    ),
    (
        "an execution is cancelled",
        [lambda s: s.create_workflow(W), lambda s: s.submit(E), lambda s: s.request_cancel(E.id)],
        [
            (A.WORKFLOW_CREATED, "W", {"name": "words"}),
            (A.EXECUTION_SUBMITTED, "E", {"workflow_id": "W"}),
            (A.EXECUTION_CANCEL_REQUESTED, "E", {}),
        ],
    ),
    (
        "an agent comes and goes",
        [
            lambda s: s.add_agent(an_agent()),
            lambda s: s.change_agent(AgentId("G"), lambda agent: replace(agent, name="near")),
            lambda s: s.delete_agent(AgentId("G"), force=False),
        ],
        [
            (A.AGENT_CREATED, "G", {"name": "far"}),
            (A.AGENT_CHANGED, "G", {"name": "near"}),
            (A.AGENT_DELETED, "G", {"executions_failed": 0}),
        ],
    ),
    (
        "a secret comes and goes",
        [lambda s: s.put_secret(SECRET), lambda s: s.put_secret(SECRET), lambda s: s.delete_secret("KEY")],
        [(A.SECRET_CREATED, "KEY", {}), (A.SECRET_REPLACED, "KEY", {}), (A.SECRET_DELETED, "KEY", {})],
    ),
    (
        "images come and go, which are not in the database",
        [
            lambda s: s.note(A.IMAGE_PULLED, "tool:1", digest="sha256:1"),
            lambda s: s.note(A.IMAGE_IMPORTED, "tool:2", source="root", digest="sha256:2"),
            lambda s: s.note(A.IMAGES_PRUNED, None, images=2, bytes=20),
        ],
        [
            (A.IMAGE_PULLED, "tool:1", {"digest": "sha256:1"}),
            (A.IMAGE_IMPORTED, "tool:2", {"source": "root", "digest": "sha256:2"}),
            (A.IMAGES_PRUNED, None, {"images": 2, "bytes": 20}),
        ],
    ),
    (
        "a user comes and goes",
        [
            lambda s: s.add_user(ADMIN),
            lambda s: s.add_user(a_user()),
            lambda s: s.change_user(a_user(role=Role.VIEWER)),
            lambda s: s.change_user(a_user(role=Role.VIEWER, password_hash="$other")),
            lambda s: s.delete_user("bob"),
        ],
        [
            (A.USER_CREATED, "admin", {"role": "admin"}),
            (A.USER_CREATED, "bob", {"role": "editor"}),
            (A.USER_CHANGED, "bob", {"role": "viewer"}),
            (A.USER_CHANGED, "bob", {"password": "changed"}),
            (A.USER_DELETED, "bob", {}),
        ],
    ),
    (
        "a token comes and goes",
        [
            lambda s: s.add_user(a_user()),
            lambda s: s.add_token(a_token(expires_at=START + timedelta(days=1))),
            lambda s: s.delete_token(TokenId("T"), username=None),
        ],
        [
            (A.USER_CREATED, "bob", {"role": "editor"}),
            (A.TOKEN_CREATED, "T", {"name": "ci", "role": "viewer", "expires_at": "2025-03-02T12:00:00Z"}),
            (A.TOKEN_REVOKED, "T", {"name": "ci", "username": "bob"}),
        ],
    ),
    (
        "somebody signs in and out",
        [
            lambda s: s.add_user(a_user()),
            lambda s: s.sign_in(a_token(refresh=True)),
            lambda s: s.note_failed_sign_in("bob"),
            lambda s: s.sign_out(a_token(refresh=True).id),
            lambda s: s.sign_out(a_token(refresh=True).id),
        ],
        [
            (A.USER_CREATED, "bob", {"role": "editor"}),
            (A.USER_SIGNED_IN, "bob", {}),
            (A.USER_SIGN_IN_FAILED, "bob", {}),
            (A.USER_SIGNED_OUT, "bob", {}),
        ],
    ),
    ("a stranger fails to sign in", [lambda s: s.note_failed_sign_in(None)], [(A.USER_SIGN_IN_FAILED, None, {})]),
]


@pytest.mark.parametrize(("changes", "expected"), [it[1:] for it in CHANGES], ids=[it[0] for it in CHANGES])
async def test_each_change_leaves_its_entry(
    subject: Subject, store: SqlStore, changes: list[Change], expected: list[Any]
) -> None:
    with acting(ANN):
        for change in changes:
            await subject.clock.advance(seconds=1)
            await change(store)

    assert await told(store) == expected
    found = await entries(store)
    assert [entry.actor for entry in found] == [ANN] * len(expected)
    assert [entry.at for entry in found] == sorted({entry.at for entry in found})
    assert len({entry.id for entry in found}) == len(found)


def test_every_action_is_in_the_table_and_says_to_what_it_is_done() -> None:
    assert {action for _, _, expected in CHANGES for action, _, _ in expected} == set(AuditAction)
    assert {action.target_type for action in AuditAction} == set(TargetType)


REFUSED: list[tuple[str, Change]] = [
    ("an update of nothing", lambda s: s.update_workflow(W, base=W.version_id)),
    ("a delete of nothing", lambda s: s.request_delete(W.id)),
    ("an update of no pipeline", lambda s: s.update_pipeline(P.id, {"name": "new"})),
    ("a delete of no pipeline", lambda s: s.request_delete_pipeline(P.id)),
    ("an execution of nothing", lambda s: s.submit(E)),
    ("a cancel of nothing", lambda s: s.request_cancel(E.id)),
    ("an agent that is not there", lambda s: s.change_agent(AgentId("no such id"), lambda agent: agent)),
    ("an agent that is gone", lambda s: s.delete_agent(AgentId("G"), force=True)),
    ("a secret that is not there", lambda s: s.delete_secret("KEY")),
    ("a user who is not there", lambda s: s.change_user(a_user())),
    ("a user who is gone", lambda s: s.delete_user("bob")),
    ("a token that is not there", lambda s: s.delete_token(TokenId("T"), username=None)),
    ("a token of nobody", lambda s: s.add_token(a_token())),
    ("a session of nobody", lambda s: s.sign_in(a_token(refresh=True))),
]


@pytest.mark.parametrize("change", [it[1] for it in REFUSED], ids=[it[0] for it in REFUSED])
async def test_what_is_refused_leaves_none(store: SqlStore, change: Change) -> None:
    with pytest.raises(AiopError):
        await change(store)

    assert await entries(store) == []


async def test_what_changes_nothing_leaves_none(store: SqlStore) -> None:
    await store.add_user(a_user())
    await store.add_token(a_token(refresh=True))
    lease = await claimed(store)
    await store.request_cancel(lease.execution)
    before = await entries(store)

    assert not await store.add_user(a_user())
    await store.add_token(a_token(id=TokenId("T2"), digest="D2", refresh=True))  # a session goes on
    await store.take_refresh_token("D")
    await store.request_cancel(lease.execution)

    assert await entries(store) == before


async def test_a_repeated_submission_is_one(store: SqlStore) -> None:
    await store.create_workflow(W)
    for _ in range(2):
        await store.submit(an_execution(W), Idempotency("ann", "k", "digest"))
    with pytest.raises(AiopError):
        await store.submit(an_execution(W), Idempotency("ann", "k", "other"))

    assert len(await entries(store, action=A.EXECUTION_SUBMITTED)) == 1


async def test_whoever_is_written_in_one_batch_each_keeps_his_name(store: SqlStore) -> None:
    await store.create_workflow(W)

    async def submit(name: str) -> str:
        with acting(Actor(request_id=name)):
            identified(name)
            return await store.submit(an_execution(W))

    names = [f"user{n}" for n in range(50)]
    executions = await asyncio.gather(*map(submit, names))

    found = await entries(store, action=A.EXECUTION_SUBMITTED)
    by = {entry.target: (entry.actor.username, entry.actor.request_id) for entry in found}
    assert by == {execution: (name, name) for execution, name in zip(executions, names, strict=True)}


async def test_what_the_service_does_by_itself_has_no_name(store: SqlStore) -> None:
    await store.add_user(a_user())

    assert [entry.actor for entry in await entries(store)] == [Actor()]


async def test_a_name_holds_only_as_long_as_the_call() -> None:
    from aiop.interfaces import current_actor

    with acting(Actor(address="192.0.2.1")):
        identified("ann", token="ci", token_id=TokenId("t"))
        assert current_actor() == Actor("ann", "ci", TokenId("t"), None, "192.0.2.1")
    assert current_actor() == Actor()


async def test_entries_are_filtered_sorted_and_paged(subject: Subject, store: SqlStore) -> None:
    for number, name in enumerate(("ann", "bob", "ann", "cid")):
        with acting(Actor(name)):
            await store.put_secret(replace(SECRET, name=f"K{number % 2}"))
        await subject.clock.advance(minutes=1)

    async def found(**query: Any) -> list[tuple[str | None, str | None]]:
        return [(entry.actor.username, entry.target) for entry in (await store.audit(AuditQuery(**query))).items]

    everything = [("cid", "K1"), ("ann", "K0"), ("bob", "K1"), ("ann", "K0")]
    assert await found() == everything
    assert await found(sort="at") == everything[::-1]
    assert await found(limit=2, offset=1) == everything[1:3]
    assert await found(actor="ann") == [("ann", "K0")] * 2
    assert await found(target="K1", actor="cid") == [("cid", "K1")]
    assert await found(action=A.SECRET_REPLACED) == everything[:2]
    assert await found(since=START + timedelta(minutes=1), until=START + timedelta(minutes=3)) == everything[1:3]
    assert (await store.audit(AuditQuery(actor="ann", limit=1))).total == 2


async def test_the_total_is_the_count_of_what_the_filters_let_through(subject: Subject, store: SqlStore) -> None:
    for number in range(24):  # over four days
        with acting(Actor(("ann", "bob", None)[number % 3])):
            await store.put_secret(replace(SECRET, name=f"K{number % 2}"))
        await subject.clock.advance(hours=4)
    moments = [None, *(START + timedelta(hours=hours) for hours in (0, 13, 36, 37, 84))]

    async def totals_hold() -> None:
        every = await entries(store)
        for since, until, actor, action, target in product(
            moments, moments, (None, "ann", ""), (None, A.SECRET_REPLACED), (None, "K1")
        ):
            expected = [
                entry
                for entry in every
                if (since is None or entry.at >= since)
                and (until is None or entry.at < until)
                and actor in (None, entry.actor.username)
                and action in (None, entry.action)
                and target in (None, entry.target)
            ]
            query = AuditQuery(1, since=since, until=until, actor=actor, action=action, target=target)
            assert (await store.audit(query)).total == len(expected)

    await totals_hold()
    await store.purge_audit(START + timedelta(hours=50))
    await totals_hold()


async def test_old_entries_are_purged_in_pieces(subject: Subject, store: SqlStore) -> None:
    workflow = a_workflow()
    await store.create_workflow(workflow)
    await asyncio.gather(*(submitted(store, workflow) for _ in range(2500)))
    await subject.clock.advance(days=1)
    await submitted(store, workflow)

    assert await store.purge_audit(START) == 0
    assert await store.purge_audit(START + timedelta(hours=1)) == 2501
    assert len(await entries(store)) == 1
    assert await store.purge_audit(START + timedelta(hours=1)) == 0


async def test_an_entry_outlives_what_it_tells_of(subject: Subject, store: SqlStore) -> None:
    await store.create_workflow(W)
    await store.request_delete(W.id)
    await store.purge_deleted()
    await subject.aclose()

    store = await subject.open()

    assert [entry.action for entry in await entries(store)] == [A.WORKFLOW_CREATED, A.WORKFLOW_DELETED]


async def test_text_that_a_database_may_refuse_is_taken(store: SqlStore) -> None:
    with acting(Actor("a\0b", new_id())):
        await store.create_workflow(a_workflow("x\ud800\0y", id=WorkflowId("W")))

    (entry,) = await entries(store)
    assert entry.actor.username == "a\ufffdb"
    assert entry.target == "W"
