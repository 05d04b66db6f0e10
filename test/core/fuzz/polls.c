/* poll_oneoff.
 *
 * The events must be in the order of the subscriptions. A clock has one if it
 * was due at the last look at the clocks, never earlier; a descriptor has one
 * if the last poll found it ready. Nothing else in memory may change. */
#include <errno.h>
#include <string.h>

#include "calls.h"
#include "core.h"
#include "polls_kernel.h"

enum { OPEN_MAX_OF_GUEST = 8, CALLS_MAX = 3, MOST = 16384, GUEST_FDS = 8 };

enum { CLOCK = 0, FD_READ = 1, FD_WRITE = 2 };

typedef struct poll_arguments {
  uint32_t in;
  uint32_t out;
  uint32_t n;
  uint32_t nevents;
} poll_arguments;

/* A subscription, as the oracle reads it. */
struct wish {
  uint64_t userdata;
  uint8_t tag;
  wv_errno error; /* for its event */
  uint32_t clock;
  uint64_t deadline;
  bool ready; /* needs no wait */
  int host_fd;
  uint8_t kind;
};

static struct wish wishes[MOST];

/* The oracle. */

static bool is_invalid(const uint8_t *at) {
  const uint32_t clock = load_u32(at + 16);
  const uint32_t flags = at[40] | at[41] << 8;

  return at[8] > FD_WRITE || (at[8] == CLOCK && (clock > 3 || flags > 1));
}

static uint64_t load_u64(const uint8_t *at) {
  return load_u32(at) | (uint64_t)load_u32(at + 4) << 32;
}

/* Assumes that the kernel has been asked if necessary. */
static uint8_t kind_of_entry(const wv_fd *entry) {
  const uint32_t finds = polling.fds[entry->host_fd].finds;

  if (entry->kind != WV_KIND_UNKNOWN) return entry->kind;
  return finds < FOUND_COUNT ? founds[finds].kind : WV_KIND_UNKNOWN;
}

static void wish_for_fd(const uint8_t *at, struct wish *wish) {
  const wv_fd *entry = wv_fd_get(guest.fds, load_u32(at + 16));
  const bool read = wish->tag == FD_READ;

  wish->error = WV_EBADF;
  if (entry == NULL) return;
  wish->host_fd = entry->host_fd;
  wish->kind = kind_of_entry(entry);
  if (wish->kind == WV_KIND_UNKNOWN) {
    wish->error = WV_EIO;
    return;
  }
  if (wish->kind != WV_KIND_DIRECTORY) {
    if (!(entry->flags & (read ? WV_FD_READABLE : WV_FD_WRITABLE))) return;
    wish->error = WV_ENOTCAPABLE;
    if (!(entry->rights & (read ? WV_RIGHTS_FD_READ : WV_RIGHTS_FD_WRITE)))
      return;
  }
  wish->error = WV_SUCCESS;
  wish->ready = wish->kind == WV_KIND_FILE || wish->kind == WV_KIND_TARGET ||
                wish->kind == WV_KIND_DIRECTORY;
  if (!wish->ready)
    polling.fds[wish->host_fd].events |=
        read ? WV_SYS_POLL_READ : WV_SYS_POLL_WRITE;
}

/* A relative time counts from the beginning of the call, which is not known
 * yet. */
static void wish_for_clock(const uint8_t *at, struct wish *wish) {
  const uint64_t time = load_u64(at + 24);

  wish->clock = load_u32(at + 16);
  if (wish->clock > WV_CLOCK_MONOTONIC) {
    wish->error = WV_ENOTSUP;
    return;
  }
  wish->deadline = time;
  if (at[40] != 1) {
    const uint64_t begun = polling.first != 0
                               ? polling.first
                               : (uint64_t)kernel.now + polling.tick;

    wish->clock = WV_CLOCK_MONOTONIC;
    wish->deadline = time > UINT64_MAX - begun ? UINT64_MAX : begun + time;
  }
  if (wish->deadline < polling.deadline[wish->clock])
    polling.deadline[wish->clock] = wish->deadline;
}

/* Called before each slice. */
static wv_errno check_arguments(const poll_arguments *call) {
  const uint8_t *at = guest.memory.base + call->in;

  polling.at_once = false;
  polling.deadline[0] = polling.deadline[1] = UINT64_MAX;
  for (int i = 0; i < HOST_FDS; i++) polling.fds[i].events = 0;
  if (!in_memory(call->in, (uint64_t)call->n * 48) ||
      !in_memory(call->out, (uint64_t)call->n * 32) ||
      !in_memory(call->nevents, 4))
    return WV_EFAULT;
  if (call->n == 0 || call->n > MOST) return WV_EINVAL;
  for (uint32_t i = 0; i < call->n; i++, at += 48) {
    struct wish *wish = &wishes[i];

    if (is_invalid(at)) return WV_EINVAL;
    memset(wish, 0, sizeof(*wish));
    wish->userdata = load_u64(at);
    wish->tag = at[8];
    if (wish->tag == CLOCK)
      wish_for_clock(at, wish);
    else
      wish_for_fd(at, wish);
    if (wish->error != WV_SUCCESS || wish->ready) polling.at_once = true;
  }
  return WV_SUCCESS;
}

