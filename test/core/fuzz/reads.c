/* fd_read, fd_pread and sock_recv.
 *
 * The received bytes must be in the guest's buffers, in order. Nothing else in
 * memory may change except the results. The errno must be that of the first
 * failed check, or of the failed system call. */
#include <errno.h>
#include <string.h>

#include "calls.h"
#include "core.h"
#include "iovec.h"
#include "reads_kernel.h"

enum { OPEN_MAX_OF_GUEST = 4, CALLS_MAX = 4 };

static int host_fds;

typedef struct read_arguments {
  reading reading;
  uint32_t fd;
  uint32_t iovs;
  uint32_t iovs_len;
  uint32_t nread;
  uint32_t flags; /* for sock_recv */
  uint32_t roflags;
  uint64_t offset; /* for fd_pread */
} read_arguments;

/* The oracle. */

static wv_errno check_kind(const read_arguments *call, const wv_fd *entry) {
  switch (call->reading) {
    case PREAD:
      return entry->kind == WV_KIND_PIPE || entry->kind == WV_KIND_SOCKET ||
                     entry->kind == WV_KIND_TERMINAL ||
                     entry->kind == WV_KIND_TARGET
                 ? WV_ESPIPE
                 : WV_SUCCESS;
    case RECEIVE:
      if (kind_of_incoming() < 0) return WV_EIO;
      return kind_of_incoming() == WV_KIND_SOCKET ? WV_SUCCESS : WV_ENOTSOCK;
    default:
      return WV_SUCCESS;
  }
}

/* The checks in their order, and the size of the list. */
static wv_errno check_arguments(const read_arguments *call,
                                const wv_fd *entry) {
  uint64_t rights =
      WV_RIGHTS_FD_READ | (call->reading == PREAD ? WV_RIGHTS_FD_SEEK : 0);
  wv_errno error;

  expect_nothing();
  if (entry == NULL) return WV_EBADF;
  error = check_kind(call, entry);
  if (error != WV_SUCCESS) return error;
  if (!(entry->flags & WV_FD_READABLE)) return WV_EBADF;
  if ((entry->rights & rights) != rights) return WV_ENOTCAPABLE;
  if (!in_memory(call->nread, 4)) return WV_EFAULT;
  if (call->reading == RECEIVE && !in_memory(call->roflags, 2))
    return WV_EFAULT;
  error = expect_list(call->iovs, call->iovs_len);
  if (error != WV_SUCCESS) return error;
  if (call->reading == PREAD && call->offset > INT64_MAX) return WV_EINVAL;
  if (call->reading == RECEIVE && call->flags > 3) return WV_EINVAL;
  return WV_SUCCESS;
}

static void check_outcome(const read_arguments *call, const wv_fd *entry,
                          wv_errno error) {
  const bool waits = !incoming.nonblock && call->reading != PREAD;

  if (expected.total == 0 && call->reading != RECEIVE) {
    CHECK(error == (incoming.bad_fd ? WV_EBADF : WV_SUCCESS));
    CHECK(incoming.reads == 0 && incoming.offered == 0);
    return;
  }
  /* A call that may wait must not return AGAIN. */
  CHECK(error != WV_EAGAIN || !waits);
  if (incoming.in > 0) {
    CHECK(error == WV_SUCCESS);
    CHECK(incoming.reads == 1 || incoming.all);
    if (incoming.all)
      CHECK(incoming.in == expected.total || incoming.at_end ||
            (incoming.error != 0 && (incoming.error != EAGAIN || !waits)) ||
            is_anywhere());
  } else if (incoming.error != 0) {
    CHECK(error == namesake(incoming.error));
  } else {
    CHECK(error == WV_SUCCESS && incoming.at_end);
    /* A call on a FIFO that has had no writer must wait. */
    if (entry->kind == WV_KIND_PIPE && waits)
      CHECK(!(entry->flags & WV_FD_AWAITS_WRITER));
  }
}

/* Calls of the input. */

static wv_fd make_entry(uint8_t what, uint8_t flags) {
  static const uint8_t kinds[] = {
      WV_KIND_FILE,   WV_KIND_PIPE,    WV_KIND_SOCKET,    WV_KIND_UNKNOWN,
      WV_KIND_DEVICE, WV_KIND_UNKNOWN, WV_KIND_DIRECTORY, WV_KIND_TERMINAL,
      WV_KIND_PIPE,   WV_KIND_SOCKET,  WV_KIND_TARGET};
  wv_fd entry = {.host_fd = host_fds++, .kind = kinds[what % sizeof(kinds)]};

  entry.rights = WV_RIGHTS_ALL;
  if (flags % 8 == 1) entry.rights &= ~WV_RIGHTS_FD_READ;
  if (flags % 8 == 2) entry.rights &= ~WV_RIGHTS_FD_SEEK;
  if (flags % 8 != 3) entry.flags |= WV_FD_READABLE;
  if (flags & 8) entry.fdflags |= WV_FDFLAGS_NONBLOCK;
  if (flags & 16) entry.flags |= WV_FD_OWNED;
  if (flags & 32) entry.flags |= WV_FD_WRITABLE;
  if (entry.kind == WV_KIND_UNKNOWN) entry.flags |= WV_FD_OWNED;
  if (entry.kind == WV_KIND_PIPE && entry.flags & WV_FD_OWNED && flags & 64)
    entry.flags |= WV_FD_AWAITS_WRITER;
  if (entry.kind == WV_KIND_SOCKET)
    entry.filetype =
        flags & 64 ? WV_FILETYPE_SOCKET_DGRAM : WV_FILETYPE_SOCKET_STREAM;
  if (entry.kind == WV_KIND_TARGET)
    entry.flags &= (uint8_t) ~(WV_FD_OWNED | WV_FD_READABLE);
  kernel.owned[entry.host_fd] = (entry.flags & WV_FD_OWNED) != 0;
  return entry;
}

