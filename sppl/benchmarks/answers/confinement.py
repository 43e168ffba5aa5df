"""Limits on a process that has no way back from them; its source is handed to Python inside the sandbox.

What namespaces do not part is refused by the kernel: sockets of every family (vsock reaches the host of a virtual
machine whatever the network namespace says), keyrings, tracing, new namespaces, memory that no limit counts.
"""

import ctypes
import os
import platform
import resource
import struct
from typing import Any

_REFUSED = {
    "x86_64": (
        *(41, 101, 310, 311, 312, 438),  # socket, ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd
        *(248, 249, 250),  # add_key, request_key, keyctl
        *(29, 64, 68, 319, 447),  # shmget, semget, msgget, memfd_create, memfd_secret
        *(272, 308, 161, 165, 166, 155, 304),  # unshare, setns, chroot, mount, umount2, pivot_root, open_by_handle_at
        *(298, 321, 323, 425),  # perf_event_open, bpf, userfaultfd, io_uring_setup
        *(
            135,
            163,
            167,
            169,
            175,
            179,
            246,
            313,
        ),  # personality, acct, swapon, reboot, init_module, quotactl, kexec_load
    ),
    "aarch64": (
        *(198, 117, 270, 271, 272, 438),
        *(217, 218, 219),
        *(194, 190, 186, 279, 447),
        *(97, 268, 51, 40, 39, 41, 265),
        *(241, 280, 282, 425),
        *(92, 89, 224, 142, 105, 60, 104, 273),
    ),
}
"""Numbers of the system calls that are refused, by machine."""
_NEWER = (428, 429, 430, 433, 442)  # open_tree, move_mount, fsopen, fspick, mount_setattr
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE3 = 435
"""Said not to exist, as its arguments cannot be looked at; the C library then takes the older call."""
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NOT_PERMITTED, _NOT_THERE = 1, 38


def confine(order: dict[str, Any]) -> None:
    """Lowers the limits that the order names and closes what namespaces leave open.

    Raises:
        OSError: the kernel or the machine knows no such filter; nothing may run then.
    """
    os.chdir("/tmp")
    os.environ.clear()
    for limit, most in (
        (resource.RLIMIT_AS, order["memory"]),
        (resource.RLIMIT_FSIZE, order["disk"]),
        (resource.RLIMIT_CPU, order["seconds"]),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    _filter_calls(platform.machine())


def _filter_calls(machine: str) -> None:
    if machine not in _REFUSED:
        raise OSError(f"no list of system calls for {machine}")
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _ARCHITECTURES[machine]), (_RETURN, 0, 0, _REFUSE | _NOT_PERMITTED)]
    steps += [(_LOAD, 0, 0, 0), (_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _REFUSE | _NOT_PERMITTED)]
    for number in (*_REFUSED[machine], *_NEWER):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | _NOT_PERMITTED)]
    steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _REFUSE | _NOT_THERE), (_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    control = ctypes.CDLL(None, use_errno=True).prctl
    if control(38, 1, 0, 0, 0) or control(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
