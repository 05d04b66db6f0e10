/* Makes a call as src/binding.c and lib/native/ do, and checks the state
 * afterwards. */
#define _GNU_SOURCE
#include <string.h>

#include "whole.h"

#define TURNS 6
#define BUFFER_MAX 5000u
#define REPEATS 100u

/* The state before a call of a guest that is alone. */
typedef struct before {
  uint8_t *memory; /* a copy, or NULL */
  uint32_t lowest; /* the lowest free fd */
  uint32_t count;  /* how many fds are open */
  unsigned long within;
} before;

static wv_guest *guest_of(player *self) {
  return &self->host.guest;
}

static uint32_t *arguments(player *self) {
  return self->box + WV_BOX_ARGUMENTS;
}

static bool fits(player *self, uint32_t at, uint64_t len) {
  const uint64_t size = guest_of(self)->memory.size;

  return at <= size && len <= size - at;
}

static uint8_t *place(player *self, uint32_t at) {
  return guest_of(self)->memory.base + at;
}

/* Makes an operation of the host with the arguments already in the mailbox. */
static uint32_t control(player *self, enum wv_op op, wv_memory bytes) {
  uint32_t result;

  self->box[WV_BOX_OP] = op;
  result = wv_host_control(&self->host, bytes);
  wv_guest_release(guest_of(self));
  return result;
}

static wv_errno dispatch(player *self, enum wv_op op, bool resumed) {
  wv_errno answer;

  self->box[WV_BOX_OP] = op;
  guest_of(self)->resumed = resumed;
  answer = wv_dispatch(guest_of(self), self->box);
  guest_of(self)->resumed = false;
  CHECK(answer == WV_RESUME || guest_of(self)->lookups.count == 0);
  return answer;
}

/* A target of JS may call the guest. */
static void call_within(player *self) {
  if (self->depth > 0 || !one_in(self, 3)) return;
  self->depth++;
  self->tally->nested++;
  call_at_random(self);
  self->depth--;
}

static bool is_about(enum wv_op op, const uint32_t *frame, uint32_t fd) {
  const uint32_t *a = frame + WV_BOX_ARGUMENTS;

  if (op == WV_OP_FD_RENUMBER) return a[0] == fd || a[1] == fd;
  return op == WV_OP_FLUSH || ((op < WV_OP_POLL_ONEOFF || op > 41) &&
                               op != WV_OP_PROC_EXIT && a[0] == fd);
}

/* Delivers buffered bytes to a target that takes all of them, or fails, after
 * half of them. */
static wv_errno deliver_buffered(player *self, enum wv_op op) {
  const wv_buffer *buffer = &guest_of(self)->buffer;
  uint32_t frame[WV_BOX_WORDS];
  uint32_t *a = arguments(self);
  wv_errno error = WV_SUCCESS;
  wv_memory rest;
  uint32_t fd, target;
  uint8_t *chunk;

  memcpy(frame, self->box, sizeof(frame));
  control(self, WV_OP_UNFLUSHED, (wv_memory){0});
  fd = a[0];
  target = a[3];
  CHECK(a[3] != WV_NO_FD && a[2] > 0);
  CHECK(a[1] + a[2] <= WV_BUFFER_HEADER_SIZE + buffer->size);
  rest.size = a[2];
  chunk = malloc(rest.size);
  memcpy(chunk, self->buffer + a[1], rest.size);
  rest.base = chunk;
  control(self, WV_OP_TAKEN, (wv_memory){0});
  self->tally->delivered++;
  call_within(self);
  if (one_in(self, 3)) {
    error = WV_EIO;
    rest.base += rest.size / 2;
    rest.size -= rest.size / 2;
    a[0] = fd;
    a[1] = target;
    a[2] = error;
    a[3] = (uint32_t)rest.size; /* bytes not taken */
    if (one_in(self, 3)) rest.size = 0;
    control(self, WV_OP_GIVE_BACK, rest);
  }
  free(chunk);
  if (error != WV_SUCCESS && is_about(op, frame, fd)) {
    a[0] = fd;
    a[1] = target;
    if (op == WV_OP_FD_CLOSE)
      control(self, WV_OP_REMOVE_TARGET, (wv_memory){0});
    return error;
  }
  memcpy(self->box, frame, sizeof(frame));
  return WV_SUCCESS;
}

