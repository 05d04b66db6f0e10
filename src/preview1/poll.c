/* poll_oneoff. */
#include <stdlib.h>

#include "../calls.h"
#include "../stream.h"

#define MOST 16384

/* Up to this many subscriptions are polled without an allocation. */
#define FEW 16

#define NO_POLLFD UINT32_MAX

/* Tags of a subscription and of its event. */
enum { CLOCK = 0, FD_READ = 1, FD_WRITE = 2 };
#define HANGUP 1

/* A copy of a subscription, since another thread can rewrite the original. */
typedef struct subscription {
  uint64_t userdata;
  uint64_t deadline; /* for a clock, on `clock` */
  uint32_t clock;
  uint32_t fd;        /* the guest's */
  const wv_fd *entry; /* the entry of `fd` */
  uint32_t pollfd;    /* index; NO_POLLFD: nothing to wait for */
  wv_errno error;     /* for the event */
  uint8_t tag;
} subscription;

typedef struct polling {
  subscription *subscriptions;
  wv_sys_pollfd *pollfds;
  uint32_t count;
  uint32_t pollfd_count;
  bool there; /* an event is there already: do not wait */
  wv_wait *wait;
} polling;

static uint64_t now_on(uint32_t clock) {
  uint64_t now = 0;

  wv_sys_clock(clock, &now);
  return now;
}

/* A relative time runs on the monotonic clock from the beginning of the call:
 * setting the wall clock does not change it. */
static wv_errno load_clock(const uint8_t *from, uint64_t begun,
                           subscription *to) {
  uint64_t timeout = wv_load_u64(from + 24);
  uint16_t flags = wv_load_u16(from + 40);

  to->clock = wv_load_u32(from + 16);
  if (to->clock > WV_CLOCK_THREAD_CPUTIME) return WV_EINVAL;
  if (flags & ~WV_SUBCLOCK_ABSTIME) return WV_EINVAL;
  if (to->clock > WV_CLOCK_MONOTONIC) to->error = WV_ENOTSUP;
  to->deadline = timeout;
  if (flags & WV_SUBCLOCK_ABSTIME) return WV_SUCCESS;
  to->clock = WV_CLOCK_MONOTONIC;
  to->deadline = timeout > UINT64_MAX - begun ? UINT64_MAX : begun + timeout;
  return WV_SUCCESS;
}

/* EINVAL: no such tag, clock or flag. */
static wv_errno load(const uint8_t *at, uint64_t begun, subscription *to) {
  uint8_t copy[WV_SUBSCRIPTION_SIZE];

  memcpy(copy, at, sizeof(copy));
  /* The compiler must not read the guest's memory again. */
  __asm__ volatile("" : : : "memory");
  *to = (subscription){
      .userdata = wv_load_u64(copy), .pollfd = NO_POLLFD, .tag = copy[8]};
  if (to->tag == CLOCK) return load_clock(copy, begun, to);
  to->fd = wv_load_u32(copy + 16);
  return to->tag <= FD_WRITE ? WV_SUCCESS : WV_EINVAL;
}

/* The index of the pollfd of a host descriptor, which gets only one: poll(2)
 * rejects more than the limit of open files. */
static uint32_t pollfd_of(polling *poll, int host_fd) {
  uint32_t i = 0;

  while (i < poll->pollfd_count && poll->pollfds[i].fd != host_fd) i++;
  if (i == poll->pollfd_count) {
    poll->pollfds[i] = (wv_sys_pollfd){.fd = host_fd};
    poll->pollfd_count++;
  }
  return i;
}

/* Directories have no such rights. They are always ready, as with poll(2). */
static wv_errno check_access(const subscription *of, const wv_fd *entry) {
  if (entry->kind == WV_KIND_DIRECTORY) return WV_SUCCESS;
  return wv_fd_allows(
      entry, of->tag == FD_READ ? WV_RIGHTS_FD_READ : WV_RIGHTS_FD_WRITE);
}

