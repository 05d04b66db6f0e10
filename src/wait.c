/* Every wait of a guest. */
#include "wait.h"

#include <errno.h>

#include "errno_map.h"

#define NS_PER_MS 1000000

#define SLICE ((int64_t)20 * NS_PER_MS)

/* The longest pause, in milliseconds, between two looks at a condition that
 * poll(2) does not report. */
#define LOOK_MAX 20

static uint64_t now_on(uint32_t clock) {
  uint64_t now = 0;

  wv_sys_clock(clock, &now);
  return now;
}

/* Nanoseconds until `deadline`. */
static int64_t left_until(uint32_t clock, uint64_t deadline) {
  uint64_t now = now_on(clock);

  if (deadline <= now) return 0;
  return deadline - now > INT64_MAX ? INT64_MAX : (int64_t)(deadline - now);
}

/* The rest of the limit, in nanoseconds, -1 for no limit. The first call starts
 * the clock. */
static int64_t time_left(wv_wait *wait) {
  if (wait->limit < 0) return -1;
  if (!wait->started)
    wait->deadline =
        wait->limit > INT64_MAX / NS_PER_MS
            ? UINT64_MAX
            : now_on(WV_CLOCK_MONOTONIC) + (uint64_t)wait->limit * NS_PER_MS;
  wait->started = true;
  return left_until(WV_CLOCK_MONOTONIC, wait->deadline);
}

/* The rest of the slice. The first call starts it. */
static int64_t slice_left(wv_wait *wait) {
  if (wait->slice_end == 0) {
    wait->slice_end = now_on(WV_CLOCK_MONOTONIC) + SLICE;
    return SLICE;
  }
  return left_until(WV_CLOCK_MONOTONIC, wait->slice_end);
}

static int64_t shorter(int64_t left, int64_t slice) {
  return left >= 0 && left < slice ? left : slice;
}

/* The pause before the next look: no longer than the rest of the limit and of
 * the slice. */
static int64_t next_pause(wv_wait *wait, int64_t left) {
  int64_t pause =
      wait->attempts < 5 ? (int64_t)1 << wait->attempts : (int64_t)LOOK_MAX;

  wait->attempts++;
  return shorter(left, shorter(pause * NS_PER_MS, slice_left(wait)));
}

wv_errno wv_wait_turn(wv_wait *wait) {
  return slice_left(wait) == 0 ? WV_RESUME : WV_SUCCESS;
}

wv_errno wv_wait_ready(wv_wait *wait, int host_fd, uint8_t events) {
  wv_sys_pollfd pollfd = {.fd = host_fd, .events = events, .ready = 0};
  /* Without any time left there is still one poll, but never a second: the
   * caller may find no room where poll(2) reports some. */
  bool first = wait->limit < 0 || !wait->started;
  int64_t slice;
  int64_t left;
  int ready;

  for (;; first = false) {
    left = time_left(wait);
    if (left == 0 && !first) return WV_EAGAIN;
    slice = slice_left(wait);
    if (slice == 0) return WV_RESUME;
    ready = wv_sys_poll(&pollfd, 1, shorter(left, slice));
    if (ready > 0) return WV_SUCCESS;
    if (ready < 0 && errno != EINTR) return wv_errno_from_host(errno);
  }
}

wv_errno wv_wait_writer(wv_wait *wait, int host_fd) {
  wv_sys_pollfd pollfd = {.fd = host_fd, .events = WV_SYS_POLL_READ};
  int64_t pause = 0;
  int64_t left;
  int ready;

  for (;;) {
    /* poll(2) reports data and a writer that has gone, but not a silent writer.
     */
    ready = wv_sys_poll(&pollfd, 1, pause);
    if (ready > 0) return WV_SUCCESS;
    if (ready < 0 && errno != EINTR) return wv_errno_from_host(errno);
    if (wv_sys_pipe_state(host_fd) >= 0) return WV_SUCCESS;
    left = time_left(wait);
    if (left == 0) return WV_EAGAIN;
    if (wv_wait_turn(wait) != WV_SUCCESS) return WV_RESUME;
    pause = next_pause(wait, left);
  }
}

wv_errno wv_wait_open(wv_wait *wait) {
  int64_t left = time_left(wait);

  if (left == 0) return WV_EAGAIN;
  /* If a signal cuts the pause short, the next look comes early. */
  wv_sys_poll(NULL, 0, next_pause(wait, left));
  return wv_wait_turn(wait);
}

/* The wall clock may be set during the wait. The next slice reads it again, so
 * a slice is short enough. */
wv_errno wv_wait_poll(wv_wait *wait, wv_sys_pollfd *fds, uint32_t count,
                      uint32_t clock, uint64_t deadline, uint32_t *ready) {
  int64_t left = -1;
  int64_t slice;
  int n;

  do {
    if (deadline != UINT64_MAX) left = left_until(clock, deadline);
    slice = left == 0 ? SLICE : slice_left(wait);
    if (slice == 0) return WV_RESUME;
    /* A deadline that has passed needs no system call. */
    n = count == 0 && left == 0 ? 0
                                : wv_sys_poll(fds, count, shorter(left, slice));
    if (n < 0 && errno != EINTR) return wv_errno_from_host(errno);
  } while (n < 0 || (n == 0 && left != 0));
  *ready = (uint32_t)n;
  return WV_SUCCESS;
}
