/* One guest. */
#include "guest.h"

#include <stdlib.h>

#include "calls.h"
#include "sharing.h"

void wv_guest_release(wv_guest *guest) {
  while (guest->held.count > 0)
    wv_fd_release(guest->held.entries[--guest->held.count]);
}

wv_errno wv_fd_allows(const wv_fd *entry, uint64_t rights) {
  const uint8_t readable = rights & WV_RIGHTS_FD_READ ? WV_FD_READABLE : 0;
  const uint8_t writable = rights & WV_RIGHTS_FD_WRITE ? WV_FD_WRITABLE : 0;
  const uint8_t access = readable | writable;

  if ((entry->flags & access) != access) return WV_EBADF;
  return (entry->rights & rights) == rights ? WV_SUCCESS : WV_ENOTCAPABLE;
}

wv_errno wv_guest_fd(wv_guest *guest, uint32_t fd, uint64_t rights,
                     wv_fd **entry) {
  *entry = wv_guest_get(guest, fd);
  return *entry == NULL ? WV_EBADF : wv_fd_allows(*entry, rights);
}

wv_errno wv_guest_seekable(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry) {
  wv_errno error = wv_guest_fd(guest, fd, rights, entry);

  return *entry != NULL && !wv_fd_can_seek(*entry) ? WV_ESPIPE : error;
}

wv_errno wv_guest_insert(wv_guest *guest, wv_fd *entry, uint32_t *fd) {
  /* Nobody looks once others can. */
  if (guest->fds->mutex != NULL) wv_fd_learn_kind(entry);
  return wv_fd_insert(guest->fds, entry, fd);
}

wv_wait *wv_guest_wait(wv_guest *guest, int64_t limit) {
  wv_wait *wait = &guest->wait;

  if (!guest->resumed) *wait = (wv_wait){.limit = limit};
  wait->slice_end = 0;
  return wait;
}

/* A call that could see what is buffered, or wait for it, has it written
 * first; where that fails for the fd that it is about, the errno takes its
 * place. */
static wv_errno flush_before(wv_guest *guest, enum wv_op op,
                             const uint32_t *arguments) {
  wv_errno error = WV_SUCCESS;

  switch (op) {
    WV_CALLS_THAT_FLUSH_TWO
    error = wv_buffer_before(guest, arguments[1]);
    if (error != WV_SUCCESS) return error;
    return wv_buffer_before(guest, arguments[0]);
    WV_CALLS_THAT_FLUSH_ONE
    return wv_buffer_before(guest, arguments[0]);
    WV_CALLS_THAT_FLUSH
    return wv_buffer_before(guest, WV_NO_FD);
    default:
      return WV_SUCCESS;
  }
}

wv_errno wv_call(wv_guest *guest, const uint32_t *box) {
#define A(n) box[WV_BOX_ARGUMENTS + (n)]
#define W(n) ((const uint64_t *)(const void *)box)[WV_BOX_WIDE + (n)]
  switch ((enum wv_op)box[WV_BOX_OP]) {
    WV_DISPATCH_CALLS
    case WV_OP_BUFFERED_WRITE:
      return guest->buffer.base == NULL
                 ? wv_fd_write(guest, A(0), A(1), A(2), A(3))
                 : wv_buffered_write(guest, A(0), A(1), A(2), A(3), A(4));
    case WV_OP_BUFFERED_PWRITE:
      return guest->buffer.base == NULL
                 ? wv_fd_pwrite(guest, A(0), A(1), A(2), W(0), A(3))
                 : wv_buffered_pwrite(guest, A(0), A(1), A(2), W(0), A(3),
                                      A(4));
    case WV_OP_FLUSH:
      return wv_buffer_flush(guest, A(0));
    case WV_OP_FLUSH_BEFORE:
      return wv_buffer_before(guest, A(0));
    default:
      return WV_ENOSYS;
  }
#undef A
#undef W
}

wv_errno wv_call_with_care(wv_guest *guest, const uint32_t *box) {
  wv_errno error = WV_SUCCESS;

  if (guest->buffer.entry != NULL)
    error =
        flush_before(guest, (enum wv_op)box[WV_BOX_OP], box + WV_BOX_ARGUMENTS);
  if (error == WV_SUCCESS) error = wv_call(guest, box);
  wv_guest_release(guest);
  return error;
}

static void free_strings(wv_strings *strings) {
  free(strings->bytes);
  *strings = (wv_strings){.bytes = NULL, .size = 0, .count = 0};
}

static void let_go_of_all(wv_guest *guest) {
  uint32_t i;

  wv_buffer_discard(guest);
  for (i = 0; i < WV_OWN_STREAMS; i++) {
    if (guest->own[i] != NULL) wv_fd_release(guest->own[i]);
    guest->own[i] = NULL;
  }
  wv_table_leave(guest->fds);
}

wv_errno wv_guest_close(wv_guest *guest) {
  wv_fd_table *empty = wv_fd_table_new(guest->fds->limit);

  if (empty == NULL) return WV_ENOMEM;
  let_go_of_all(guest);
  guest->fds = empty;
  guest->closed = true;
  return WV_SUCCESS;
}

void wv_guest_free(wv_guest *guest) {
  wv_buffer_flush(guest, 0);
  let_go_of_all(guest);
  free_strings(&guest->args);
  free_strings(&guest->environ);
  free(guest->held.entries);
  free(guest->scratch);
}
