/* Flushes the buffer. */
#include "flush.h"

#include "capture.h"
#include "run.h"
#include "write.h"

static bool is_open(const wv_buffer *buffer) {
  return buffer->entry != NULL && buffer->left == 0;
}

static void reset_header(wv_buffer *buffer) {
  wv_buffer_set_wide(buffer, WV_BUFFER_WRITE_FD, -1);
  wv_buffer_set_wide(buffer, WV_BUFFER_PWRITE_FD, -1);
  wv_buffer_set_word(buffer, WV_BUFFER_USED, 0);
  wv_buffer_set_word(buffer, WV_BUFFER_CAPACITY, 0);
}

void wv_buffer_set(wv_buffer *buffer, wv_memory memory, uint8_t what) {
  *buffer = (wv_buffer){
      .base = memory.base,
      .size = (uint32_t)(memory.size - WV_BUFFER_HEADER_SIZE),
      .what = what,
      .last_fd = WV_NO_FD,
  };
  reset_header(buffer);
}

uint64_t wv_buffer_count(wv_buffer *buffer) {
  uint32_t calls;

  if (buffer->base == NULL) return buffer->bytes;
  calls = wv_buffer_word(buffer, WV_BUFFER_CALLS);
  buffer->calls += (uint32_t)(calls - buffer->seen_calls);
  buffer->seen_calls = calls;
  return buffer->bytes + wv_buffer_word(buffer, WV_BUFFER_USED) +
         (buffer->error == WV_SUCCESS ? buffer->left : 0);
}

static void let_go(wv_buffer *buffer) {
  wv_fd_release(buffer->entry);
  buffer->entry = NULL;
  buffer->left = 0;
  buffer->error = WV_SUCCESS;
}

void wv_buffer_unset(wv_buffer *buffer) {
  wv_run_unwatch(buffer);
  if (buffer->entry != NULL) let_go(buffer);
  buffer->base = NULL;
}

/* Closes the buffer to further writes: the buffered bytes become unflushed
 * bytes. */
static void close_buffer(wv_buffer *buffer) {
  const uint32_t used = wv_buffer_word(buffer, WV_BUFFER_USED);

  wv_run_unwatch(buffer);
  buffer->offset = wv_buffer_wide(buffer, WV_BUFFER_PWRITE_FD) < 0
                       ? -1
                       : wv_buffer_wide(buffer, WV_BUFFER_END) - used;
  wv_buffer_count(buffer);
  if (wv_buffer_wide(buffer, WV_BUFFER_PWRITE_FD) >= 0) {
    buffer->last_fd = buffer->fd;
    buffer->last_end = wv_buffer_wide(buffer, WV_BUFFER_END);
  }
  reset_header(buffer);
  buffer->bytes += buffer->from;
  buffer->left = used - buffer->from;
  if (used > 0) buffer->flushes++;
  if (buffer->left == 0) let_go(buffer);
}

static wv_errno write_unflushed(struct wv_guest *guest, uint64_t *done) {
  const wv_buffer *buffer = &guest->buffer;
  uint8_t *bytes = wv_buffer_data(buffer) + buffer->from;
  wv_fd *entry = buffer->entry;

  *done = 0;
  if (entry->kind != WV_KIND_TARGET)
    return wv_write_out(guest, entry, bytes, buffer->left, buffer->offset,
                        done);
  if (entry->capture == NULL) return WV_DELIVER_BUFFERED;
  *done = wv_capture_write(entry->capture, bytes, buffer->left);
  return *done == buffer->left ? WV_SUCCESS : WV_ENOSPC;
}

static wv_errno drain(struct wv_guest *guest) {
  wv_buffer *buffer = &guest->buffer;
  uint64_t done;
  wv_errno error = write_unflushed(guest, &done);

  buffer->from += (uint32_t)done;
  buffer->left -= (uint32_t)done;
  buffer->bytes += done;
  if (buffer->offset >= 0) buffer->offset += (int64_t)done;
  if (error == WV_RESUME || error == WV_DELIVER_BUFFERED) return error;
  /* Later waits of the call do not belong to this flush. */
  guest->resumed = false;
  if (buffer->left == 0)
    let_go(buffer);
  else
    buffer->error = error;
  return error;
}

/* Do the buffered bytes belong to this fd? Its number may stand for another
 * entry by now. */
static bool is_about(struct wv_guest *guest, uint32_t fd) {
  return fd != WV_NO_FD && guest->buffer.entry != NULL &&
         wv_guest_get(guest, fd) == guest->buffer.entry;
}

wv_errno wv_buffer_before(struct wv_guest *guest, uint32_t fd) {
  wv_buffer *buffer = &guest->buffer;
  const wv_fd *entry = buffer->entry;
  wv_errno error;
  bool about;

  if (entry == NULL) return WV_SUCCESS;
  about = is_about(guest, fd);
  if (is_open(buffer)) close_buffer(buffer);
  if (buffer->entry == NULL) return WV_SUCCESS;
  /* A failed flush is tried again only for a call on that fd. */
  if (buffer->error != WV_SUCCESS && !about) return WV_SUCCESS;
  error = drain(guest);
  if (error == WV_RESUME || error == WV_DELIVER_BUFFERED) return error;
  return about ? error : WV_SUCCESS;
}

wv_errno wv_buffer_flush(struct wv_guest *guest, uint32_t limit) {
  const int64_t own_limit = guest->wait_timeout;
  wv_buffer *buffer = &guest->buffer;
  wv_errno error = WV_SUCCESS;

  if (buffer->entry == NULL) return WV_SUCCESS;
  if (is_open(buffer)) close_buffer(buffer);
  if (limit != WV_NO_LIMIT) guest->wait_timeout = limit;
  if (buffer->entry != NULL) error = drain(guest);
  guest->wait_timeout = own_limit;
  return error;
}

void wv_buffer_taken(wv_buffer *buffer) {
  if (buffer->left == 0) return;
  buffer->bytes += buffer->left;
  let_go(buffer);
}

bool wv_buffer_give_back(struct wv_guest *guest, uint32_t fd, uint32_t target,
                         wv_memory bytes, wv_errno error) {
  wv_buffer *buffer = &guest->buffer;
  wv_fd *entry = wv_guest_get(guest, fd);

  if (entry == NULL || entry->kind != WV_KIND_TARGET ||
      entry->capture != NULL || (uint32_t)entry->host_fd != target)
    return false;
  if (bytes.size == 0) return true;
  if (is_open(buffer) && wv_buffer_word(buffer, WV_BUFFER_USED) == 0)
    close_buffer(buffer);
  if (buffer->entry != NULL || bytes.size > buffer->size) return false;
  memcpy(wv_buffer_data(buffer), bytes.base, (size_t)bytes.size);
  atomic_fetch_add(&entry->holders, 1);
  buffer->entry = entry;
  buffer->fd = fd;
  buffer->from = 0;
  buffer->left = (uint32_t)bytes.size;
  buffer->offset = -1;
  buffer->error = error;
  return true;
}

uint32_t wv_buffer_discard(struct wv_guest *guest) {
  wv_buffer *buffer = &guest->buffer;
  uint32_t left;

  if (buffer->entry == NULL) return 0;
  if (is_open(buffer)) close_buffer(buffer);
  left = buffer->left;
  if (buffer->entry != NULL) let_go(buffer);
  return left;
}
