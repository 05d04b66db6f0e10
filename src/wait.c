/* Every wait of a guest. */
#include "wait.h"

#include <errno.h>

#include "errno_map.h"

#define NS_PER_MS 1000000

/* The wall clock may be set during a wait for one of its times: so long a wait
 * goes on without another look at it. */
#define REALTIME_LOOK ((int64_t)1000 * NS_PER_MS)

/* Between two looks at what poll(2) does not report. */
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

/* What is left of the limit, in nanoseconds, -1 for no limit. The first call
 * starts the time. */
static int64_t time_left(wv_wait *wait) {
  if (wait->limit < 0) return -1;
  if (!wait->started) {
    wait->started = true;
    wait->deadline =
        wait->limit > INT64_MAX / NS_PER_MS
            ? UINT64_MAX
            : now_on(WV_CLOCK_MONOTONIC) + (uint64_t)wait->limit * NS_PER_MS;
  }
  return left_until(WV_CLOCK_MONOTONIC, wait->deadline);
}

/* The pause before look `attempt`, within what is left. */
static int64_t pause_before(uint32_t attempt, int64_t left) {
  int64_t pause = attempt < 5 ? (int64_t)1 << attempt : LOOK_MAX;

  pause *= NS_PER_MS;
  return left >= 0 && left < pause ? left : pause;
}

wv_errno wv_wait_ready(wv_wait *wait, int host_fd, uint8_t events) {
  wv_sys_pollfd pollfd = {.fd = host_fd, .events = events, .ready = 0};
  /* Even without any time there is one look. There is no second: what is ready
   * for poll(2) need not be ready for the caller. */
  bool first = !wait->started;
  int64_t left;
  int ready;

  for (;; first = false) {
    left = time_left(wait);
    if (left == 0 && !first) return WV_EAGAIN;
    ready = wv_sys_poll(&pollfd, 1, left);
    if (ready > 0) return WV_SUCCESS;
    if (ready < 0 && errno != EINTR) return wv_errno_from_host(errno);
  }
}

wv_errno wv_wait_writer(wv_wait *wait, int host_fd) {
  wv_sys_pollfd pollfd = {.fd = host_fd, .events = WV_SYS_POLL_READ};
  int64_t pause = 0;
  int64_t left;
  uint32_t attempt;
  int ready;

  for (attempt = 0;; attempt++) {
    /* poll(2) sees data, and a writer that went; not a silent one. */
    ready = wv_sys_poll(&pollfd, 1, pause);
    if (ready > 0) return WV_SUCCESS;
    if (ready < 0 && errno != EINTR) return wv_errno_from_host(errno);
    if (wv_sys_pipe_state(host_fd) >= 0) return WV_SUCCESS;
    left = time_left(wait);
    if (left == 0) return WV_EAGAIN;
    pause = pause_before(attempt, left);
  }
}

wv_errno wv_wait_reader(wv_wait *wait, uint32_t attempt) {
  int64_t left = time_left(wait);

  if (left == 0) return WV_EAGAIN;
  /* A pause that a signal cuts short is only an early look. */
  wv_sys_poll(NULL, 0, pause_before(attempt, left));
  return WV_SUCCESS;
}

wv_errno wv_wait_poll(wv_sys_pollfd *fds, uint32_t count, uint32_t clock,
                      uint64_t deadline, uint32_t *ready) {
  int64_t left = -1;
  int64_t timeout;
  int n = 0;

  do {
    if (deadline != UINT64_MAX) left = left_until(clock, deadline);
    timeout = left;
    if (clock == WV_CLOCK_REALTIME && timeout > REALTIME_LOOK)
      timeout = REALTIME_LOOK;
    /* Time that has come needs no system call. */
    if (count > 0 || left != 0) n = wv_sys_poll(fds, count, timeout);
    if (n < 0 && errno != EINTR) return wv_errno_from_host(errno);
  } while (n < 0 || (n == 0 && left != 0));
  *ready = (uint32_t)n;
  return WV_SUCCESS;
}