static wv_errno deliver(player *self) {
  const uint32_t nwritten = arguments(self)[3];

  self->tally->delivered++;
  call_within(self);
  if (!fits(self, nwritten, 4)) return WV_EFAULT;
  if (one_in(self, 8)) return WV_EIO;
  wv_store_u32(place(self, nwritten), 0);
  return WV_SUCCESS;
}

/* Completes a call: makes its slices, and does what it asks of JS. V8 may end
 * the guest between two slices. */
static wv_errno complete(player *self, enum wv_op op) {
  wv_errno answer = dispatch(self, op, false);
  uint32_t turns = 0;

  for (;;) {
    switch (answer) {
      case WV_RESUME:
        self->tally->slices++;
        if (++turns == TURNS || one_in(self, 8)) return ENDED;
        if (!one_in(self, 4)) run_host();
        answer = dispatch(self, op, true);
        break;
      case WV_DELIVER_BUFFERED:
        self->box[WV_BOX_OUT] = guest_of(self)->target;
        answer = deliver_buffered(self, op);
        if (answer != WV_SUCCESS) return answer;
        answer = dispatch(self, op, false);
        break;
      case WV_ASK:
        arguments(self)[4] |=
            one_in(self, 4) ? WV_WRITE_NOT_BUFFERED : WV_WRITE_ASKED;
        answer = dispatch(self, op, false);
        break;
      case WV_DELIVER:
        return deliver(self);
      default:
        return answer;
    }
  }
}

/* Checks. */

static uint32_t lowest_free(player *self) {
  const wv_fd_table *table = guest_of(self)->fds;
  uint32_t fd = 0;

  while (wv_fd_get(table, fd) != NULL) fd++;
  return fd;
}

static before look_before(player *self) {
  const wv_memory *memory = &guest_of(self)->memory;
  before seen = {.lowest = lowest_free(self),
                 .count = guest_of(self)->fds->count,
                 .within = self->tally->nested};

  if (!one_in(self, 8)) return seen;
  seen.memory = malloc(memory->size + 1);
  memcpy(seen.memory, memory->base, memory->size);
  return seen;
}

static void check_opened(player *self, const before *seen, uint32_t at) {
  CHECK(wv_load_u32(place(self, at)) == seen->lowest);
  CHECK(guest_of(self)->fds->count == seen->count + 1);
}

static void check_stat(player *self, uint32_t at) {
  CHECK(!is_outside(wv_load_u64(place(self, at)),
                    wv_load_u64(place(self, at + 8))));
}

/* For a guest that is alone. */
static void check_after(player *self, enum wv_op op, wv_errno answer,
                        const uint32_t *a, const before *seen) {
  const wv_memory *memory = &guest_of(self)->memory;

  if (answer == WV_EFAULT && seen->memory != NULL)
    CHECK(memcmp(seen->memory, memory->base, memory->size) == 0);
  if (answer == WV_SUCCESS && op == WV_OP_PATH_OPEN)
    check_opened(self, seen, a[6]);
  else if (answer == WV_SUCCESS && op == WV_OP_SOCK_ACCEPT)
    check_opened(self, seen, a[2]);
  else if (op != WV_OP_FD_CLOSE && op != WV_OP_FD_RENUMBER)
    CHECK(guest_of(self)->fds->count == seen->count);
  if (answer == WV_SUCCESS && op == WV_OP_PATH_FILESTAT_GET)
    check_stat(self, a[4]);
  if (answer == WV_SUCCESS && op == WV_OP_FD_FILESTAT_GET)
    check_stat(self, a[1]);
}

