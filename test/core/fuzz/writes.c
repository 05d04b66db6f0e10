/* fd_write, fd_pwrite, buffered writes, and the table of descriptors.
 *
 * The written bytes must be those of the guest's buffers, in order, each once,
 * up to nwritten. The errno must be the one that preview1/fd_write.c promises.
 * Nothing else in memory may change. */
#include <errno.h>
#include <string.h>

#include "calls.h"
#include "core.h"
#include "iovec.h"
#include "writes_kernel.h"

enum { OPEN_MAX_OF_GUEST = 5, CALLS_MAX = 4 };

static int host_fds;

typedef struct write_arguments {
  uint32_t fd;
  uint32_t iovs;
  uint32_t iovs_len;
  uint32_t nwritten;
  uint64_t offset;
  bool positioned;
} write_arguments;

/* The oracle. */

/* The checks of fd_write.c in their order, and the size of the list. */
static wv_errno check_arguments(const wv_fd *entry,
                                const write_arguments *call) {
  uint64_t rights =
      WV_RIGHTS_FD_WRITE | (call->positioned ? WV_RIGHTS_FD_SEEK : 0);
  wv_errno error;

  expect_nothing();
  if (entry == NULL) return WV_EBADF;
  if (call->positioned &&
      (entry->kind == WV_KIND_PIPE || entry->kind == WV_KIND_SOCKET ||
       entry->kind == WV_KIND_TERMINAL || entry->kind == WV_KIND_TARGET))
    return WV_ESPIPE;
  if (!(entry->flags & WV_FD_WRITABLE)) return WV_EBADF;
  if ((entry->rights & rights) != rights) return WV_ENOTCAPABLE;
  if (entry->kind == WV_KIND_TARGET) return WV_DELIVER;
  if (!in_memory(call->nwritten, 4)) return WV_EFAULT;
  error = expect_list(call->iovs, call->iovs_len);
  if (error != WV_SUCCESS) return error;
  if (call->positioned && call->offset > INT64_MAX) return WV_EINVAL;
  return WV_SUCCESS;
}

/* May one system call get less than the whole list? */
static bool may_be_cut(void) {
  return expected.count > WV_IOV_MAX || expected.total > WV_WRITE_MAX;
}

/* The kind of a file opened for the guest must be asked for only if its first
 * write did not go out whole. */
static void check_learned(wv_errno error, const wv_fd *entry) {
  if (outgoing.learned == NOT_ASKED) {
    CHECK(error == WV_SUCCESS ? outgoing.out == expected.total
                              : outgoing.error != EAGAIN);
    CHECK(entry->kind == WV_KIND_UNKNOWN);
  } else if (outgoing.learned == ASKED_IN_VAIN) {
    CHECK(entry->kind == WV_KIND_UNKNOWN);
  } else {
    CHECK(entry->kind == outgoing.learned);
  }
}

static void check_outcome(wv_errno error, const wv_fd *entry, bool positioned,
                          uint32_t nwritten) {
  bool unknown = outgoing.kind == WV_KIND_UNKNOWN;
  bool once =
      positioned || outgoing.kind == WV_KIND_FILE ||
      (unknown && (outgoing.learned < 0 || outgoing.learned == WV_KIND_FILE));

  if (!unknown || positioned) CHECK(entry->kind == outgoing.kind);
  if (expected.total == 0) {
    CHECK(error == (outgoing.bad_fd ? WV_EBADF : WV_SUCCESS));
    CHECK(outgoing.writes == 0);
  } else if (once) {
    CHECK(outgoing.writes == 1);
    CHECK(outgoing.offered == expected.total || may_be_cut());
    CHECK(error ==
          (outgoing.error == 0 ? WV_SUCCESS : namesake(outgoing.error)));
    if (unknown && !positioned) check_learned(error, entry);
  } else {
    /* A call that may wait must not return AGAIN. */
    CHECK(outgoing.error != EAGAIN || outgoing.limit >= 0);
    if (outgoing.out > 0) {
      CHECK(error == WV_SUCCESS);
      /* All bytes must be out unless there was a reason to stop: an error, a
       * write that took nothing, or NONBLOCK. */
      CHECK(outgoing.out == expected.total || outgoing.error != 0 ||
            outgoing.took_none || entry->fdflags & WV_FDFLAGS_NONBLOCK);
    } else {
      CHECK(error ==
            (outgoing.error == 0 ? WV_SUCCESS : namesake(outgoing.error)));
    }
  }
  if (expected.total > 0 && !once && unknown) check_learned(error, entry);
  if (error == WV_SUCCESS) CHECK(nwritten == outgoing.out);
}

