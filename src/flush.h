/* Buffered writes and their flushes. */
#ifndef WV_FLUSH_H
#define WV_FLUSH_H

#include "guest.h"

/* fd_write and fd_pwrite of a guest with a buffer. Also WV_DELIVER,
 * WV_DELIVER_BUFFERED, WV_ASK, WV_RESUME. */
wv_errno wv_buffered_write(struct wv_guest *guest, uint32_t fd, uint32_t iovs,
                           uint32_t iovs_len, uint32_t nwritten,
                           uint32_t flags);
wv_errno wv_buffered_pwrite(struct wv_guest *guest, uint32_t fd, uint32_t iovs,
                            uint32_t iovs_len, uint64_t offset,
                            uint32_t nwritten, uint32_t flags);

/* Flushes before a call that could see the buffered bytes. An errno concerns
 * the fd that the call names, and is the call's. WV_DELIVER_BUFFERED,
 * WV_RESUME. */
wv_errno wv_buffer_before(struct wv_guest *guest, uint32_t fd);

/* Writes all that it can, including unflushed bytes. `limit` is the most
 * milliseconds to wait, WV_NO_LIMIT for the guest's own. Returns an errno,
 * WV_DELIVER_BUFFERED or WV_RESUME. */
#define WV_NO_LIMIT UINT32_MAX
wv_errno wv_buffer_flush(struct wv_guest *guest, uint32_t limit);

/* After WV_DELIVER_BUFFERED: JS has copied the unflushed bytes and delivers
 * them. */
void wv_buffer_taken(wv_buffer *buffer);

/* JS could not deliver `bytes` to the target at `fd`: keeps them as unflushed.
 * False: they have no place any more. */
bool wv_buffer_give_back(struct wv_guest *guest, uint32_t fd, uint32_t target,
                         wv_memory bytes, wv_errno error);

/* Drops the buffered and unflushed bytes. Returns how many there were. */
uint32_t wv_buffer_discard(struct wv_guest *guest);

/* Updates the counts. Returns the number of bytes buffered so far, without
 * those that a flush failed to write. */
uint64_t wv_buffer_count(wv_buffer *buffer);

#endif
