"""Reads what a container writes to its end, and collects how it ended and what it left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

import aiohttp

from aiop.engines.kubernetes.attempts import Attempt
from aiop.engines.kubernetes.client import ApiFault, KubernetesClient
from aiop.engines.kubernetes.output import LogReader
from aiop.engines.kubernetes.pods import CONTAINER, Mode
from aiop.engines.kubernetes.status import Ending, PodStatus, is_over, status_of
from aiop.engines.kubernetes.watch import Pod, PodWatch
from aiop.engines.kubernetes.workspaces import copy_workspace_out
from aiop.engines.kubernetes.wrapping import (
    Left,
    Report,
    Whereabouts,
    collect_command,
    parse_collected,
    parse_message,
)
from aiop.errors import EngineUnavailable, StepLost
from aiop.model.run import ContainerRun, Outcome, OutputFile
from aiop.model.state import Reason

__all__ = ["Collector"]

_LAST_OUTPUT_SECONDS = 5.0
"""Seconds that a log may go on after the cluster knows of the end of its container, or that of stderr after stdout."""

_KILLED = 137
_LOST_WITH_IT = "it was lost: the container was ended before it could be read"


class Collector:
    """Waits for one attempt after the other, or many at once."""

    def __init__(self, client: KubernetesClient, watch: PodWatch) -> None:
        self._client = client
        self._watch = watch

    async def collect(self, attempt: Attempt) -> Outcome:
        """Deliver all output, and return the outcome; raises ``StepLost``."""
        pod = self._present(attempt, self._watch.get(attempt.name))
        reader, outcome = None, None
        if status_of(pod).running:
            reader = await self._follow(attempt)
            report = reader.report
            if report is not None and _suffices(report, reader):
                outcome = await self._reported(attempt, reader, report)
                if not report.told or not report.code or self._is_stopped(attempt):
                    # The command's own word, which the cluster will repeat.
                    return outcome
        # Of a container that was told to end, and not by us, the cluster knows by whom.
        pod = self._present(attempt, await self._watch.until(attempt.name, is_over))
        status = status_of(pod)
        if reader is None or not (reader.whole or (reader.ended and status.stopped)):
            # Of one that we stopped, the node deletes the log with the container.
            reader = await self._read(attempt)
        ending, report = status.ending, reader.report
        if status.lost is not None and (ending is None or not _stands(report)):
            raise StepLost(status.lost)
        assert ending is not None  # noqa: S101 - it is over
        if report is not None and report.told and report.code and status.deleted and not status.stopped:
            raise StepLost("somebody deleted the pod")
        if outcome is None:
            return await self._ended(attempt, reader, status, ending)
        if ending.reason is Reason.TIMEOUT:
            return replace(outcome, reason=ending.reason, error=ending.words)
        return outcome

    def _is_stopped(self, attempt: Attempt) -> bool:
        pod = self._watch.get(attempt.name)
        return pod is not None and status_of(pod).stopped

    def _present(self, attempt: Attempt, pod: Pod | None) -> Pod:
        if pod is None:
            raise StepLost(f"{attempt.name} is not on the cluster any more")
        return pod

    # --- the log ------------------------------------------------------------------------------------------------

    async def _follow(self, attempt: Attempt) -> LogReader:
        """Deliver live until the last marks, the end of the log or that of the container."""
        reader = LogReader(attempt.delivery, attempt.token)
        following = asyncio.create_task(self._stream(attempt, reader, follow=True))
        over = asyncio.create_task(self._watch.until(attempt.name, is_over))
        try:
            await asyncio.wait({following, over}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                over.result()
                await asyncio.wait({following}, timeout=_LAST_OUTPUT_SECONDS)
            if following.done():
                following.result()
        finally:
            for task in (following, over):
                task.cancel()
            await asyncio.gather(following, over, return_exceptions=True)
        return reader

    async def _read(self, attempt: Attempt) -> LogReader:
        """Deliver what the log of an ended container has beyond what was seen."""
        reader = LogReader(attempt.delivery, attempt.token)
        await self._stream(attempt, reader, follow=False)
        return reader

    async def _stream(self, attempt: Attempt, reader: LogReader, *, follow: bool) -> None:
        query = {"container": CONTAINER, "timestamps": "true", "follow": "true" if follow else "false"}
        try:
            async with self._client.stream(f"pods/{attempt.name}/log", query) as response:
                await self._feed(response.content.iter_any(), reader)
        except ApiFault as fault:
            if fault.status not in (400, 404):
                raise
            reader.remark = str(fault)
        except aiohttp.ClientPayloadError as error:
            raise EngineUnavailable(f"the log of {attempt.name} broke off: {error}") from error

    async def _feed(self, chunks: AsyncIterator[bytes], reader: LogReader) -> None:
        """Read to the end, but to the last marks at most; soon after the one of stdout that of stderr is given up."""
        limit = asyncio.timeout(None)
        try:
            async with limit:
                async for chunk in chunks:
                    reader.feed(chunk)
                    if reader.whole:
                        return
                    if reader.report is not None and limit.when() is None:
                        limit.reschedule(asyncio.get_running_loop().time() + _LAST_OUTPUT_SECONDS)
        except TimeoutError:
            if not limit.expired():
                raise
        else:
            reader.finish()

    # --- the end ------------------------------------------------------------------------------------------------

    async def _reported(self, attempt: Attempt, reader: LogReader, report: Report) -> Outcome:
        left = Left()
        if report.outputs is Whereabouts.HELD:
            left = await self._held(attempt, told=report.told)
        pod = self._watch.get(attempt.name)
        status = status_of(pod) if pod is not None else None
        return _outcome(
            attempt,
            report.code,
            _reason(report),
            report.refused or ("OOMKilled: the memory limit was reached" if report.oom and report.code else None),
            finished_at=reader.ended_at,
            image_digest=status.image_digest if status is not None else None,
            left=left,
            gap=_gap(reader, wrapped=True, cut=False),
        )

    async def _held(self, attempt: Attempt, *, told: bool) -> Left:
        """Read outputs out of a container that waits for that; of one that is told to end, it ends then."""
        pod = self._watch.get(attempt.name)
        release = told or (pod is not None and status_of(pod).deleted)
        run = attempt.run
        try:
            if run.workspace is not None:
                await copy_workspace_out(self._client, attempt.name, run.workspace)
            command = collect_command(run.output_paths, release=release)
            pieces = [data async for data in self._client.run(attempt.name, CONTAINER, command)]
        except ApiFault as fault:
            if fault.status not in (0, 404):
                raise
            now = self._watch.get(attempt.name)
            if now is None or status_of(now).deleted:
                return _lost_with_it(attempt, stopped=now is not None and status_of(now).stopped)
            raise EngineUnavailable(f"the outputs of {attempt.name} cannot be read: {fault}") from fault
        left = parse_collected(b"".join(pieces), run.output_paths)
        if left is None:
            raise EngineUnavailable(f"the outputs of {attempt.name} were not given whole")
        return left

    async def _ended(self, attempt: Attempt, reader: LogReader, status: PodStatus, ending: Ending) -> Outcome:
        report, wrapped = reader.report, attempt.mode == Mode.WRAPPED
        if wrapped and reader.begun and report is None and not status.stopped:
            killed = ending.code == _KILLED and ending.reason is not Reason.OOM_KILLED
            if killed and ending.reason is not Reason.TIMEOUT:
                # The shell is the first process of its container: nothing in there can kill it.
                raise StepLost(f"{attempt.name} was ended from outside (exit code {ending.code})")
        code, reason, words, left = ending.code, ending.reason, ending.words, Left()
        if not wrapped:
            left = _bare(attempt.run, ending)
        elif report is None:
            left = parse_message(ending.message, attempt.run.output_paths) or left
        else:
            if report.refused is not None or report.oom or status.lost is not None:
                # The command knows better.
                code, reason, words = report.code, _reason(report), report.refused or words
            if report.outputs is Whereabouts.HELD:
                left = _lost_with_it(attempt, stopped=status.stopped)
            elif report.outputs is Whereabouts.MESSAGE:
                found = parse_message(ending.message, attempt.run.output_paths)
                if found is None:
                    raise StepLost(f"the outputs of {attempt.name} are not where it left them")
                left = found
        return _outcome(
            attempt,
            code,
            reason,
            words,
            finished_at=reader.ended_at or ending.finished_at,
            image_digest=status.image_digest,
            left=left,
            gap=_gap(reader, wrapped=wrapped, cut=status.stopped or reason is Reason.OOM_KILLED),
        )


def _outcome(
    attempt: Attempt,
    code: int,
    reason: Reason | None,
    words: str | None,
    *,
    finished_at: datetime | None,
    image_digest: str | None,
    left: Left,
    gap: str | None,
) -> Outcome:
    started_at = attempt.started_at
    if finished_at is not None and started_at is not None:
        finished_at = max(finished_at, started_at)
    return Outcome(
        exit_code=code,
        reason=reason,
        error=words,
        started_at=started_at,
        finished_at=finished_at,
        image_digest=image_digest,
        output_file=left.output_file,
        outputs=left.outputs,
        log_gap=gap,
    )


def _suffices(report: Report, reader: LogReader) -> bool:
    """Whether nothing is left to be known from the end of the container, or it waits for us."""
    return report.outputs is Whereabouts.HELD or (report.outputs is not Whereabouts.MESSAGE and reader.whole)


def _stands(report: Report | None) -> bool:
    """Whether a command's own word is good where the cluster knows less, or only that it took the pod away."""
    return report is not None and report.outputs is not Whereabouts.HELD and not (report.told and report.code)


