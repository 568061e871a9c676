"""System calls that Python 3.11 has no words for. They raise ``OSError``, and act on the calling thread."""

from __future__ import annotations

import ctypes
import os

__all__ = [
    "AT_FDCWD",
    "MOUNT_NAMESPACE",
    "MS_BIND",
    "MS_RDONLY",
    "MS_REC",
    "MS_SLAVE",
    "NETWORK_NAMESPACE",
    "RESOLVE_IN_ROOT",
    "RESOLVE_NO_SYMLINKS",
    "USER_NAMESPACE",
    "mount",
    "open_beneath",
    "send_signal",
    "set_namespace",
    "unshare",
]

# From linux/sched.h, linux/mount.h, linux/openat2.h.
MOUNT_NAMESPACE = 0x00020000
NETWORK_NAMESPACE = 0x40000000
USER_NAMESPACE = 0x10000000
MS_RDONLY = 0x1
MS_BIND = 0x1000
MS_REC = 0x4000
MS_SLAVE = 0x80000
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_IN_ROOT = 0x10
AT_FDCWD = -100
_OPENAT2 = 437
_PIDFD_SEND_SIGNAL = 424
"""These two have the same number on every architecture."""

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the namespaces of these kinds for new ones."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def set_namespace(descriptor: int, kind: int) -> None:
    """Enter the namespace behind ``descriptor``; the working directory becomes its root if it is one of mounts."""
    _checked(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str | None = None, *, flags: int = 0, options: str | None = None) -> None:
    """Mount; paths may be those of descriptors under ``/proc/self/fd``."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        os.fsencode(options) if options else None,
    )
    _checked(result, target)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(directory: int, path: str, flags: int, *, resolve: int) -> int:
    """Open ``path`` as ``openat2`` does: ``RESOLVE_IN_ROOT`` takes the directory for the root, of links too."""
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve)
    result = _libc.syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(directory),
        os.fsencode(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    return _checked(result, path)


def send_signal(descriptor: int, number: int) -> None:
    """Signal the process behind a descriptor of ``os.pidfd_open``: that one, or none if it has ended."""
    result = _libc.syscall(
        ctypes.c_long(_PIDFD_SEND_SIGNAL), ctypes.c_int(descriptor), ctypes.c_int(number), None, ctypes.c_uint(0)
    )
    _checked(result, "pidfd_send_signal")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return int(result)
