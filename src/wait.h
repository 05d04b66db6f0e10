/* Every wait of a guest: for room, for data, for time.
 *
 * V8 cannot end a thread that is in a system call. So a wait is cut in slices:
 * WV_RESUME says that one is over, with nothing decided. The call comes back to
 * the binding, which asks whether the guest is to end, and is made once more
 * with the same arguments. What it has done so far stands in wv_wait. */
#ifndef WV_WAIT_H
#define WV_WAIT_H

#include "abi.h"
#include "sys.h"

/* Not an errno of WASI. */
#define WV_RESUME ((wv_errno)WV_ANSWER_RESUME)

/* The progress of one call, which a wait has cut in slices. */
typedef struct wv_wait {
  int64_t limit;      /* of all waiting: milliseconds, -1 for none */
  uint64_t deadline;  /* of that, once `started`; nanoseconds, monotonic */
  bool started;       /* it has waited */
  uint32_t attempts;  /* of opening, so far */
  uint64_t begun;     /* of poll_oneoff: when it was called, or 0 */
  uint64_t done;      /* bytes that are out, or in */
  uint64_t slice_end; /* 0: there was no wait in this slice */
} wv_wait;

/* Waits until the host descriptor is ready for `events`, WV_SYS_POLL_READ or
 * _WRITE, or has failed, which the next system call shows.
 * EAGAIN: time is up. WV_RESUME. */
wv_errno wv_wait_ready(wv_wait *wait, int host_fd, uint8_t events);

/* Between two steps of a call that goes on without waiting: WV_RESUME once the
 * slice is over. Else a reader that always makes room would keep the guest from
 * ending. */
wv_errno wv_wait_turn(wv_wait *wait);

/* Waits until the read end of a FIFO that was opened for the guest has a
 * writer, or had one that went. POSIX has open(2) wait for it.
 * EAGAIN: time is up. WV_RESUME. */
wv_errno wv_wait_writer(wv_wait *wait, int host_fd);

/* Waits a little before a file is opened again: 1, 2, 4 … 20 milliseconds.
 * EAGAIN: time is up. WV_RESUME: it was waited for, and the slice is over. */
wv_errno wv_wait_open(wv_wait *wait);

/* Waits for one of `fds` or for `deadline`, whichever is first; what is ready
 * is found also after the deadline. The deadline is on WV_CLOCK_REALTIME or
 * WV_CLOCK_MONOTONIC, in nanoseconds; UINT64_MAX for none. How many of `fds`
 * are ready goes to `*ready`. WV_RESUME. */
wv_errno wv_wait_poll(wv_wait *wait, wv_sys_pollfd *fds, uint32_t count,
                      uint32_t clock, uint64_t deadline, uint32_t *ready);

#endif