/* Calls of the input. */

static wv_fd make_entry(uint8_t what, uint8_t how, uint8_t flags) {
  static const uint8_t usual[] = {WV_KIND_FILE, WV_KIND_PIPE, WV_KIND_SOCKET};
  static const uint8_t others[] = {WV_KIND_UNKNOWN, WV_KIND_UNKNOWN,
                                   WV_KIND_DEVICE, WV_KIND_TERMINAL,
                                   WV_KIND_TARGET};
  wv_fd entry = {.host_fd = host_fds++, .kind = usual[what % 3]};

  if (how >= 128 && how <= 250) entry.kind = others[how % sizeof(others)];
  entry.rights = WV_RIGHTS_ALL;
  if (!(flags & 1)) entry.rights &= ~WV_RIGHTS_FD_WRITE;
  if (!(flags & 2)) entry.rights &= ~WV_RIGHTS_FD_SEEK;
  if (flags & 4) entry.fdflags |= WV_FDFLAGS_NONBLOCK;
  if (flags & 8) entry.fdflags |= WV_FDFLAGS_APPEND;
  if (flags & 16) entry.flags |= WV_FD_OWNED;
  if (!(flags & 32)) entry.flags |= WV_FD_WRITABLE;
  if (flags & 64) entry.flags |= WV_FD_READABLE;
  if (entry.kind == WV_KIND_TARGET) entry.flags &= (uint8_t)~WV_FD_OWNED;
  if (entry.kind == WV_KIND_UNKNOWN) entry.flags |= WV_FD_OWNED;
  kernel.owned[entry.host_fd] = (entry.flags & WV_FD_OWNED) != 0;
  return entry;
}

/* The descriptor of `fd` must be closed if it was ours, and no other one. */
static void check_closed(const bool *owned, const wv_fd *replaced,
                         int inserted) {
  for (int i = 0; i < HOST_FDS; i++) {
    bool closed = replaced != NULL && i == replaced->host_fd;

    if (i != inserted) CHECK(kernel.owned[i] == (owned[i] && !closed));
    if (closed) CHECK(!kernel.has_own[i]);
  }
}

static void insert_lowest(const wv_fd *entry) {
  bool full = guest.fds->count >= guest.fds->limit;
  uint32_t lowest = 0, fd = UINT32_MAX;
  wv_errno error;

  while (wv_fd_get(guest.fds, lowest) != NULL) lowest++;
  error = wv_fd_insert(guest.fds, entry, &fd);
  CHECK(error == (full ? WV_EMFILE : WV_SUCCESS));
  CHECK(fd == (full ? UINT32_MAX : lowest));
  if (full) kernel.owned[entry->host_fd] = false;
}

static void renumber(uint32_t from, uint32_t to) {
  wv_fd *moved = wv_fd_get(guest.fds, from);
  wv_fd *there = wv_fd_get(guest.fds, to);
  wv_fd replaced = there == NULL ? (wv_fd){.host_fd = -1} : *there;
  bool owned[HOST_FDS];
  bool bad = moved == NULL || there == NULL;
  wv_fd *left;

  memcpy(owned, kernel.owned, sizeof(owned));
  CHECK(wv_fd_table_renumber(guest.fds, from, to, &left) ==
        (bad ? WV_EBADF : WV_SUCCESS));
  CHECK(left == (bad || from == to ? NULL : there));
  if (left != NULL) wv_fd_release(left);
  if (bad || from == to) {
    CHECK(wv_fd_get(guest.fds, from) == moved);
    CHECK(wv_fd_get(guest.fds, to) == there);
    replaced.host_fd = -1;
  } else {
    CHECK(wv_fd_get(guest.fds, from) == NULL);
    CHECK(wv_fd_get(guest.fds, to) == moved);
  }
  check_closed(owned, &replaced, -1);
}

