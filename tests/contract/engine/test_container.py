"""What a container is given, what it may not do, and what it leaves behind."""

import pytest

from aiop.engines.fake import Save, Script
from aiop.model.definition import Network, PullPolicy, Resources
from aiop.model.run import OUTPUT_LIMIT, ContainerRun, HostMount, VolumeMount
from aiop.model.state import Reason
from contract.engine.subject import Output, Subject, needs, needs_real_containers


async def said(subject: Subject, run: ContainerRun) -> str:
    """What the container writes; it must succeed."""
    output = Output()
    outcome = await subject.outcome(run, output)
    assert outcome.succeeded, (outcome, output.pieces)
    return output.stdout.decode().strip()


# --- what it is given ---------------------------------------------------------------------------------------


async def test_the_environment_is_given_as_it_is(subject: Subject) -> None:
    value = "a b;$HOME 'x' \"y\" = ü"
    assert await said(subject, subject.run('echo "$NAME"', environment={"NAME": value})) == value


async def test_args_take_the_place_of_the_default_command(subject: Subject) -> None:
    needs_real_containers(subject)
    run = ContainerRun(subject.image, command=("echo", "one"), args=("two",), network=Network.NONE)
    assert await said(subject, run) == "one two"


async def test_the_working_directory_is_made_and_used(subject: Subject) -> None:
    needs_real_containers(subject)
    assert await said(subject, subject.run("pwd", working_dir="/some/where")) == "/some/where"


@pytest.mark.parametrize(("user", "expected"), [("1000:1000", "1000 1000"), ("worker", "1000 1000"), (None, "0 0")])
async def test_the_user_is_set(subject: Subject, user: str | None, expected: str) -> None:
    needs_real_containers(subject)
    if user is not None and not user[0].isdigit():
        needs(subject, "user_names")
    assert await said(subject, subject.run("echo $(id -u) $(id -g)", user=user)) == expected


async def test_files_are_there_with_their_directories(subject: Subject) -> None:
    needs(subject, "files")
    run = subject.run("cat /deep/down/a /b", files={"/deep/down/a": b"one\n", "/b": b"two\n"})
    assert await said(subject, run) == "one\ntwo"


async def test_files_can_be_read_by_any_user_and_scripts_be_run(subject: Subject) -> None:
    needs_real_containers(subject)
    files = {"/opt/run.sh": b"#!/bin/sh\ncat /opt/data\n", "/opt/data": b"here\n"}
    assert await said(subject, subject.run("/opt/run.sh", files=files, user="1000")) == "here"


async def test_files_do_not_change_directories_that_are_there(subject: Subject) -> None:
    needs_real_containers(subject)
    run = subject.run("stat -c %a /tmp", files={"/tmp/x": b"x"})
    assert await said(subject, run) == "1777"


async def test_a_host_directory_can_be_written_to(subject: Subject) -> None:
    needs(subject, "host_mounts")
    mount = HostMount(str(subject.directory), "/data", read_only=False)
    await said(subject, subject.run("echo found > /data/file", mounts=(mount,)))
    assert (subject.directory / "file").read_text() == "found\n"


async def test_a_read_only_host_directory_cannot_be_written_to(subject: Subject) -> None:
    needs(subject, "host_mounts")
    (subject.directory / "file").write_text("kept")
    mount = HostMount(str(subject.directory), "/data", read_only=True)
    outcome = await subject.outcome(subject.run("cat /data/file && echo x > /data/file", mounts=(mount,)))
    assert outcome.exit_code == 1
    assert (subject.directory / "file").read_text() == "kept"


async def test_a_host_directory_that_is_not_there_fails_the_start(subject: Subject) -> None:
    needs(subject, "host_mounts")
    absent = subject.directory / "absent"
    mount = HostMount(str(absent), "/data", read_only=False)
    outcome = await subject.outcome(subject.run("true", mounts=(mount,)))
    assert (outcome.exit_code, outcome.reason) == (None, Reason.START_FAILED)
    assert str(absent) in (outcome.error or "")
    assert not absent.exists()


