# Runs a command whose stdout keeps each write apart from the next, and prints
# what each one wrote as a line of JSON.

import json
import socket
import subprocess
import sys

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
command = subprocess.Popen(sys.argv[1:], stdout=theirs)
theirs.close()
while packet := ours.recv(65536):
    print(json.dumps(packet.decode()))
sys.exit(command.wait())
