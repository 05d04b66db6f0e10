/* The kernel's answers to poll_oneoff. */
#include "polls_kernel.h"

#include <errno.h>
#include <string.h>

struct polling_kernel polling;

/* The wall clock may be set at any time; the monotonic clock may not. */
static void pass(uint64_t ns) {
  kernel.now += (int64_t)ns;
  polling.real += ns;
}

static int answer_clock(uint32_t id, uint64_t *now) {
  CHECK(id == WV_CLOCK_MONOTONIC || id == WV_CLOCK_REALTIME);
  pass(polling.tick);
  polling.looks++;
  *now = id == WV_CLOCK_REALTIME ? polling.real : (uint64_t)kernel.now;
  if (id == WV_CLOCK_MONOTONIC && polling.first == 0) polling.first = *now;
  polling.seen[id] = *now;
  return 0;
}

/* A poll must end with the slice, and at a deadline as the clocks were last
 * seen. If the wall clock is set, the next slice reads it again. */
static void check_timeout(int64_t timeout) {
  CHECK(timeout >= 0);
  CHECK(timeout <= polling.begun + SLICE - kernel.now +
                       (int64_t)polling.tick * polling.looks);
  if (polling.at_once) CHECK(timeout == 0);
  for (int id = 0; id < 2; id++) {
    const uint64_t deadline = polling.deadline[id];

    if (deadline == UINT64_MAX || polling.set) continue;
    if (polling.seen[id] >= deadline)
      CHECK(timeout == 0 || polling.tick > 0);
    else if ((uint64_t)timeout > deadline - polling.seen[id])
      CHECK((uint64_t)timeout - (deadline - polling.seen[id]) <=
            polling.tick * 8);
  }
}

/* Each descriptor only once, with all events asked for it. */
static void check_fds(const wv_sys_pollfd *fds, uint32_t count) {
  uint32_t asked = 0;

  for (int i = 0; i < HOST_FDS; i++) asked += polling.fds[i].events != 0;
  CHECK(count == asked);
  for (uint32_t i = 0; i < count; i++) {
    const int fd = host_fd_of(fds[i].fd);

    CHECK(kernel.has_own[fd] == (fds[i].fd != fd));
    CHECK(fds[i].events == polling.fds[fd].events);
    for (uint32_t j = 0; j < i; j++) CHECK(fds[j].fd != fds[i].fd);
  }
}

static int answer_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  const uint8_t action = take_u8();
  int ready = 0;

  CHECK(polling.ready == 0); /* nothing may follow an event */
  CHECK(polling.error == 0);
  check_timeout(timeout);
  check_fds(fds, count);
  if (polling.shared) scribble(polling.list);
  for (int i = 0; i < HOST_FDS; i++) polling.fds[i].ready = 0;
  for (uint32_t i = 0; i < count; i++) fds[i].ready = 0;
  if ((action & 0xf0) == 0xf0) {
    polling.real += take_u32() - (UINT64_C(1) << 31);
    polling.set = true;
  }
  if (action % 8 == 7) {
    pass((uint64_t)timeout / 2);
    errno = EINTR;
    return -1;
  }
  if (action % 8 == 6) {
    polling.error = errno = take_u8() % 2 ? ENOMEM : EINVAL;
    return -1;
  }
  for (uint32_t i = 0; action % 8 >= 3 && i < count; i++) {
    const uint8_t asked = WV_SYS_POLL_READ | WV_SYS_POLL_WRITE;
    uint8_t found = take_u8() & 63;

    found &= (uint8_t)(fds[i].events | ~asked);
    if (!(fds[i].events & WV_SYS_POLL_READ)) found &= ~WV_SYS_POLL_END;
    if (found & WV_SYS_POLL_INVALID) found = WV_SYS_POLL_INVALID;
    fds[i].ready = found;
    polling.fds[host_fd_of(fds[i].fd)].ready = found;
    ready += found != 0;
  }
  pass(ready > 0 ? (uint64_t)timeout / 3 : (uint64_t)timeout);
  polling.ready = ready;
  return ready;
}

static int answer_fstat(int fd, wv_sys_stat *stat) {
  const struct polled *of = &polling.fds[fd];

  CHECK(fd >= 0 && fd < HOST_FDS);
  if (of->finds >= FOUND_COUNT) {
    errno = EIO;
    return -1;
  }
  put_found(&founds[of->finds], stat);
  stat->size = of->size;
  return 0;
}

static bool answer_is_terminal(int fd) {
  return founds[polling.fds[fd].finds].kind == WV_KIND_TERMINAL;
}

int64_t wv_sys_seek(int fd, int64_t offset, int whence) {
  CHECK(offset == 0 && whence == WV_WHENCE_CUR);
  errno = ESPIPE;
  return polling.fds[fd].position;
}

int64_t wv_sys_readable(int fd) {
  CHECK(fd >= 0 && fd < HOST_FDS);
  errno = ENOTTY;
  return polling.fds[fd].readable;
}

const struct answers poll_answers = {
    .poll = answer_poll,
    .clock = answer_clock,
    .fstat = answer_fstat,
    .is_terminal = answer_is_terminal,
};

void begin_polling(bool shared) {
  polling.shared = shared;
  polling.first = 0;
  resume_polling();
}

void resume_polling(void) {
  polling.begun = kernel.now;
  polling.looks = 0;
  polling.set = false;
  polling.error = 0;
  polling.ready = 0;
  for (int i = 0; i < HOST_FDS; i++) polling.fds[i].ready = 0;
}
