# Says whether another process has a lock on the file that is named.

import fcntl
import sys

with open(sys.argv[1], 'r+') as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        print('free')
    except BlockingIOError:
        print('locked')