static void set_entry(void) {
  uint8_t what = take_u8();
  wv_fd entry = make_entry(what, take_u8());

  CHECK(wv_fd_insert_at(guest.fds, what >> 6, &entry) == WV_SUCCESS);
}

static wv_errno make_call(const read_arguments *call) {
  static const enum wv_op ops[] = {WV_OP_FD_READ, WV_OP_FD_PREAD,
                                   WV_OP_SOCK_RECV};
  _Alignas(8) uint32_t box[WV_BOX_WORDS] = {0};
  uint32_t *a = box + WV_BOX_ARGUMENTS;

  box[WV_BOX_OP] = ops[call->reading];
  a[0] = call->fd;
  a[1] = call->iovs;
  a[2] = call->iovs_len;
  a[3] = call->reading == RECEIVE ? call->flags : call->nread;
  if (call->reading == RECEIVE) {
    a[4] = call->nread;
    a[5] = call->roflags;
  } else {
    memcpy(box + WV_BOX_WIDE * 2, &call->offset, sizeof(call->offset));
  }
  return wv_dispatch(&guest, box);
}

static void take_call(read_arguments *call, uint8_t options) {
  call->reading = (reading)(options % 3);
  call->fd = take_u8() & 3;
  if (call->reading == PREAD) call->offset = take_u64();
  if (call->reading == RECEIVE) {
    call->flags = take_u8();
    if (call->flags < 252) call->flags %= 4;
    call->roflags = take_word(guest.memory.size);
  }
  call->iovs_len = take_word(guest.memory.size / 8);
  call->iovs = take_word(guest.memory.size - (uint64_t)call->iovs_len * 8);
  call->nread = take_word(guest.memory.size);
  put_list(call->iovs, call->iovs_len);
}

/* Makes all slices of a call, or those before V8 ends the guest; returns how
 * many. `*wanted` is the errno of the checks in the last slice. */
static int run(const read_arguments *call, const wv_fd *entry, wv_errno *wanted,
               wv_errno *error) {
  int slices = 1;

  for (;; slices++) {
    *wanted = check_arguments(call, entry);
    resume_reads();
    *error = make_call(call);
    if (*error != WV_RESUME) break;
    CHECK(slice_is_over() && call->reading != PREAD);
    if (input_left == 0 || take_u8() % 16 == 15) break;
    guest.resumed = true;
  }
  guest.resumed = false;
  return slices;
}

static void store_results(const read_arguments *call) {
  wv_store_u32(shadow + call->nread, (uint32_t)incoming.in);
  if (call->reading == RECEIVE)
    wv_store_u16(shadow + call->roflags, incoming.truncated ? 1 : 0);
}

static void read_call(void) {
  uint8_t options = take_u8();
  read_arguments call = {0};
  wv_errno wanted, error;
  wv_fd *entry;
  int slices;

  take_call(&call, options);
  entry = wv_fd_get(guest.fds, call.fd);
  begin_reads(entry, call.reading, options >> 5);
  incoming.shared = (options & 16) != 0;
  if (call.reading == PREAD) incoming.offset = (int64_t)call.offset;
  if (call.reading == RECEIVE) {
    incoming.peek = (call.flags & WV_RIFLAGS_PEEK) != 0;
    incoming.all = call.flags == WV_RIFLAGS_WAITALL && entry != NULL &&
                   (entry->kind == WV_KIND_UNKNOWN
                        ? incoming.finds == 2
                        : entry->filetype != WV_FILETYPE_SOCKET_DGRAM);
  }

  incoming.list = call.iovs;
  incoming.list_end = call.iovs + (uint64_t)call.iovs_len * 8;

  begin_shadow();
  slices = run(&call, entry, &wanted, &error);
  if (error == WV_RESUME) {
    CHECK(wanted == WV_SUCCESS);
  } else if (wanted != WV_SUCCESS && slices > 1 && incoming.in > 0) {
    /* Bytes received before a wait count, even if the list is invalid by now.
     */
    CHECK(error == WV_SUCCESS);
    store_results(&call);
  } else if (wanted != WV_SUCCESS) {
    CHECK(error == wanted);
    /* No system call comes before the checks. In a later slice the list may
     * differ. */
    CHECK(slices > 1 || incoming.offered == 0);
  } else {
    check_outcome(&call, entry, error);
    if (error == WV_SUCCESS) store_results(&call);
  }
  if (is_anywhere()) memcpy(shadow, guest.memory.base, guest.memory.size);
  end_shadow();
  CHECK(wv_fd_get(guest.fds, call.fd) == entry);
  CHECK(guest.calls == 0 && guest.bytes == 0);
}

void fuzz_reads(void) {
  begin_kernel(&read_answers);
  host_fds = 0;
  begin_guest(OPEN_MAX_OF_GUEST);
  for (int i = 0; i < CALLS_MAX && input_left > 0; i++) {
    set_entry();
    if (take_u8() & 1) set_entry();
    read_call();
  }
  check_table();
  end_guest();
  check_all_closed();
}
