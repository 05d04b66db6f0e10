/* One guest: its memory, its descriptors, and the state of the call in
 * progress. */
#ifndef WV_GUEST_H
#define WV_GUEST_H

#include "abi.h"
#include "buffer.h"
#include "fd_table.h"
#include "memory.h"
#include "wait.h"

/* Not errnos of WASI: lib/native/abi.js says what JS does with them. */
#define WV_DELIVER ((wv_errno)WV_ANSWER_DELIVER)
#define WV_DELIVER_BUFFERED ((wv_errno)WV_ANSWER_DELIVER_BUFFERED)
#define WV_ASK ((wv_errno)WV_ANSWER_ASK)
#define WV_ENDED ((wv_errno)WV_ANSWER_ENDED)

/* The fds 0 to 2. */
#define WV_OWN_STREAMS 3

/* Strings in a row, each with its NUL. */
typedef struct wv_strings {
  char *bytes; /* malloc, or NULL */
  uint32_t size;
  uint32_t count;
} wv_strings;

/* A lookup in a shared table, kept for the call in progress. If resumed, the
 * call gets the same entries in the same order, although another thread may
 * have closed an fd since and reused its number. */
typedef struct wv_lookup {
  wv_fd *entry; /* NULL: not open */
  uint32_t fd;
  bool held; /* false for the thread's own stream */
} wv_lookup;

typedef struct wv_lookups {
  wv_lookup *list; /* malloc, or NULL */
  uint32_t size;
  uint32_t count;
  uint32_t next; /* the next one to reuse in a resumed call */
} wv_lookups;

/* Starts as zeros, except wait_timeout and fds. */
typedef struct wv_guest {
  wv_memory memory;
  wv_fd_table *fds;
  wv_fd *own[WV_OWN_STREAMS]; /* with a shared table: the thread's streams */
  wv_lookups lookups;
  wv_strings args;
  wv_strings environ;
  int64_t wait_timeout; /* milliseconds on a full stream, -1 for no limit */
  bool may_block;       /* writes may block in the kernel: nothing ends them */
  bool closed;          /* the host has closed it: it joins no shared table */
  bool resumed; /* this call resumes one that a wait interrupted: see wait.h */
  wv_wait wait;
  struct wv_run *run; /* held, or NULL: its own thread has started it */
  wv_buffer buffer;
  uint8_t *scratch; /* WV_SCRATCH_SIZE bytes; NULL until first needed */
  uint32_t target;  /* with WV_DELIVER and WV_ASK: the number of the target */
  uint64_t calls;   /* unbuffered writes that succeeded, also to captures */
  uint64_t bytes;   /* bytes that they wrote */
} wv_guest;

/* wv_guest_get for a shared table. */
wv_fd *wv_guest_hold(wv_guest *guest, uint32_t fd);

/* The entry of `fd`, or NULL. It stays valid until the call is over. */
static inline wv_fd *wv_guest_get(wv_guest *guest, uint32_t fd) {
  return guest->fds->mutex == NULL ? wv_fd_get(guest->fds, fd)
                                   : wv_guest_hold(guest, fd);
}

/* The entry of `fd`, if the guest has all of `rights`.
 * EBADF: not open, or not open for the reading or writing that `rights` name.
 * ENOTCAPABLE: a right is missing. */
wv_errno wv_guest_fd(wv_guest *guest, uint32_t fd, uint64_t rights,
                     wv_fd **entry);

/* The checks of wv_guest_fd on an entry already looked up. In a shared table a
 * second lookup might find another entry. */
wv_errno wv_fd_allows(const wv_fd *entry, uint64_t rights);

/* wv_guest_fd for a call with an offset.
 * ESPIPE: the file cannot seek, whatever the rights. */
wv_errno wv_guest_seekable(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry);

/* Releases an entry taken out of the table, and this thread's stream if it is
 * the marker of one. Returns the errno of close(2). */
wv_errno wv_guest_let_go(wv_guest *guest, wv_fd *entry);

/* wv_fd_insert for something opened for the guest. */
wv_errno wv_guest_insert(wv_guest *guest, wv_fd *entry, uint32_t *fd);

/* The wait state of the call in progress. The call waits at most `limit`
 * milliseconds in all, -1 for no limit. A resumed call keeps its state. */
wv_wait *wv_guest_wait(wv_guest *guest, int64_t limit);

/* Has the resumed call already moved bytes? Then it succeeds with `*done`,
 * although another thread, or the data read, may have overwritten its
 * arguments. */
static inline bool wv_guest_has_done(const wv_guest *guest, uint32_t *done) {
  if (!guest->resumed || guest->wait.done == 0) return false;
  *done = (uint32_t)guest->wait.done;
  return true;
}

/* Drops the lookups, at the end of a call or of an operation. */
void wv_guest_release(wv_guest *guest);

#endif
