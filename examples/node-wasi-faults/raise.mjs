// A guest raises SIGKILL, in the process of its host.

import { isAlone, report, runAlone, startGuest } from './guest.mjs';

const SIGKILL = 9; // as the specification numbers it

if (isAlone) {
  const errno = startGuest(1).proc_raise(SIGKILL);
  console.log(`the guest got errno ${errno}`);
} else {
  const { signal, stdout } = runAlone();
  report(
    signal === null,
    signal === null ? stdout.trim() : `the process died of ${signal}`,
  );
}
