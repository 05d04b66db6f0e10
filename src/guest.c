/* One guest. */
#include "guest.h"

#include <stdlib.h>

#include "calls.h"

wv_errno wv_guest_fd(const wv_guest *guest, uint32_t fd, uint64_t rights,
                     wv_fd **entry) {
  const uint8_t readable = rights & WV_RIGHTS_FD_READ ? WV_FD_READABLE : 0;
  const uint8_t writable = rights & WV_RIGHTS_FD_WRITE ? WV_FD_WRITABLE : 0;
  const uint8_t access = readable | writable;
  wv_fd *found = wv_fd_get(&guest->fds, fd);

  *entry = found;
  if (found == NULL) return WV_EBADF;
  if ((found->flags & access) != access) return WV_EBADF;
  return (found->rights & rights) == rights ? WV_SUCCESS : WV_ENOTCAPABLE;
}

wv_errno wv_guest_seekable(const wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry) {
  wv_errno error = wv_guest_fd(guest, fd, rights, entry);

  return *entry != NULL && !wv_fd_can_seek(*entry) ? WV_ESPIPE : error;
}

wv_errno wv_dispatch(wv_guest *guest, const uint32_t *box) {
#define A(n) box[WV_BOX_ARGUMENTS + (n)]
#define W(n) ((const uint64_t *)(const void *)box)[WV_BOX_WIDE + (n)]
  switch ((enum wv_op)box[WV_BOX_OP]) {
    WV_DISPATCH_CALLS
    default:
      return WV_ENOSYS;
  }
#undef A
#undef W
}

static void free_strings(wv_strings *strings) {
  free(strings->bytes);
  *strings = (wv_strings){.bytes = NULL, .size = 0, .count = 0};
}

void wv_guest_free(wv_guest *guest) {
  wv_fd_table_free(&guest->fds);
  free_strings(&guest->args);
  free_strings(&guest->environ);
  free(guest->scratch);
  guest->scratch = NULL;
}