static void set_entry(void) {
  uint8_t what = take_u8();
  uint8_t how = take_u8();
  uint32_t fd = what >> 6;
  wv_fd replaced = {.host_fd = -1};
  bool owned[HOST_FDS];
  uint8_t flags;
  wv_errno error;
  wv_fd entry;

  /* A table up to the highest fd would take most of the time. */
  if (how > 250) fd = take_word(WV_GUEST_FD_LIMIT);
  if (fd < WV_GUEST_FD_LIMIT) fd %= 1024;
  flags = take_u8();
  if (wv_fd_get(guest.fds, fd) != NULL) replaced = *wv_fd_get(guest.fds, fd);
  memcpy(owned, kernel.owned, sizeof(owned));
  if (what & 32) {
    error = wv_fd_remove(guest.fds, fd);
    CHECK(error == (replaced.host_fd < 0 ? WV_EBADF : WV_SUCCESS));
    CHECK(wv_fd_get(guest.fds, fd) == NULL);
    check_closed(owned, &replaced, -1);
    return;
  }
  if (how >= 100 && how < 110) {
    renumber(fd, flags & 3);
    return;
  }
  entry = make_entry(what, how, flags);
  if (how >= 110 && how < 120) {
    insert_lowest(&entry);
    return;
  }
  error = wv_fd_insert_at(guest.fds, fd, &entry);
  CHECK(error == (fd < WV_GUEST_FD_LIMIT ? WV_SUCCESS : WV_EBADF));
  if (error != WV_SUCCESS) kernel.owned[entry.host_fd] = false;
  check_closed(owned, &replaced, entry.host_fd);
}

/* Makes a call as the addon does. */
static wv_errno call_by_mailbox(const write_arguments *call) {
  _Alignas(8) uint32_t box[WV_BOX_WORDS] = {0};
  uint32_t *a = box + WV_BOX_ARGUMENTS;

  a[0] = call->fd;
  a[1] = call->iovs;
  a[2] = call->iovs_len;
  a[3] = call->nwritten;
  box[WV_BOX_OP] = call->positioned ? WV_OP_FD_PWRITE : WV_OP_FD_WRITE;
  memcpy(box + WV_BOX_WIDE * 2, &call->offset, sizeof(call->offset));
  return wv_dispatch(&guest, box);
}

static wv_errno call_directly(const write_arguments *call) {
  return call->positioned
             ? wv_fd_pwrite(&guest, call->fd, call->iovs, call->iovs_len,
                            call->offset, call->nwritten)
             : wv_fd_write(&guest, call->fd, call->iovs, call->iovs_len,
                           call->nwritten);
}

/* Makes all slices of a call. False: V8 has ended the guest between two. */
static bool run(const write_arguments *call, bool by_mailbox, wv_errno *error) {
  guest.resumed = false;
  for (;;) {
    *error = by_mailbox ? call_by_mailbox(call) : call_directly(call);
    if (*error != WV_RESUME) break;
    CHECK(outgoing.stream || outgoing.learned > WV_KIND_FILE);
    CHECK(slice_is_over());
    if (take_u8() % 16 == 15) break;
    resume_writes();
    guest.resumed = true;
  }
  guest.resumed = false;
  return *error != WV_RESUME;
}

