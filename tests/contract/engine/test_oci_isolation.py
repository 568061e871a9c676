"""What a container of the embedded engine can see and do of the machine and of others: nothing."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiop.engines.oci.drain import Relief
from aiop.engines.oci.network import Network as ContainerNetwork
from aiop.engines.oci.network import Socket
from aiop.errors import EngineUnavailable
from aiop.model.definition import Network, Resources
from aiop.model.run import HostMount, VolumeMount
from aiop.model.state import Reason
from contract.engine.subject import OciSubject, Output, needs
from oci_lab import OciLab, left_by

pytestmark = pytest.mark.oci


@pytest.fixture
async def subject(oci_lab: OciLab, tmp_path: Path) -> AsyncIterator[OciSubject]:
    made = OciSubject(oci_lab, directory=tmp_path)
    yield made
    await made.aclose()
    assert left_by(made.root) == []


async def said(subject: OciSubject, text: str, **more: object) -> list[str]:
    """What the container writes."""
    output = Output()
    await subject.outcome(subject.run(text, **more), output)
    return (output.stdout + output.stderr).decode().splitlines()


def own_addresses() -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))
        return [probe.getsockname()[0], "127.0.0.1"]


async def test_only_its_own_processes_are_seen(subject: OciSubject) -> None:
    run, release = subject.gated()
    key = subject.key()
    await subject.engine.start(key, run, Output())
    found = await said(subject, "cat /proc/[0-9]*/comm")
    assert found == ["init", "cat"]  # the shell has become it
    release()
    await subject.engine.wait(key)


async def test_files_of_the_machine_and_of_others_are_not_seen(subject: OciSubject) -> None:
    assert await said(subject, "echo mine > /tmp/left; ls /tmp") == ["left"]
    assert await said(subject, f"ls /tmp; ls {subject.root} 2>&1 || true") == [
        f"ls: {subject.root}: No such file or directory"
    ]


async def test_services_of_the_machine_cannot_be_reached(subject: OciSubject) -> None:
    reached = []

    def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(writer.get_extra_info("sockname"))
        writer.close()

    async with await asyncio.start_server(close, "0.0.0.0", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        script = (
            "gateway=$(ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'); test -n \"$gateway\" && echo tried\n"
            f"for address in $gateway {' '.join(own_addresses())}; do nc -w 1 $address {port} </dev/null & done; wait"
        )
        assert "tried" in await said(subject, script, network=Network.DEFAULT)
    assert reached == []


async def test_other_containers_cannot_be_reached(subject: OciSubject) -> None:
    key, output = subject.key(), Output()
    serving = "ip -4 addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'; nc -l -p 7000 -e echo reached"
    await subject.engine.start(key, subject.run(serving, network=Network.DEFAULT), output)
    waiting = asyncio.create_task(subject.engine.wait(key))
    await output.shows(b"\n")
    address = output.stdout.decode().split()[0]
    assert await said(subject, f"nc -w 1 {address} 7000 </dev/null", network=Network.DEFAULT) == ["nc: timed out"]
    await subject.engine.remove(key)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_without_a_network_there_is_the_loopback_only(subject: OciSubject) -> None:
    assert await said(subject, "ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo up") == ["lo", "up"]


@pytest.mark.parametrize(
    "text",
    [
        "mount -t tmpfs none /mnt",
        "mount --bind /proc /tmp",
        "mount -o remount,rw /proc/sys",
        "unshare -m true",
        ": >> /proc/sys/kernel/panic",
        ": >> /proc/sysrq-trigger",
        "echo 100 > $(find /sys/fs/cgroup -name pids.max | head -n 1)",
        # Whatever else is said of a disk that may be there or not.
        "{ mknod /tmp/disk b 7 0 && head -c 1 /tmp/disk && echo read; } 2>&1 | grep -v permitted",
        "grep -q . /proc/interrupts",
        # A kernel that has no modules would say so, and one that has them that there is none of this name.
        "rmmod aiop-none 2>&1 | grep -v permitted",
        "hostname changed",
        "ip link set lo down",
        "chroot /proc/1/root true",
    ],
)
async def test_what_is_not_allowed_fails(subject: OciSubject, text: str) -> None:
    if text.startswith("chroot"):
        # This one is allowed, and leads nowhere else.
        assert await said(subject, "chroot /proc/1/root ls /aiop /.aiop") == ["/.aiop:", "init", "", "/aiop:"]
        return
    outcome = await subject.outcome(subject.run(f"mkdir -p /mnt; {text}"))
    assert outcome.exit_code not in (0, 127, None)


async def test_a_fork_without_end_is_held(subject: OciSubject) -> None:
    # Each waits at the pipe, and is a shell still: to become a program would take most of the time.
    text = "mkfifo /tmp/gate; n=0; while [ $n -lt 5000 ]; do { read -r _ </tmp/gate; } & n=$((n+1)); done"
    found = await said(subject, text)
    assert any("fork" in line for line in found)


async def test_a_child_that_takes_too_much_memory_is_its_own_reason_too(subject: OciSubject) -> None:
    needs(subject, "memory_limit")
    text = "dd if=/dev/zero of=/dev/null bs=200M count=1; exit 5"
    outcome = await subject.outcome(subject.run(text, resources=Resources(memory_bytes=32 * 1024 * 1024)))
    assert (outcome.exit_code, outcome.reason) == (5, Reason.OOM_KILLED)


async def test_memory_in_files_of_shm_counts(subject: OciSubject) -> None:
    needs(subject, "memory_limit")
    text = "dd if=/dev/zero of=/dev/shm/x bs=1M count=60"
    outcome = await subject.outcome(subject.run(text, resources=Resources(memory_bytes=32 * 1024 * 1024)))
    assert outcome.reason is Reason.OOM_KILLED


async def test_a_link_in_a_volume_leads_into_the_container_only(subject: OciSubject) -> None:
    secret = subject.directory / "secret"
    secret.write_text("of this machine")
    volume = VolumeMount("links", "/data", read_only=False)
    paths = {"file": "/data/file", "up": "/data/up"}
    run = subject.run(
        f"ln -s {secret} /data/file; ln -s ../../../../../..{secret} /data/up; ln -s / /data/dir",
        mounts=(volume,),
        output_paths=paths,
    )
    assert (await subject.outcome(run)).outputs == {}
    put = subject.run("ls /tmp /put", mounts=(volume,), files={"/data/dir/put": b"x"})
    await subject.outcome(put)
    assert not Path("/put").exists()


async def test_a_host_directory_that_has_become_a_link_is_refused(subject: OciSubject) -> None:
    elsewhere, shared = subject.directory / "elsewhere", subject.directory / "shared"
    elsewhere.mkdir()
    shared.symlink_to(elsewhere)
    mount = HostMount(str(shared), "/data", read_only=False)
    outcome = await subject.outcome(subject.run("touch /data/x", mounts=(mount,)))
    assert outcome.reason is Reason.START_FAILED
    assert list(elsewhere.iterdir()) == []


async def test_the_output_file_is_not_followed_out_of_the_container(subject: OciSubject) -> None:
    secret = subject.directory / "secret"
    secret.write_text("of this machine")
    outcome = await subject.outcome(subject.run(f"ln -s {secret} $AIOP_OUTPUT"))
    assert outcome.output_file is not None
    assert outcome.output_file.content is None
    outcome = await subject.outcome(subject.run(f"rm -r /aiop; ln -s {subject.directory} /aiop"))
    assert outcome.output_file is None


async def test_another_user_has_no_capabilities(subject: OciSubject) -> None:
    found = await said(subject, "grep -E 'Cap(Prm|Eff|Inh|Amb)' /proc/self/status", user="1000")
    assert [line.split()[1] for line in found] == ["0" * 16] * 4


async def test_system_calls_are_filtered(subject: OciSubject) -> None:
    assert await said(subject, "grep ^Seccomp: /proc/self/status") == ["Seccomp:\t2"]


async def test_a_new_volume_begins_with_what_the_image_has_there(subject: OciSubject) -> None:
    volume = VolumeMount("begun", "/etc", read_only=False)
    assert "worker" in "".join(await said(subject, "cat /etc/passwd", mounts=(volume,)))


async def test_writing_to_standard_error_by_its_name_cuts_nothing(subject: OciSubject) -> None:
    found = await said(subject, "echo a; echo b >/dev/stdout; echo c >/dev/stdout; echo d", user="0")
    assert found == ["a", "b", "c", "d"]


async def test_a_container_that_takes_its_user_from_nowhere_is_not_started(subject: OciSubject) -> None:
    outcome = await subject.outcome(subject.run("true", user="nobody-knows"))
    assert (outcome.exit_code, outcome.reason) == (None, Reason.START_FAILED)
    assert "nobody-knows" in (outcome.error or "")


async def test_nothing_of_a_container_stays_on_the_machine(subject: OciSubject) -> None:
    def cgroups() -> set[str]:
        return {place.parent.name for place in Path("/sys/fs/cgroup").glob("**/cgroup.procs")}

    await subject.outcome(subject.run("sleep 100 & exit 3"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    await subject.outcome(subject.run("sleep 100 & exit 3"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not cgroups() & {key.name for key in subject.keys}


async def test_a_start_that_this_machine_has_no_room_for_gives_its_network_back(
    subject: OciSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace, given_back = os.open("/proc/self/ns/net", os.O_RDONLY), []

    async def take(_: ContainerNetwork) -> Socket:
        return Socket(namespace, "10.0.0.2")

    def stand_by(_: Relief) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(ContainerNetwork, "take", take)
    monkeypatch.setattr(ContainerNetwork, "give_back", lambda _, address: given_back.append(address))
    monkeypatch.setattr(Relief, "stand_by", stand_by)
    key, run = subject.key(), subject.run("true", network=Network.DEFAULT)
    with pytest.raises(EngineUnavailable, match="Too many open files"):
        await subject.engine.start(key, run, Output())
    assert given_back == ["10.0.0.2"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(namespace)
