# Runs a command with a Unix socket as its stdout, that nobody reads before the
# command has ended, and copies what it wrote.

import socket
import subprocess
import sys

ours, theirs = socket.socketpair()
command = subprocess.Popen(sys.argv[1:], stdout=theirs)
theirs.close()
status = command.wait()
while data := ours.recv(65536):
    sys.stdout.buffer.write(data)
sys.exit(status)