def _reason(report: Report) -> Reason | None:
    if report.refused is not None:
        return Reason.START_FAILED
    if not report.code:
        return None
    return Reason.OOM_KILLED if report.oom else Reason.EXIT_CODE


def _beginning(reader: LogReader) -> str | None:
    if reader.begun:
        return None
    return reader.remark or "the node has kept only the last part of the log"


def _gap(reader: LogReader, *, wrapped: bool, cut: bool) -> str | None:
    if not reader.begun or reader.remark is not None:
        return _beginning(reader) or reader.remark
    if wrapped and not reader.whole and not cut:
        return "the end of the log is missing"
    return None


def _lost_with_it(attempt: Attempt, *, stopped: bool) -> Left:
    if attempt.run.workspace is not None:
        if not stopped:
            raise StepLost(f"the container of {attempt.name} was ended before its workspace could be read")
        return Left()
    file = OutputFile(None, _LOST_WITH_IT)
    return Left(file, dict.fromkeys(attempt.run.output_paths, file))


def _bare(run: ContainerRun, ending: Ending) -> Left:
    message = ending.message if ending.started else ""
    why = OutputFile(None, "it cannot be read: the image has no shell, or the step names no command")
    return Left(OutputFile(message.encode()) if message else None, dict.fromkeys(run.output_paths, why))
