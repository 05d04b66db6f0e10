/* Buffered writes, and when what is buffered goes out. */
#ifndef WV_FLUSH_H
#define WV_FLUSH_H

#include "guest.h"

/* fd_write and fd_pwrite. WV_DELIVER, WV_DELIVER_BUFFERED, WV_ASK,
 * WV_RESUME. */
wv_errno wv_buffered_write(struct wv_guest *guest, uint32_t fd, uint32_t iovs,
                           uint32_t iovs_len, uint32_t nwritten,
                           uint32_t flags);
wv_errno wv_buffered_pwrite(struct wv_guest *guest, uint32_t fd, uint32_t iovs,
                            uint32_t iovs_len, uint64_t offset,
                            uint32_t nwritten, uint32_t flags);

/* Writes what is buffered, before a call that could see it. An errno is of the
 * fd that the call is about, and takes the place of the call.
 * WV_DELIVER_BUFFERED, WV_RESUME. */
wv_errno wv_buffer_before(struct wv_guest *guest, uint32_t fd);

/* Writes all that can be, also what a flush has left. `limit` milliseconds of
 * waiting, WV_NO_LIMIT for the guest's own. The errno, or one of the two. */
#define WV_NO_LIMIT UINT32_MAX
wv_errno wv_buffer_flush(struct wv_guest *guest, uint32_t limit);

/* With WV_DELIVER_BUFFERED: the unflushed bytes are JS's, which has a copy. */
void wv_buffer_taken(wv_buffer *buffer);

/* JS could not deliver them to the target at `fd`. False: there is no place for
 * them any more. */
bool wv_buffer_give_back(struct wv_guest *guest, uint32_t fd, uint32_t target,
                         wv_memory bytes, wv_errno error);

/* Forgets what is not written. Returns how many bytes that were. */
uint32_t wv_buffer_discard(struct wv_guest *guest);

/* Brings the counts up to date. Returns the bytes that were buffered, but for
 * those that a flush could not write. */
uint64_t wv_buffer_count(wv_buffer *buffer);

#endif