async def test_a_named_volume_passes_from_one_container_to_the_next(subject: Subject) -> None:
    needs(subject, "named_volumes")
    volume = f"aiop-test-{subject.key().execution}"
    try:
        mount = VolumeMount(volume, "/data", read_only=False)
        await said(subject, subject.run("echo passed > /data/file", mounts=(mount,)))
        assert await said(subject, subject.run("cat /data/file", mounts=(mount,))) == "passed"
    finally:
        await subject.remove_volume(volume)


async def test_a_read_only_volume_cannot_be_written_to(subject: Subject) -> None:
    needs(subject, "read_only_volumes")
    volume = f"aiop-test-{subject.key().execution}"
    try:
        await said(
            subject, subject.run("echo kept > /data/file", mounts=(VolumeMount(volume, "/data", read_only=False),))
        )
        read_only = VolumeMount(volume, "/data", read_only=True)
        assert await said(subject, subject.run("cat /data/file", mounts=(read_only,))) == "kept"
        assert (await subject.outcome(subject.run("echo x > /data/file", mounts=(read_only,)))).exit_code == 1
    finally:
        await subject.remove_volume(volume)


async def test_an_output_can_be_declared_in_a_named_volume(subject: Subject) -> None:
    needs(subject, "named_volumes")
    volume = f"aiop-test-{subject.key().execution}"
    try:
        mount = VolumeMount(volume, "/data", read_only=False)
        run = subject.run("echo v > /data/out", mounts=(mount,), output_paths={"out": "/data/out"})
        assert (await subject.outcome(run)).outputs["out"].content == b"v\n"
    finally:
        await subject.remove_volume(volume)


# --- what it may not do -------------------------------------------------------------------------------------


async def test_memory_is_limited(subject: Subject) -> None:
    needs(subject, "memory_limit")
    text = "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    run = subject.run(text, resources=Resources(memory_bytes=64 * 1024 * 1024))
    assert int(await said(subject, run)) == 64 * 1024 * 1024


async def test_too_much_memory_is_its_own_reason(subject: Subject) -> None:
    needs(subject, "memory_limit")
    text = "dd if=/dev/zero of=/dev/null bs=200M count=1"
    outcome = await subject.outcome(subject.run(text, resources=Resources(memory_bytes=32 * 1024 * 1024)))
    assert (outcome.exit_code, outcome.reason) == (137, Reason.OOM_KILLED)


async def test_processors_are_limited(subject: Subject) -> None:
    needs(subject, "cpu_limit")
    text = (
        "cat /sys/fs/cgroup/cpu.max 2>/dev/null"
        " || echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)"
    )
    quota, period = (await said(subject, subject.run(text, resources=Resources(cpu_millis=500)))).split()
    assert int(quota) / int(period) == 0.5


async def test_processes_are_limited(subject: Subject) -> None:
    needs(subject, "process_limit")
    text = (
        "cat /sys/fs/cgroup/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/pids.max 2>/dev/null ||"
        " sed -n 's/Max processes *\\([0-9]*\\).*/\\1/p' /proc/self/limits"
    )
    assert int(await said(subject, subject.run(text))) == 4096


async def test_no_process_can_gain_privileges(subject: Subject) -> None:
    needs(subject, "no_new_privileges")
    assert (await said(subject, subject.run("grep NoNewPrivs /proc/self/status"))).split() == ["NoNewPrivs:", "1"]


async def test_network_none_is_loopback_only(subject: Subject) -> None:
    needs(subject, "network_none")
    assert (await said(subject, subject.run("ls /sys/class/net"))).split() == ["lo"]


async def test_there_is_a_network_by_default(subject: Subject) -> None:
    needs(subject, "network_none")
    assert "eth0" in (await said(subject, subject.run("ls /sys/class/net", network=Network.DEFAULT))).split()


# --- what it leaves behind ----------------------------------------------------------------------------------


