"""What the log of a container is taken apart into."""

import pytest

from aiop.engines.kubernetes.output import Delivery, LogReader
from aiop.model.records import Stream
from unit.engines.kubernetes.subject import Heard

ENDS = {
    "stdout": b"2030-01-01T00:00:01Z Tr 3 e n \n",
    "stderr": b"2030-01-01T00:00:01Z Telast\n2030-01-01T00:00:01Z TeTf\n",
}


@pytest.mark.parametrize("first", ENDS)
def test_a_log_is_whole_when_both_streams_have_ended(first: str) -> None:
    heard = Heard()
    reader = LogReader(Delivery(heard), "T")
    reader.feed(b"2030-01-01T00:00:00Z Tb\n2030-01-01T00:00:00Z out\n")
    reader.feed(ENDS[first])
    assert not reader.whole
    reader.feed(ENDS["stderr" if first == "stdout" else "stdout"])
    assert reader.whole
    assert heard.text == {Stream.STDOUT: b"out\n", Stream.STDERR: b"last\n"}


def test_where_stderr_has_no_marks_the_end_of_stdout_is_that_of_the_log() -> None:
    reader = LogReader(Delivery(Heard()), "T")
    reader.feed(b"2030-01-01T00:00:00Z Tb\n2030-01-01T00:00:01Z Tr 0 - n \n")
    assert reader.whole