static void write_call(void) {
  wv_memory *memory = &guest.memory;
  uint8_t options = take_u8();
  bool shared = (options & 2) != 0;
  write_arguments call = {.positioned = (options & 1) != 0};
  uint64_t calls = guest.calls, bytes = guest.bytes;
  wv_fd *entry;
  uint32_t nwritten = 0;
  wv_errno wanted, error;
  bool ended;

  call.fd = take_u8() & 3;
  if (call.positioned) call.offset = (uint64_t)take_u32() << 32;
  if (call.positioned) call.offset |= take_u32();
  call.iovs_len = take_word(memory->size / 8);
  call.iovs = take_word(memory->size - (uint64_t)call.iovs_len * 8);
  call.nwritten = take_word(memory->size);
  put_list(call.iovs, call.iovs_len);
  entry = wv_fd_get(guest.fds, call.fd);
  wanted = check_arguments(entry, &call);
  begin_writes(entry, call.positioned ? (int64_t)call.offset : -1,
               options >> 4);
  outgoing.base = memory->base;
  outgoing.shared = shared;
  outgoing.list = call.iovs;

  begin_shadow();
  ended = !run(&call, (options & 4) != 0, &error);
  if (error == WV_SUCCESS) {
    nwritten = load_u32(memory->base + call.nwritten);
    wv_store_u32(shadow + call.nwritten, nwritten);
  }
  end_shadow();

  CHECK(guest.calls == calls + (error == WV_SUCCESS));
  CHECK(guest.bytes == bytes + (error == WV_SUCCESS ? outgoing.out : 0));
  CHECK(wv_fd_get(guest.fds, call.fd) == entry);
  if (ended) {
    CHECK(wanted == WV_SUCCESS);
  } else if (wanted != WV_SUCCESS) {
    CHECK(error == wanted);
    CHECK(outgoing.writes == 0);
    if (error == WV_DELIVER) CHECK(guest.target == (uint32_t)entry->host_fd);
  } else if (shared) {
    CHECK(outgoing.out <= UINT32_MAX);
    CHECK(error != WV_SUCCESS || nwritten == outgoing.out);
  } else {
    check_outcome(error, entry, call.positioned, nwritten);
  }
}

static void buffered_call(void) {
  uint32_t len = take_word(4096) % 8192;
  uint8_t options = take_u8();
  uint32_t fd = take_u8() & 3;
  int64_t offset = options & 1 ? (int64_t)take_u32() : -1;
  wv_fd *entry = wv_fd_get(guest.fds, fd);
  uint64_t calls = guest.calls, bytes = guest.bytes;
  uint64_t total = 0;
  uint64_t done;
  uint8_t *buf;
  wv_errno error;

  if (entry == NULL) return;
  if (entry->kind == WV_KIND_TARGET) return; /* JS does the rest */
  buf = malloc(len);
  memcpy(buf, pattern(), len);
  expected.elements[0] = (wv_iovec){.buf = 0, .buf_len = len};
  expected.count = 1;
  expected.at = expected.off = 0;
  begin_writes(entry, offset, options >> 4);
  outgoing.base = buf;
  outgoing.shared = false;
  do {
    error = wv_write_out(&guest, entry, buf + total, len - total,
                         offset < 0 ? -1 : offset + (int64_t)total, &done);
    total += done;
    CHECK(total == outgoing.out);
    if (error == WV_RESUME) CHECK(outgoing.stream && slice_is_over());
    resume_writes();
    guest.resumed = true;
  } while (error == WV_RESUME);
  guest.resumed = false;
  free(buf);
  CHECK(guest.calls == calls && guest.bytes == bytes); /* counted before */
  CHECK((error == WV_SUCCESS) == (total == len));
}

void fuzz_writes(void) {
  uint8_t options;

  begin_kernel(&write_answers);
  memset(&outgoing, 0, sizeof(outgoing));
  host_fds = 0;
  begin_guest(OPEN_MAX_OF_GUEST);
  options = take_u8();
  guest.wait_timeout = (int64_t)(options % 4) - 1;
  guest.may_block = (options & 4) != 0;
  if (guest.wait_timeout > 0) guest.wait_timeout = take_u8();

  for (int i = 0; i < CALLS_MAX && input_left > 0; i++) {
    set_entry();
    if (take_u8() & 1) set_entry();
    if (take_u8() % 4 == 0)
      buffered_call();
    else
      write_call();
  }

  check_table();
  end_guest();
  check_all_closed();
}
