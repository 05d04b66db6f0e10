# Copies a pipe on stdin to stdout, in its own way.
#
#   reader.py late            begins when the pipe is full
#   reader.py after FILE      begins when there is such a file
#   reader.py slow            takes little at a time and dawdles
#   reader.py part COUNT      takes COUNT bytes, and goes
#   reader.py signals FILE    begins when the pipe is full and the process whose
#                             id is in FILE got signals for a while

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time

F_GETPIPE_SZ = 1032


def waiting():
    answer = fcntl.ioctl(0, termios.FIONREAD, struct.pack('i', 0))
    return struct.unpack('i', answer)[0]


def hung_up():
    poll = select.poll()
    poll.register(0, 0)
    return bool(poll.poll(0))


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition() and not hung_up() and time.monotonic() < end:
        time.sleep(0.001)


# The ends of pages can stay unused: so a pipe is full when there is much in it
# and no more comes.
def is_full():
    before = waiting()
    if before < fcntl.fcntl(0, F_GETPIPE_SZ) * 7 // 8:
        return False
    time.sleep(0.02)
    return waiting() == before


def copy(chunk, limit=None, pause=0):
    while limit is None or limit > 0:
        data = os.read(0, chunk if limit is None else min(chunk, limit))
        if not data:
            break
        sys.stdout.buffer.write(data)
        if limit is not None:
            limit -= len(data)
        time.sleep(pause)


way = sys.argv[1]
if way == 'late':
    wait_until(is_full)
    copy(65536)
elif way == 'after':
    wait_until(lambda: os.path.exists(sys.argv[2]))
    copy(65536)
elif way == 'slow':
    copy(8192, pause=0.0005)
elif way == 'part':
    copy(4096, limit=int(sys.argv[2]))
elif way == 'signals':
    wait_until(is_full)
    with open(sys.argv[2], encoding='ascii') as file:
        writer = int(file.read())
    for _ in range(50):
        os.kill(writer, signal.SIGUSR2)
        time.sleep(0.001)
    copy(65536)