/* Looks up the fd of a subscription and adds its pollfd. */
static void look_up(wv_guest *guest, polling *poll, subscription *of) {
  wv_fd *entry = wv_guest_get(guest, of->fd);

  of->entry = entry;
  of->error = entry == NULL ? WV_EBADF : wv_fd_learn_kind(entry);
  if (of->error == WV_SUCCESS) of->error = check_access(of, entry);
  if (of->error != WV_SUCCESS) return;
  if (entry->kind == WV_KIND_FILE || entry->kind == WV_KIND_DIRECTORY ||
      entry->kind == WV_KIND_TARGET)
    return;
  of->pollfd = pollfd_of(poll, wv_stream_pollfd(entry));
  poll->pollfds[of->pollfd].events |=
      of->tag == FD_READ ? WV_SYS_POLL_READ : WV_SYS_POLL_WRITE;
}

static wv_errno load_all(wv_guest *guest, uint32_t in, polling *poll) {
  const uint8_t *at = guest->memory.base + in;
  subscription *of;
  wv_errno error;
  uint32_t i;

  for (i = 0; i < poll->count; i++, at += WV_SUBSCRIPTION_SIZE) {
    of = &poll->subscriptions[i];
    error = load(at, poll->wait->begun, of);
    if (error != WV_SUCCESS) return error;
    if (of->tag != CLOCK) look_up(guest, poll, of);
    if (of->error != WV_SUCCESS ||
        (of->tag != CLOCK && of->pollfd == NO_POLLFD))
      poll->there = true;
  }
  return WV_SUCCESS;
}

/* The clock that ends first. Returns the nanoseconds left until `*deadline` on
 * `*clock`. */
static uint64_t first_clock(const polling *poll, const uint64_t now[2],
                            uint32_t *clock, uint64_t *deadline) {
  const subscription *of;
  uint64_t first = UINT64_MAX;
  uint64_t left;
  uint32_t i;

  *clock = WV_CLOCK_MONOTONIC;
  *deadline = UINT64_MAX;
  for (i = 0; i < poll->count; i++) {
    of = &poll->subscriptions[i];
    if (of->tag != CLOCK || of->error != WV_SUCCESS) continue;
    left = of->deadline > now[of->clock] ? of->deadline - now[of->clock] : 0;
    if (left >= first) continue;
    first = left;
    *clock = of->clock;
    *deadline = of->deadline;
  }
  return first;
}

static void read_clocks(uint64_t now[2]) {
  now[WV_CLOCK_REALTIME] = now_on(WV_CLOCK_REALTIME);
  now[WV_CLOCK_MONOTONIC] = now_on(WV_CLOCK_MONOTONIC);
}

/* Waits for the first event, and sets `now` to the time after it on both
 * clocks. */
static wv_errno wait_for_event(polling *poll, uint64_t now[2]) {
  uint64_t deadline;
  uint32_t clock;
  uint32_t ready;
  wv_errno error;

  read_clocks(now);
  do {
    first_clock(poll, now, &clock, &deadline);
    if (poll->there) deadline = 0;
    error = wv_wait_poll(poll->wait, poll->pollfds, poll->pollfd_count, clock,
                         deadline, &ready);
    if (error != WV_SUCCESS) return error;
    read_clocks(now);
    /* The wall clock may have been set back meanwhile. */
  } while (ready == 0 && !poll->there &&
           first_clock(poll, now, &clock, &deadline) > 0);
  return WV_SUCCESS;
}

static uint64_t readable(const wv_fd *entry) {
  wv_sys_stat stat;
  int64_t bytes;

  if (entry->kind == WV_KIND_DIRECTORY) return 0;
  if (entry->kind == WV_KIND_FILE) {
    bytes = wv_sys_seek(entry->host_fd, 0, WV_WHENCE_CUR);
    if (bytes < 0 || wv_sys_fstat(entry->host_fd, &stat) < 0) return 0;
    return stat.size > (uint64_t)bytes ? stat.size - (uint64_t)bytes : 0;
  }
  bytes = wv_sys_readable(entry->host_fd);
  return bytes > 0 ? (uint64_t)bytes : 0;
}

/* Is the other end gone, and nothing left to read? */
static bool has_hung_up(const subscription *of, uint8_t ready,
                        uint64_t nbytes) {
  if (of->tag == FD_READ)
    return nbytes == 0 && ready & (WV_SYS_POLL_HANGUP | WV_SYS_POLL_END);
  /* A pipe without a reader is reported as an error. */
  return ready & WV_SYS_POLL_HANGUP ||
         (of->entry->kind == WV_KIND_PIPE && ready & WV_SYS_POLL_ERROR);
}