static uint64_t nbytes_of(const struct wish *wish) {
  const struct polled *of = &polling.fds[wish->host_fd];

  if (wish->kind == WV_KIND_DIRECTORY) return 0;
  if (wish->kind != WV_KIND_FILE)
    return of->readable > 0 ? (uint64_t)of->readable : 0;
  if (of->position < 0 || of->finds >= FOUND_COUNT) return 0;
  return of->size > (uint64_t)of->position ? of->size - (uint64_t)of->position
                                           : 0;
}

/* False: no event. */
static bool event_of(const struct wish *wish, uint8_t *event) {
  const uint8_t ready = polling.fds[wish->host_fd].ready;
  const bool read = wish->tag == FD_READ;
  wv_errno error = wish->error;
  uint64_t nbytes = 0;
  bool gone;

  memset(event, 0, 32);
  if (error == WV_SUCCESS && wish->tag == CLOCK &&
      polling.seen[wish->clock] < wish->deadline)
    return false;
  if (error == WV_SUCCESS && wish->tag != CLOCK && !wish->ready) {
    if (!(ready &
          (WV_SYS_POLL_HANGUP | WV_SYS_POLL_ERROR | WV_SYS_POLL_INVALID |
           (read ? WV_SYS_POLL_READ | WV_SYS_POLL_END : WV_SYS_POLL_WRITE))))
      return false;
    if (ready & WV_SYS_POLL_INVALID) error = WV_EBADF;
  }
  if (error == WV_SUCCESS && wish->tag != CLOCK) {
    if (read) nbytes = nbytes_of(wish);
    gone = read ? nbytes == 0 &&
                      (ready & (WV_SYS_POLL_HANGUP | WV_SYS_POLL_END)) != 0
                : (ready & WV_SYS_POLL_HANGUP) != 0 ||
                      (wish->kind == WV_KIND_PIPE &&
                       (ready & WV_SYS_POLL_ERROR) != 0);
    if (wish->ready) gone = false;
    wv_store_u64(event + 16, nbytes);
    event[24] = gone;
  }
  wv_store_u64(event, wish->userdata);
  event[8] = (uint8_t)error;
  event[10] = wish->tag;
  return true;
}

static void check_events(const poll_arguments *call) {
  uint8_t event[32];
  uint32_t count = 0;

  for (uint32_t i = 0; i < call->n; i++)
    if (event_of(&wishes[i], event))
      memcpy(shadow + call->out + count++ * 32, event, 32);
  CHECK(count > 0);
  wv_store_u32(shadow + call->nevents, count);
}

/* Calls of the input. */

static void put_entry(void) {
  static const uint8_t kinds[] = {
      WV_KIND_PIPE,     WV_KIND_FILE,      WV_KIND_SOCKET,  WV_KIND_UNKNOWN,
      WV_KIND_TERMINAL, WV_KIND_DIRECTORY, WV_KIND_UNKNOWN, WV_KIND_DEVICE,
      WV_KIND_PIPE,     WV_KIND_SOCKET,    WV_KIND_TARGET};
  const int host_fd = (int)guest.fds->count;
  const uint8_t flags = take_u8();
  wv_fd entry = {.kind = kinds[take_u8() % sizeof(kinds)],
                 .rights = WV_RIGHTS_ALL,
                 .flags = WV_FD_OWNED};
  struct polled *of;
  uint32_t fd;

  entry.host_fd = host_fd;
  of = &polling.fds[host_fd];
  if (flags % 8 != 1) entry.flags |= WV_FD_READABLE;
  if (flags % 8 != 2) entry.flags |= WV_FD_WRITABLE;
  if (flags % 8 == 3) entry.rights &= ~WV_RIGHTS_FD_READ;
  if (flags % 8 == 4) entry.rights &= ~WV_RIGHTS_FD_WRITE;
  if (flags & 8 && entry.kind != WV_KIND_UNKNOWN) entry.flags &= ~WV_FD_OWNED;
  if (entry.kind == WV_KIND_TARGET) entry.flags = WV_FD_WRITABLE;
  if (flags & 16 && !(entry.flags & WV_FD_OWNED)) {
    entry.flags |= WV_FD_HAS_OWN;
    entry.own_fd = OWN_FDS + host_fd;
    kernel.has_own[host_fd] = true;
  }
  of->finds = take_u8() % (FOUND_COUNT + 1);
  of->readable = (int64_t)take_u8() - 64;
  of->position = (int64_t)take_u8() - 32;
  of->size = take_u8();
  kernel.owned[host_fd] = (entry.flags & WV_FD_OWNED) != 0;
  CHECK(wv_fd_insert(guest.fds, &entry, &fd) == WV_SUCCESS);
}

