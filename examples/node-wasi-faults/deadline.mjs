// A guest sleeps until a time of the monotonic clock, in 50 ms.

import { isAlone, report, runAlone, startGuest } from './guest.mjs';

const SUBSCRIPTION = 64;
const EVENT = 256;
const COUNT = 512;
const MONOTONIC = 1;
const ABSTIME = 1;

if (isAlone) {
  const { memory, poll_oneoff: pollOneoff } = startGuest(1);
  const data = new DataView(memory.buffer);
  const deadline = process.hrtime.bigint() + 50_000_000n;
  data.setUint32(SUBSCRIPTION + 16, MONOTONIC, true);
  data.setBigUint64(SUBSCRIPTION + 24, deadline, true);
  data.setUint16(SUBSCRIPTION + 40, ABSTIME, true);
  pollOneoff(SUBSCRIPTION, EVENT, 1, COUNT);
  console.log('the time has come');
} else {
  const { signal, stdout } = runAlone();
  report(
    signal === null,
    signal === null ? stdout.trim() : 'it still sleeps after 3 seconds',
  );
}
