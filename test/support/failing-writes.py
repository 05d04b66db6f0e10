# Runs a command in which write(2) and pwrite(2) on descriptor 3 fail: the errno
# is the number of bytes. A seccomp filter makes the kernel do it. Exits with 77
# where there can be none.
#
#   failing-writes.py COMMAND...

import ctypes
import os
import platform
import struct
import sys

SYSCALLS = {  # audit architecture, write, pwrite64
    'x86_64': (0xc000003e, 1, 18),
    'aarch64': (0xc00000b7, 64, 68),
}
FD = 3

PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
MODE_FILTER = 2
ALLOW = 0x7fff0000
ERRNO = 0x00050000

# Of struct seccomp_data.
NUMBER, ARCHITECTURE, FIRST, THIRD = 0, 4, 16, 32

LOAD, EQUAL, OR, RETURN, RETURN_A = 0x20, 0x15, 0x44, 0x06, 0x16


def program(architecture, write, pwrite):
    allow = 9  # the index of the line that allows; jumps count from behind
    lines = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, allow - 2, architecture),
        (LOAD, 0, 0, NUMBER),
        (EQUAL, 1, 0, write),
        (EQUAL, 0, allow - 5, pwrite),
        (LOAD, 0, 0, FIRST),
        (EQUAL, 0, allow - 7, FD),
        (LOAD, 0, 0, THIRD),
        (EQUAL, 0, 1, 0),
        (RETURN, 0, 0, ALLOW),
        (OR, 0, 0, ERRNO),
        (RETURN_A, 0, 0, 0),
    ]
    return b''.join(struct.pack('HBBI', *line) for line in lines), len(lines)


def install():
    if platform.machine() not in SYSCALLS:
        return False
    code, count = program(*SYSCALLS[platform.machine()])
    memory = ctypes.create_string_buffer(code)
    header = struct.pack('HxxxxxxP', count, ctypes.addressof(memory))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and
            prctl(PR_SET_SECCOMP, MODE_FILTER,
                  ctypes.c_char_p(header), 0, 0) == 0)


if not install():
    sys.exit(77)
os.execvp(sys.argv[1], sys.argv[1:])
