/* Every wait of a guest: for room, for data, for time. */
#ifndef WV_WAIT_H
#define WV_WAIT_H

#include "guest.h"
#include "sys.h"

/* How long a call may wait in all. Set with wv_wait_limit. */
typedef struct wv_wait {
  int64_t limit;     /* milliseconds, -1 for none */
  uint64_t deadline; /* nanoseconds on the monotonic clock, once `started` */
  bool started;
} wv_wait;

static inline wv_wait wv_wait_limit(int64_t milliseconds) {
  return (wv_wait){.limit = milliseconds, .deadline = 0, .started = false};
}

/* Waits until the host descriptor is ready for `events`, WV_SYS_POLL_READ or
 * _WRITE, or has failed, which the next system call shows.
 * EAGAIN: time is up. */
wv_errno wv_wait_ready(wv_wait *wait, int host_fd, uint8_t events);

/* Waits until the read end of a FIFO that was opened for the guest has a
 * writer, or had one that went. POSIX has open(2) wait for it. EAGAIN: time is
 * up. */
wv_errno wv_wait_writer(wv_wait *wait, int host_fd);

/* Waits a little before a FIFO without a reader is opened again to write: 1, 2,
 * 4 … 20 milliseconds. `attempt` counts from 0. EAGAIN: time is up. */
wv_errno wv_wait_reader(wv_wait *wait, uint32_t attempt);

/* Waits for one of `fds` or for `deadline`, whichever is first; what is ready
 * is found also after the deadline. The deadline is
 * on WV_CLOCK_REALTIME or WV_CLOCK_MONOTONIC, in nanoseconds; UINT64_MAX for
 * none. How many of `fds` are ready goes to `*ready`. */
wv_errno wv_wait_poll(wv_sys_pollfd *fds, uint32_t count, uint32_t clock,
                      uint64_t deadline, uint32_t *ready);

#endif