static bool is_ready(const subscription *of, uint8_t ready) {
  const uint8_t read = WV_SYS_POLL_READ | WV_SYS_POLL_END;
  const uint8_t wanted = of->tag == FD_READ ? read : WV_SYS_POLL_WRITE;

  return of->pollfd == NO_POLLFD ||
         ready & (wanted | WV_SYS_POLL_HANGUP | WV_SYS_POLL_ERROR |
                  WV_SYS_POLL_INVALID);
}

/* Stores the event of a subscription. False: there is none. */
static bool store_event(const polling *poll, const uint64_t now[2],
                        const subscription *of, uint8_t *at) {
  const uint8_t ready =
      of->pollfd == NO_POLLFD ? 0 : poll->pollfds[of->pollfd].ready;
  uint8_t event[WV_EVENT_SIZE] = {0};
  uint64_t nbytes = 0;
  wv_errno error = of->error;

  if (error == WV_SUCCESS && of->tag == CLOCK) {
    if (now[of->clock] < of->deadline) return false;
  } else if (error == WV_SUCCESS) {
    if (!is_ready(of, ready)) return false;
    if (ready & WV_SYS_POLL_INVALID) error = WV_EBADF;
  }
  if (error == WV_SUCCESS && of->tag != CLOCK) {
    if (of->tag == FD_READ) nbytes = readable(of->entry);
    wv_store_u64(event + 16, nbytes);
    wv_store_u16(event + 24, has_hung_up(of, ready, nbytes) ? HANGUP : 0);
  }
  wv_store_u64(event, of->userdata);
  wv_store_u16(event + 8, error);
  event[10] = of->tag;
  memcpy(at, event, sizeof(event));
  return true;
}

static wv_errno poll_all(wv_guest *guest, uint32_t in, uint32_t out,
                         polling *poll, uint32_t *nevents) {
  uint8_t *at = guest->memory.base + out;
  uint64_t now[2];
  uint32_t i;
  wv_errno error = load_all(guest, in, poll);

  if (error == WV_SUCCESS) error = wait_for_event(poll, now);
  if (error != WV_SUCCESS) return error;
  for (i = 0; i < poll->count; i++)
    if (store_event(poll, now, &poll->subscriptions[i], at))
      at += WV_EVENT_SIZE;
  *nevents =
      (uint32_t)(at - (guest->memory.base + out)) / (uint32_t)WV_EVENT_SIZE;
  return WV_SUCCESS;
}

wv_errno wv_poll_oneoff(wv_guest *guest, uint32_t in, uint32_t out, uint32_t n,
                        uint32_t at) {
  const wv_memory *memory = &guest->memory;
  subscription few[FEW];
  wv_sys_pollfd few_pollfds[FEW];
  polling poll = {
      .subscriptions = few, .pollfds = few_pollfds, .count = n, .there = false};
  uint32_t nevents = 0;
  void *many = NULL;
  wv_errno error;

  if (!wv_in_bounds(memory, in, (uint64_t)n * WV_SUBSCRIPTION_SIZE) ||
      !wv_in_bounds(memory, out, (uint64_t)n * WV_EVENT_SIZE) ||
      !wv_in_bounds(memory, at, sizeof(uint32_t)))
    return WV_EFAULT;
  if (n == 0 || n > MOST) return WV_EINVAL;

  if (n > FEW) {
    many = malloc(n * (sizeof(*poll.subscriptions) + sizeof(*poll.pollfds)));
    if (many == NULL) return WV_ENOMEM;
    poll.subscriptions = many;
    poll.pollfds = (void *)(poll.subscriptions + n);
  }
  poll.wait = wv_guest_wait(guest, -1);
  if (poll.wait->begun == 0) poll.wait->begun = now_on(WV_CLOCK_MONOTONIC);
  error = poll_all(guest, in, out, &poll, &nevents);
  if (error == WV_SUCCESS) wv_store_u32(memory->base + at, nevents);
  free(many);
  return error;
}
