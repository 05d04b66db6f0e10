/* Every wait of a guest: for room, for data, for time.
 *
 * V8 cannot end a thread that is in a system call. So a wait is cut into
 * slices, after each of which the call returns WV_RESUME. The binding asks V8
 * whether the guest goes on, and JS makes the call again with the same
 * arguments. wv_wait keeps its progress. */
#ifndef WV_WAIT_H
#define WV_WAIT_H

#include "abi.h"
#include "sys.h"

/* Not an errno of WASI. */
#define WV_RESUME ((wv_errno)WV_ANSWER_RESUME)

/* The progress of a call that may be cut into slices. */
typedef struct wv_wait {
  int64_t limit;     /* on all waiting of the call: milliseconds, -1 for none */
  uint64_t deadline; /* of the limit, if started: monotonic, nanoseconds */
  bool started;      /* the call has waited */
  uint32_t attempts; /* pauses so far */
  uint64_t begun;    /* when poll_oneoff was called, or 0 */
  uint64_t done;     /* bytes written or read */
  uint64_t slice_end; /* 0: no wait in this slice yet */
} wv_wait;

/* Waits until the host descriptor is ready for `events`, WV_SYS_POLL_READ or
 * _WRITE, or has failed, which the next system call shows.
 * EAGAIN: time is up. WV_RESUME. */
wv_errno wv_wait_ready(wv_wait *wait, int host_fd, uint8_t events);

/* Called between two steps of a call that makes progress. WV_RESUME once the
 * slice is over: a fast reader must not keep the guest from ending. */
wv_errno wv_wait_turn(wv_wait *wait);

/* Waits until the read end of a FIFO opened for the guest has a writer, or had
 * one that is gone. In POSIX, open(2) waits for that.
 * EAGAIN: time is up. WV_RESUME. */
wv_errno wv_wait_writer(wv_wait *wait, int host_fd);

/* Pauses before the next try to open a file: 1, 2, 4 … 20 milliseconds.
 * EAGAIN: time is up. WV_RESUME: the pause is over, and so is the slice. */
wv_errno wv_wait_open(wv_wait *wait);

/* Waits until one of `fds` is ready or `deadline` has come; `fds` are polled
 * even after it. It is on WV_CLOCK_REALTIME or WV_CLOCK_MONOTONIC, in
 * nanoseconds; UINT64_MAX for none. `*ready` is the number of ready `fds`.
 * WV_RESUME. */
wv_errno wv_wait_poll(wv_wait *wait, wv_sys_pollfd *fds, uint32_t count,
                      uint32_t clock, uint64_t deadline, uint32_t *ready);

#endif