static uint64_t take_time(uint32_t clock, bool absolute) {
  const uint64_t now =
      clock == WV_CLOCK_REALTIME ? polling.real : (uint64_t)kernel.now;
  const uint8_t how = take_u8();
  uint64_t time = how & 8 ? take_u32() : how >> 4;

  if (how % 8 == 7) return take_u64();
  if (how % 8 == 6) return UINT64_MAX - time;
  if (how & 4) time *= MS;
  return absolute ? now + time - (how & 1 ? 2 * MS : 0) : time;
}

static void put_subscription(uint8_t *at) {
  const uint8_t what = take_u8();
  const bool absolute = (what & 64) != 0;
  uint32_t clock = what & 32 ? WV_CLOCK_REALTIME : WV_CLOCK_MONOTONIC;

  memset(at, (int)(what % 3), 48); /* padding may have any value */
  wv_store_u64(at, take_u32() * UINT64_C(4294967311));
  at[8] = what % 16 < 6 ? CLOCK : what % 16 < 11 ? FD_READ : FD_WRITE;
  if (what >= 248) at[8] = take_u8();
  if (at[8] != CLOCK) {
    wv_store_u32(at + 16, take_word(GUEST_FDS) % (what & 16 ? GUEST_FDS : 16));
    return;
  }
  if (what & 16) clock = take_u8() < 240 ? what % 4 : take_u32();
  wv_store_u32(at + 16, clock);
  wv_store_u64(at + 24, take_time(clock, absolute));
  wv_store_u16(at + 40, absolute);
  if (what >= 244) wv_store_u16(at + 40, (uint16_t)take_u32());
}

/* Repeats some subscriptions. */
static void put_list_of(const poll_arguments *call) {
  uint8_t list[8 * 48];
  const uint32_t count = 1 + take_u8() % 8;
  const wv_memory *memory = &guest.memory;

  for (uint32_t i = 0; i < count && i < call->n; i++)
    put_subscription(list + i * 48);
  for (uint32_t i = 0; i < call->n; i++) {
    const uint64_t at = call->in + (uint64_t)i * 48;

    if (!in_memory(at, 48)) break;
    memcpy(memory->base + at, list + i % count * 48, 48);
  }
}

static wv_errno run(const poll_arguments *call, wv_errno *wanted) {
  wv_errno error;

  for (;;) {
    *wanted = check_arguments(call);
    error = wv_poll_oneoff(&guest, call->in, call->out, call->n, call->nevents);
    if (error != WV_RESUME) break;
    CHECK(*wanted == WV_SUCCESS && !polling.at_once && polling.ready == 0);
    CHECK(kernel.now - polling.begun >= SLICE);
    for (int id = 0; id < 2 && polling.tick == 0 && !polling.set; id++)
      CHECK(polling.seen[id] < polling.deadline[id]);
    if (input_left == 0 || take_u8() % 16 == 15) break;
    guest.resumed = true;
    resume_polling();
  }
  guest.resumed = false;
  return error;
}

static void poll_call(void) {
  const uint8_t options = take_u8();
  poll_arguments call;
  wv_errno wanted, error;

  call.n = options >= 240 ? take_word(MOST) : 1u + options % 24;
  call.in = take_word(guest.memory.size - (uint64_t)call.n * 48);
  call.out = take_word(guest.memory.size - (uint64_t)call.n * 32);
  call.nevents = take_word(guest.memory.size);
  put_list_of(&call);
  begin_polling((options & 32) != 0);
  polling.list = call.in;
  begin_shadow();
  error = run(&call, &wanted);
  if (error != WV_RESUME) {
    CHECK(error == (wanted != WV_SUCCESS ? wanted : namesake(polling.error)) ||
          (wanted == WV_SUCCESS && polling.error == 0 && error == WV_SUCCESS));
    if (error == WV_SUCCESS) check_events(&call);
  }
  end_shadow();
}

void fuzz_polls(void) {
  begin_kernel(&poll_answers);
  memset(&polling, 0, sizeof(polling));
  begin_guest(OPEN_MAX_OF_GUEST);
  kernel.now = 1 + take_u8() * MS;
  polling.real = UINT64_C(1700000000) * 1000 * MS;
  polling.tick = take_u8() < 192 ? 0 : take_u8();
  for (int i = take_u8() % (HOST_FDS + 1); i > 0; i--) put_entry();
  for (int i = 0; i < CALLS_MAX && input_left > 0; i++) poll_call();
  check_table();
  end_guest();
  check_all_closed();
}