static void check_secret(player *self) {
  const wv_memory *memory = &guest_of(self)->memory;

  CHECK(memory->size == 0 ||
        memmem(memory->base, memory->size, SECRET, sizeof(SECRET) - 1) == NULL);
}

static void check_entry(const wv_fd_table *table, uint32_t fd) {
  const wv_fd *entry = table->entries[fd];
  uint32_t other;

  CHECK(entry->holders >= 1);
  if (!(entry->flags & WV_FD_OWNED)) return;
  CHECK(wv_sys_flags(entry->host_fd) >= 0);
  for (other = 0; other < fd; other++)
    CHECK(table->entries[other] == NULL ||
          !(table->entries[other]->flags & WV_FD_OWNED) ||
          table->entries[other]->host_fd != entry->host_fd);
}

static void check_table(player *self) {
  const wv_fd_table *table = guest_of(self)->fds;
  uint32_t count = 0;
  uint32_t fd;

  for (fd = 0; fd < table->size; fd++) {
    CHECK(fd >= table->lowest || table->entries[fd] != NULL);
    if (table->entries[fd] == NULL) continue;
    count++;
    check_entry(table, fd);
  }
  CHECK(count == table->count);
}

/* The host. */

static void grow(player *self) {
  wv_memory *memory = &guest_of(self)->memory;
  const uint64_t size = memory->size + below(self, 5000);
  uint8_t *base = malloc(size);

  if (base == NULL) return;
  memcpy(base, memory->base, memory->size);
  memset(base + memory->size, 0, size - memory->size);
  free(memory->base);
  *memory = (wv_memory){.base = base, .size = size};
}

static void read_capture(player *self) {
  wv_memory bytes;

  if (self->host.capture_count == 0) return;
  complete(self, WV_OP_FLUSH_BEFORE);
  arguments(self)[0] = below(self, self->host.capture_count);
  control(self, WV_OP_CAPTURE_SIZE, (wv_memory){0});
  bytes.size = ((uint64_t *)(void *)self->box)[WV_BOX_WIDE];
  bytes.base = malloc(bytes.size + 1);
  CHECK(control(self, WV_OP_CAPTURE_READ, bytes) == WV_SUCCESS);
  CHECK(memmem(bytes.base, bytes.size, SECRET, sizeof(SECRET) - 1) == NULL);
  free(bytes.base);
}

/* Something that a caller may do between two calls of the guest. */
static void act_as_host(player *self) {
  switch (below(self, 8)) {
    case 0:
      read_capture(self);
      break;
    case 1:
      control(self, WV_OP_STATS, (wv_memory){0});
      break;
    case 2:
      control(self, WV_OP_UNFLUSHED, (wv_memory){0});
      break;
    case 3:
      if (one_in(self, 4)) control(self, WV_OP_DISCARD, (wv_memory){0});
      break;
    case 4:
      arguments(self)[0] = below(self, 30);
      control(self, WV_OP_DESCRIBE, (wv_memory){0});
      break;
    case 5:
      if (self->alone && one_in(self, 4)) grow(self);
      break;
    case 6:
      insert_socket(self);
      restore_preopens(self);
      break;
    default:
      run_host();
  }
}

/* Calls that leave nothing open are rare. */
static enum wv_op any_op(player *self) {
  const enum wv_op op = (enum wv_op)below(self, WV_OP_RESUME);
  uint32_t times = 1;

  /* Writes only fill the buffer if they follow each other. */
  if ((self->last_op == WV_OP_BUFFERED_WRITE ||
       self->last_op == WV_OP_BUFFERED_PWRITE) &&
      !one_in(self, 3))
    return self->last_op;

