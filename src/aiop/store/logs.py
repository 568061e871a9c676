"""Log batches as rows: the lines of a batch are one compressed value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import zstandard
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.model.ids import ExecutionId, StepId
from aiop.model.records import LogBatch, LogLine, Stream
from aiop.store import tables
from aiop.store.codec import AnyRow, clean, micros, moment

__all__ = ["LogCodec", "tail_start"]

_PLAIN = 0
_ZSTD = 1
_WORTH_COMPRESSING = 512
_STREAMS = (Stream.STDOUT, Stream.STDERR, Stream.SYSTEM)
_CODES = {stream: code for code, stream in enumerate(_STREAMS)}
_TAIL_CHUNK = 256


class LogCodec:
    """Keeps its compressors, as making one costs more than a small batch; for one thread."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._decompressor = zstandard.ZstdDecompressor()

    def row(self, execution: ExecutionId, batch: LogBatch) -> dict[str, Any]:
        """Encode a batch; ``size`` is that of the text in UTF-8, so that a reader can choose without decoding."""
        texts = [clean(line.text) or "" for line in batch.lines]
        plain = orjson.dumps(
            [(micros(line.at), _CODES[line.stream], text) for line, text in zip(batch.lines, texts, strict=True)]
        )
        compress = len(plain) >= _WORTH_COMPRESSING
        return {
            "execution_id": execution,
            "seq": batch.seq,
            "step": batch.step,
            "fan_index": batch.index,
            "attempt": batch.attempt,
            "size": sum(len(text) if text.isascii() else len(text.encode()) for text in texts),
            "encoding": _ZSTD if compress else _PLAIN,
            "lines": self._compressor.compress(plain) if compress else plain,
        }

    def batch(self, row: AnyRow) -> LogBatch:
        """Decode a row."""
        return LogBatch(
            seq=row.seq, step=StepId(row.step), index=row.fan_index, attempt=row.attempt, lines=self.lines(row)
        )

    def lines(self, row: AnyRow) -> tuple[LogLine, ...]:
        """Decode the lines of a row."""
        plain = self._decompressor.decompress(row.lines) if row.encoding == _ZSTD else row.lines
        return tuple(LogLine(moment(at), _STREAMS[code], text) for at, code, text in orjson.loads(plain))

    def batches(self, rows: Sequence[AnyRow]) -> Sequence[LogBatch]:
        """Decode rows."""
        return [self.batch(row) for row in rows]


async def tail_start(tx: AsyncConnection, execution: ExecutionId, size: int) -> int:
    """Find the highest ``seq`` from which on the batches hold ``size`` bytes; 0 if all together hold less."""
    newest = select(tables.logs.c.seq, tables.logs.c.size).where(tables.logs.c.execution_id == execution)
    newest = newest.order_by(tables.logs.c.seq.desc()).limit(_TAIL_CHUNK)
    rows: Sequence[AnyRow] = (await tx.execute(newest)).all()
    while rows:
        for seq, held in rows:
            size -= held
            if size <= 0:
                return int(seq)
        rows = (await tx.execute(newest.where(tables.logs.c.seq < rows[-1].seq))).all()
    return 0
