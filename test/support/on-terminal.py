# Runs a command with a terminal as its stdout, and copies what comes out of it.
#
#   on-terminal.py blocking|nonblocking|unread|gone COMMAND...
#
# `unread`: it blocks, and nobody reads before the command has ended.
# `gone`: the other side is closed before the command starts.

import os
import pty
import subprocess
import sys
import tty

way = sys.argv[1]
master, slave = pty.openpty()
tty.setraw(slave)
os.set_blocking(slave, way != 'nonblocking')
if way == 'gone':
    os.close(master)
command = subprocess.Popen(sys.argv[2:], stdout=slave)
os.close(slave)
if way == 'unread':
    command.wait()
while way != 'gone':
    try:
        data = os.read(master, 65536)
    except OSError:  # EIO: nobody has the terminal open
        break
    sys.stdout.buffer.write(data)
sys.exit(0 if command.wait() == 0 else 1)
