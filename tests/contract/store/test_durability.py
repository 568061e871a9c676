"""What was answered stays, whatever happens to the process."""

import asyncio
import signal
import sys
import textwrap

import pytest

from aiop.errors import StorageUnavailable
from aiop.interfaces import Changes, ExecutionQuery, NewWorkflow
from aiop.store import SqlStore
from contract.store.subject import Subject, a_batch, a_step, an_event, an_execution, claimed, submitted

SUBMITTER = textwrap.dedent(
    """
    import asyncio, sys
    from aiop.store import open_store
    from contract.store.subject import HandClock, a_workflow, an_execution

    async def main():
        async with open_store(sys.argv[1], clock=HandClock()) as store:
            workflow = a_workflow()
            await store.create_workflow(workflow)

            async def submit_for_ever():
                while True:
                    print(await store.submit(an_execution(workflow)), flush=True)

            await asyncio.gather(*(submit_for_ever() for _ in range(20)))

    asyncio.run(main())
    """
)


async def test_all_is_there_after_a_restart(subject: Subject) -> None:
    store = await subject.open()
    lease = await claimed(store)
    await store.commit(
        lease, Changes(steps=[a_step(sealed=b"cipher")], events=[an_event(2)], logs=[a_batch(1, "line")])
    )
    before = await store.load(lease)
    await subject.aclose()

    reopened = await subject.open()

    assert await reopened.load(lease) == before
    assert len(await reopened.events(lease.execution)) == 2
    assert (await reopened.logs(lease.execution))[0].lines[0].text == "line"


async def test_closing_writes_what_was_accepted(subject: Subject) -> None:
    store = await subject.open()
    lease = await claimed(store)
    commits = [asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(n)]))) for n in range(2, 100)]
    await asyncio.sleep(0)
    await store.aclose()
    await asyncio.gather(*commits)

    reopened = await subject.open()
    assert len(await reopened.events(lease.execution)) == 99


async def test_a_closed_store_takes_nothing(subject: Subject) -> None:
    store = await subject.open()
    lease = await claimed(store)
    await store.aclose()

    with pytest.raises(StorageUnavailable):
        await store.commit(lease, Changes(events=[an_event(2)]))
    with pytest.raises(StorageUnavailable):
        await submitted(store)


async def test_an_answered_submit_survives_kill_9(subject: Subject) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SUBMITTER,
        subject.url,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert process.stdout is not None
    answered = [(await process.stdout.readline()).decode().strip() for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    answered += (await process.stdout.read()).decode().split("\n")[:-1]
    await process.wait()

    store = await subject.open()

    stored: set[str] = set()
    while page := (await store.executions(ExecutionQuery(limit=1000, offset=len(stored), sort="id"))).items:
        stored.update(each.id for each in page)
    assert len(answered) >= 200
    assert set(answered) <= stored
    assert sum((await store.counts()).values()) == len(stored)
    for execution in answered[::20]:
        assert len(await store.events(execution)) == 1


async def test_readers_do_not_wait_for_the_writer(store: SqlStore, workflow: NewWorkflow) -> None:
    writes = asyncio.gather(*(store.submit(an_execution(workflow)) for _ in range(300)))
    await asyncio.sleep(0)

    page = await store.executions(ExecutionQuery())

    assert page.total in (0, 300)
    await writes
    assert (await store.executions(ExecutionQuery())).total == 300


async def test_a_cancelled_reader_leaves_the_others_unharmed(store: SqlStore, workflow: NewWorkflow) -> None:
    await store.submit(an_execution(workflow))
    for turns in range(30):
        reads = [asyncio.ensure_future(store.executions(ExecutionQuery())) for _ in range(8)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for read in reads[::2]:
            read.cancel()
        answers = await asyncio.gather(*reads, return_exceptions=True)
        assert all(answer.total == 1 for answer in answers[1::2])
    await store.submit(an_execution(workflow))
    assert (await store.executions(ExecutionQuery())).total == 2