async def test_what_is_at_aiop_output_is_handed_back(subject: Subject) -> None:
    outcome = await subject.outcome(subject.run("echo a=1 >> $AIOP_OUTPUT; echo b=2 >> $AIOP_OUTPUT; exit 1"))
    assert outcome.exit_code == 1
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"a=1\nb=2\n"


async def test_without_an_output_file_there_is_none(subject: Subject) -> None:
    assert (await subject.outcome(subject.run("true"))).output_file is None


async def test_any_user_can_write_to_aiop_output(subject: Subject) -> None:
    needs_real_containers(subject)
    outcome = await subject.outcome(subject.run("umask 077; echo a=1 >> $AIOP_OUTPUT", user="1000"))
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"a=1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ln -s /etc/passwd $AIOP_OUTPUT", "regular"),
        ("ln -s /nowhere $AIOP_OUTPUT", "regular"),
        ("mkdir $AIOP_OUTPUT", "regular"),
        ("mkfifo $AIOP_OUTPUT", "regular"),
        ("truncate -s 100M $AIOP_OUTPUT", "larger"),
    ],
)
async def test_what_is_no_file_of_a_fair_size_is_refused(subject: Subject, text: str, words: str) -> None:
    needs_real_containers(subject)
    outcome = await subject.outcome(subject.run(text))
    assert outcome.exit_code == 0
    assert outcome.output_file is not None
    assert outcome.output_file.content is None
    assert words in (outcome.output_file.error or "")


async def test_declared_paths_are_handed_back_if_they_exist(subject: Subject) -> None:
    run = subject.run("echo one > /out.txt; exit 2", output_paths={"there": "/out.txt", "absent": "/no/such"})
    outcome = await subject.outcome(run)
    assert outcome.exit_code == 2
    assert {name: file.content for name, file in outcome.outputs.items()} == {"there": b"one\n"}


async def test_a_declared_path_may_be_of_the_largest_size_and_no_larger(subject: Subject) -> None:
    script = Script(acts=(Save("/fits", bytes(OUTPUT_LIMIT)), Save("/over", bytes(OUTPUT_LIMIT + 1))))
    text = f"head -c {OUTPUT_LIMIT} /dev/zero > /fits; head -c {OUTPUT_LIMIT + 1} /dev/zero > /over"
    run = subject.run(text, script=script, output_paths={"fits": "/fits", "over": "/over"})
    outputs = (await subject.outcome(run)).outputs
    assert outputs["fits"].content == bytes(OUTPUT_LIMIT)
    assert outputs["over"].content is None
    assert "larger" in (outputs["over"].error or "")


async def test_a_link_at_a_declared_path_is_followed_inside_the_container(subject: Subject) -> None:
    needs_real_containers(subject)
    (subject.directory / "secret").write_text("of the host")
    text = (
        "mkdir -p /a/b && echo inside > /a/b/file && ln -s ../b/file /a/b/link && ln -s /a/b/link /second"
        f" && ln -s {subject.directory}/secret /escape && mkdir /dir"
    )
    paths = {"second": "/second", "escape": "/escape", "directory": "/dir"}
    outputs = (await subject.outcome(subject.run(text, output_paths=paths))).outputs
    assert outputs["second"].content == b"inside\n"
    assert "regular" in (outputs["directory"].error or "")
    assert "escape" not in outputs or outputs["escape"].content is None


async def test_an_output_can_be_declared_in_a_volume(subject: Subject) -> None:
    needs(subject, "host_mounts")
    mount = HostMount(str(subject.directory), "/data", read_only=False)
    run = subject.run("echo v > /data/out", mounts=(mount,), output_paths={"out": "/data/out"})
    assert (await subject.outcome(run)).outputs["out"].content == b"v\n"


# --- what it would run --------------------------------------------------------------------------------------


async def test_the_digest_of_an_image_is_that_of_what_ran(subject: Subject) -> None:
    digest = await subject.engine.resolve(subject.image, pull=PullPolicy.MISSING, credentials=None)
    assert digest == (await subject.outcome(subject.run("true"))).image_digest
