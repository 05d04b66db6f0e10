# Runs a command and talks to it: waits for PROMPT on its stdout, and only then
# sends ANSWER and a newline. Copies what the command writes.
#
#   answer.py pipe|terminal PROMPT ANSWER COMMAND...

import os
import pty
import subprocess
import sys
import tty

way, prompt, answer, *command = sys.argv[1:]
prompt = prompt.encode()
answer = answer.encode() + b'\n'


def connect():
    """Descriptors: to read and to write here, stdin and stdout of the command."""
    if way == 'terminal':
        master, slave = pty.openpty()
        tty.setraw(slave)
        return master, master, slave, slave
    stdin, send = os.pipe()
    receive, stdout = os.pipe()
    return receive, send, stdin, stdout


def read():
    try:
        return os.read(receive, 65536)
    except OSError:  # EIO: nobody has the terminal open
        return b''


receive, send, stdin, stdout = connect()
process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
for descriptor in {stdin, stdout}:
    os.close(descriptor)

output = b''
answered = False
while True:
    data = read()
    if not data:
        break
    output += data
    if output.endswith(prompt) and not answered:
        os.write(send, answer)
        answered = True
sys.stdout.buffer.write(output)
sys.exit(0 if process.wait() == 0 else 1)
