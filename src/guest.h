/* One guest: its memory, its descriptors, and the dispatch of its calls. */
#ifndef WV_GUEST_H
#define WV_GUEST_H

#include "fd_table.h"
#include "memory.h"

/* Not an errno of WASI: the write is for a target, wv_guest.target. */
#define WV_DELIVER ((wv_errno)0xffff)

/* Strings, one after the other, each with its NUL. */
typedef struct wv_strings {
  char *bytes; /* malloc, or NULL */
  uint32_t size;
  uint32_t count;
} wv_strings;

/* Zero but for wait_timeout and fds.limit when it starts. */
typedef struct wv_guest {
  wv_memory memory;
  wv_fd_table fds;
  wv_strings args;
  wv_strings environ;
  int64_t wait_timeout; /* milliseconds on a full stream, -1 for no limit */
  uint8_t *scratch;     /* WV_SCRATCH_SIZE bytes, or NULL until it is needed */
  uint32_t target;      /* with WV_DELIVER: the number of the target */
  uint64_t calls;       /* writes that succeeded */
  uint64_t bytes;       /* that they wrote */
} wv_guest;

/* The entry of `fd`, of which the guest has all of `rights`.
 * EBADF: not open, or its description is not open for reading or writing where
 * `rights` has FD_READ or FD_WRITE. ENOTCAPABLE: a right is missing. */
wv_errno wv_guest_fd(const wv_guest *guest, uint32_t fd, uint64_t rights,
                     wv_fd **entry);

/* The same for a call that gives an offset.
 * ESPIPE: what stands there cannot seek, whatever the rights. */
wv_errno wv_guest_seekable(const wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry);

/* Makes the call in the mailbox: its arguments stand there as calls.h says. */
wv_errno wv_dispatch(wv_guest *guest, const uint32_t *box);

/* Closes and frees all that the guest has. */
void wv_guest_free(wv_guest *guest);

#endif