  if (op == WV_OP_FD_CLOSE || op == WV_OP_FD_RENUMBER) times = 2;
  if (op == WV_OP_SOCK_SHUTDOWN || op == WV_OP_PROC_EXIT ||
      op == WV_OP_FD_FDSTAT_SET_RIGHTS)
    times = 8;
  return one_in(self, times) ? op
         : one_in(self, 3)   ? WV_OP_FD_CLOSE
                             : WV_OP_PATH_OPEN;
}

static wv_errno make_call(player *self, enum wv_op op) {
  const wv_errno answer = complete(self, op);

  if (answer >= ANSWERS)
    fail(__FILE__, __LINE__, "%u is no errno of WASI", answer);
  self->tally->answers[op][answer]++;
  return answer;
}

/* Repeats a call, so that the other thread changes its input between a check
 * and a use. */
static void repeat(player *self, enum wv_op op,
                   const uint32_t frame[WV_BOX_WORDS]) {
  uint32_t i;

  for (i = 0; i < REPEATS; i++) {
    memcpy(self->box, frame, WV_BOX_WORDS * sizeof(*frame));
    if (make_call(self, op) == ENDED) break;
  }
}

void call_at_random(player *self) {
  const enum wv_op op = any_op(self);
  uint32_t frame[WV_BOX_WORDS];
  const uint32_t *a = frame + WV_BOX_ARGUMENTS;
  before seen = {0};
  wv_errno answer;

  if (self->depth == 0 && one_in(self, 30)) run_host();
  if (self->depth == 0 && one_in(self, 40)) act_as_host(self);
  self->polite = one_in(self, 2);
  make_arguments(self, op);
  memcpy(frame, self->box, sizeof(frame));
  self->last_op = op;
  self->last_fd = a[0];
  if (self->alone) seen = look_before(self);
  answer = make_call(self, op);
  if (now.rewritten && self->depth == 0 && self->hot_count > 0 &&
      answer != ENDED && one_in(self, 16))
    repeat(self, op, frame);
  if (self->alone && seen.within == self->tally->nested)
    check_after(self, op, answer, a, &seen);
  free(seen.memory);
  if (self->alone && one_in(self, 16)) check_table(self);
  if (one_in(self, 32)) check_secret(self);
  atomic_fetch_add(&self->call, 1);
}

static void begin_buffer(player *self) {
  const uint32_t most = one_in(self, 2) ? 100 : BUFFER_MAX;
  const uint32_t size = WV_BUFFER_HEADER_SIZE + 1 + below(self, most);

  self->buffer = NULL;
  if (one_in(self, 4)) return;
  self->buffer = malloc(size);
  wv_buffer_set(&guest_of(self)->buffer,
                (wv_memory){.base = self->buffer, .size = size},
                (uint8_t)below(self, 3));
  wv_store_u32(self->buffer + WV_BUFFER_CALLS, 0);
}

void begin_guest(player *self, wv_memory memory) {
  self->host = (wv_host){.box = self->box};
  guest_of(self)->wait_timeout =
      one_in(self, 3) ? (int64_t)below(self, 300) : -1;
  guest_of(self)->may_block = now.may_block;
  guest_of(self)->fds = wv_fd_table_new(28 + below(self, 20));
  open_streams(self);
  begin_buffer(self);
  guest_of(self)->memory = memory;
  if (now.shared) CHECK(wv_share(guest_of(self), memory.base) == WV_SUCCESS);
}

void end_guest(player *self) {
  uint32_t i;

  if (one_in(self, 2)) {
    complete(self, WV_OP_FLUSH_BEFORE);
    CHECK(wv_guest_close(guest_of(self)) == WV_SUCCESS);
    wv_buffer_unset(&guest_of(self)->buffer);
    for (i = 0; i < 8; i++) call_at_random(self);
  }
  /* The collector may free the buffer first. */
  if (one_in(self, 4)) {
    wv_buffer_unset(&guest_of(self)->buffer);
    free(self->buffer);
    self->buffer = NULL;
  }
  wv_host_free(&self->host);
  free(self->buffer);
}
