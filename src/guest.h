/* One guest: its memory, its descriptors, and the dispatch of its calls. */
#ifndef WV_GUEST_H
#define WV_GUEST_H

#include "buffer.h"
#include "fd_table.h"
#include "memory.h"
#include "wait.h"

/* Not errnos of WASI, as WV_RESUME is none: what JS is to do. The write is for
 * a target of JS, wv_guest.target; what waits in the buffer is, and comes
 * before this call; does the target take anything, which is to be buffered for
 * it? */
#define WV_DELIVER ((wv_errno)0xffff)
#define WV_DELIVER_BUFFERED ((wv_errno)0xfffd)
#define WV_ASK ((wv_errno)0xfffc)

/* 0 to 2. */
#define WV_OWN_STREAMS 3

/* Strings, one after the other, each with its NUL. */
typedef struct wv_strings {
  char *bytes; /* malloc, or NULL */
  uint32_t size;
  uint32_t count;
} wv_strings;

/* The entries of a shared table that the call in progress holds. */
typedef struct wv_held {
  wv_fd **entries; /* malloc, or NULL */
  uint32_t size;
  uint32_t count;
} wv_held;

/* Zero but for wait_timeout and fds when it starts. */
typedef struct wv_guest {
  wv_memory memory;
  wv_fd_table *fds;
  wv_fd *own[WV_OWN_STREAMS]; /* with a shared table: its streams, or NULL */
  wv_held held;
  wv_strings args;
  wv_strings environ;
  int64_t wait_timeout; /* milliseconds on a full stream, -1 for no limit */
  bool may_block;       /* a write may block in the system: nothing ends it */
  bool closed;          /* by the host: it joins no other's table */
  bool resumed;         /* the call in progress is made once more: see wait.h */
  wv_wait wait;
  wv_buffer buffer;
  uint8_t *scratch; /* WV_SCRATCH_SIZE bytes, or NULL until it is needed */
  uint32_t target;  /* with WV_DELIVER and WV_ASK: its number */
  uint64_t calls;   /* writes to the system that succeeded */
  uint64_t bytes;   /* that they wrote */
} wv_guest;

/* Of a shared table. */
wv_fd *wv_guest_hold(wv_guest *guest, uint32_t fd);

/* The entry of `fd`, or NULL. It stays until the call is over. */
static inline wv_fd *wv_guest_get(wv_guest *guest, uint32_t fd) {
  return guest->fds->mutex == NULL ? wv_fd_get(guest->fds, fd)
                                   : wv_guest_hold(guest, fd);
}

/* The same, of which the guest has all of `rights`.
 * EBADF: not open, or its description is not open for reading or writing where
 * `rights` has FD_READ or FD_WRITE. ENOTCAPABLE: a right is missing. */
wv_errno wv_guest_fd(wv_guest *guest, uint32_t fd, uint64_t rights,
                     wv_fd **entry);

/* The checks of wv_guest_fd, for an entry that was looked up: a second look may
 * find another, where threads share the table. */
wv_errno wv_fd_allows(const wv_fd *entry, uint64_t rights);

/* wv_guest_fd for a call that gives an offset.
 * ESPIPE: what stands there cannot seek, whatever the rights. */
wv_errno wv_guest_seekable(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry);

/* Lets go of an entry that was taken out of the table. That of an own stream is
 * a marker: the stream goes too, of this thread. The errno of close(2). */
wv_errno wv_guest_let_go(wv_guest *guest, wv_fd *entry);

/* Gives what was opened for the guest a number: wv_fd_insert. */
wv_errno wv_guest_insert(wv_guest *guest, wv_fd *entry, uint32_t *fd);

/* The waits of the call in progress: at most `limit` milliseconds, -1 for no
 * limit. A call that is resumed goes on with what it has. */
wv_wait *wv_guest_wait(wv_guest *guest, int64_t limit);

/* Has the call that is made once more done something? Then it succeeds with
 * `*done`, also where its arguments are no longer good: another thread may have
 * changed them since, or the data that was read may be over them. */
static inline bool wv_guest_has_done(const wv_guest *guest, uint32_t *done) {
  if (!guest->resumed || guest->wait.done == 0) return false;
  *done = (uint32_t)guest->wait.done;
  return true;
}

/* Ends an operation of the host's that looked at entries; a call does so
 * itself. */
void wv_guest_release(wv_guest *guest);

/* The two ways of wv_dispatch. */
wv_errno wv_call(wv_guest *guest, const uint32_t *box);
wv_errno wv_call_with_care(wv_guest *guest, const uint32_t *box);

/* Makes the call in the mailbox: its arguments stand there as calls.h says.
 * Where something is buffered, that may come first; where threads share the
 * table, what the call holds is let go. */
static inline wv_errno wv_dispatch(wv_guest *guest, const uint32_t *box) {
  return guest->buffer.entry == NULL && guest->fds->mutex == NULL
             ? wv_call(guest, box)
             : wv_call_with_care(guest, box);
}

/* Closes all that the guest has open; what is not written is given up. ENOMEM:
 * nothing has happened. */
wv_errno wv_guest_close(wv_guest *guest);

/* Writes what is buffered as far as nothing is to be waited for, closes and
 * frees all that the guest has. */
void wv_guest_free(wv_guest *guest);

#endif
