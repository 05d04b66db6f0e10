/* fd_write and fd_pwrite of a guest with a buffer: which writes are buffered,
 * and which go out at once. */
#include "../calls.h"
#include "../capture.h"
#include "../flush.h"
#include "../iovec.h"
#include "../run.h"

#define STDERR 2

/* A call of fd_write or fd_pwrite. */
typedef struct request {
  uint32_t fd;
  uint32_t iovs;
  uint32_t iovs_len;
  uint32_t nwritten;
  uint32_t flags;
  bool positioned;
  uint64_t offset;
} request;

static bool is_own_stream(const struct wv_guest *guest, const wv_fd *entry) {
  uint32_t i;

  for (i = 0; i < WV_OWN_STREAMS; i++)
    if (guest->own[i] == entry) return true;
  return false;
}

static uint32_t room_for_target(const wv_buffer *buffer, uint32_t fd,
                                const wv_fd *entry) {
  uint64_t room;

  if (entry->capture == NULL)
    return buffer->what == WV_BUFFERED_ALL && fd != STDERR ? buffer->size : 0;
  room = wv_capture_room(entry->capture);
  return room < buffer->size ? (uint32_t)room : buffer->size;
}

/* How many bytes of an entry may be buffered; 0: its writes go out at once. */
static uint32_t room_for(struct wv_guest *guest, wv_fd *entry,
                         const request *of) {
  const wv_buffer *buffer = &guest->buffer;

  if (of->flags & WV_WRITE_NOT_BUFFERED) return 0;
  if (entry->kind == WV_KIND_TARGET)
    return of->positioned ? 0 : room_for_target(buffer, of->fd, entry);
  if (buffer->what == WV_BUFFERED_CAPTURES || of->fd == STDERR) return 0;
  /* Another thread may look at the file at any time. */
  if (guest->fds->sharing != NULL && !is_own_stream(guest, entry)) return 0;
  if (wv_fd_learn_kind(entry) != WV_SUCCESS) return 0;
  /* NONBLOCK means nothing for a regular file. */
  if (entry->kind == WV_KIND_FILE) return buffer->size;
  if (of->positioned) return 0;
  if (buffer->what != WV_BUFFERED_ALL && !wv_run_may_watch(guest->run, entry))
    return 0;
  return entry->fdflags & WV_FDFLAGS_NONBLOCK ? 0 : buffer->size;
}

static wv_errno write_now(struct wv_guest *guest, const request *of) {
  return of->positioned
             ? wv_fd_pwrite(guest, of->fd, of->iovs, of->iovs_len, of->offset,
                            of->nwritten)
             : wv_fd_write(guest, of->fd, of->iovs, of->iovs_len, of->nwritten);
}

/* Writes after the buffered bytes. Another thread may rewrite `nwritten` in the
 * guest's memory, so guest->bytes gives the count. */
static wv_errno write_through(struct wv_guest *guest, const request *of) {
  wv_buffer *buffer = &guest->buffer;
  wv_errno error = wv_buffer_before(guest, of->fd);
  const uint64_t before = guest->bytes;
  uint64_t written;

  if (error == WV_SUCCESS) error = write_now(guest, of);
  written = guest->bytes - before;
  if (error != WV_SUCCESS || !of->positioned || written == 0) return error;
  buffer->last_fd = of->fd;
  buffer->last_end = (int64_t)(of->offset + written);
  return error;
}

/* Does the write continue the buffered bytes? Compares fds only: the fd may
 * stand for another entry by now. */
static bool goes_behind(const wv_buffer *buffer, const request *of) {
  return of->positioned
             ? wv_buffer_wide(buffer, WV_BUFFER_PWRITE_FD) == of->fd &&
                   wv_buffer_wide(buffer, WV_BUFFER_END) == (int64_t)of->offset
             : wv_buffer_wide(buffer, WV_BUFFER_WRITE_FD) == of->fd;
}

/* A write at an unexpected offset would fill a buffer alone. Expected is the
 * end of the buffered bytes, or of the last fd_pwrite to the fd, else 0. */
static bool is_elsewhere(const wv_buffer *buffer, const request *of) {
  const int64_t expected = buffer->last_fd == of->fd ? buffer->last_end : 0;

  return of->positioned && (int64_t)of->offset != expected &&
         !goes_behind(buffer, of);
}

static void open_buffer(struct wv_guest *guest, wv_fd *entry,
                        const request *of) {
  wv_buffer *buffer = &guest->buffer;

  atomic_fetch_add(&entry->holders, 1);
  buffer->entry = entry;
  buffer->fd = of->fd;
  buffer->from = 0;
  buffer->room = room_for(guest, entry, of);
  wv_buffer_set_wide(buffer,
                     of->positioned ? WV_BUFFER_PWRITE_FD : WV_BUFFER_WRITE_FD,
                     of->fd);
  if (of->positioned)
    wv_buffer_set_wide(buffer, WV_BUFFER_END, (int64_t)of->offset);
  /* The plain case knows only the fd's number. It must get no writes if they
   * are traced, or if another thread may put another entry there. */
  if (!(of->flags & WV_WRITE_TRACED) && guest->fds->sharing == NULL)
    wv_buffer_set_word(buffer, WV_BUFFER_CAPACITY, buffer->room);
  if (wv_run_may_watch(guest->run, entry)) wv_run_watch(guest->run, buffer);
}

/* Takes and counts at most `total` bytes: another thread may have changed the
 * list since it was checked. */
static void add(struct wv_guest *guest, const request *of, wv_batch *batch,
                uint64_t total) {
  wv_buffer *buffer = &guest->buffer;
  const uint32_t used = wv_buffer_word(buffer, WV_BUFFER_USED);
  uint8_t *to = wv_buffer_data(buffer) + used;
  uint64_t added = 0;

  do {
    added += wv_batch_gather(batch, to + added, (size_t)(total - added));
  } while (added < total && batch->next < of->iovs_len &&
           wv_decode_next(&guest->memory, of->iovs, of->iovs_len, NULL,
                          batch) == WV_SUCCESS);
  wv_buffer_set_word(buffer, WV_BUFFER_USED, used + (uint32_t)added);
  wv_buffer_set_word(buffer, WV_BUFFER_CALLS,
                     wv_buffer_word(buffer, WV_BUFFER_CALLS) + 1);
  if (of->positioned)
    wv_buffer_set_wide(buffer, WV_BUFFER_END,
                       wv_buffer_wide(buffer, WV_BUFFER_END) + (int64_t)added);
  wv_store_u32(guest->memory.base + of->nwritten, (uint32_t)added);
}

/* No file reaches that far: the system reports it at once. */
static bool ends_too_far(const request *of, uint64_t total) {
  return of->positioned && of->offset > INT64_MAX - total;
}

static wv_errno add_or_write(struct wv_guest *guest, wv_fd *entry,
                             const request *of, wv_batch *batch) {
  wv_buffer *buffer = &guest->buffer;
  const uint64_t total = batch->total;
  const bool continues = buffer->entry == entry && goes_behind(buffer, of);
  wv_errno error;

  if (!continues ||
      total > buffer->room - wv_buffer_word(buffer, WV_BUFFER_USED)) {
    if (is_elsewhere(buffer, of) || ends_too_far(of, total))
      return write_through(guest, of);
    error = wv_buffer_before(guest, of->fd);
    if (error != WV_SUCCESS) return error;
    /* Unflushed bytes of another fd occupy the buffer. */
    if (buffer->entry != NULL || total >= room_for(guest, entry, of))
      return write_through(guest, of);
    if (entry->kind == WV_KIND_TARGET && entry->capture == NULL &&
        !(of->flags & WV_WRITE_ASKED)) {
      guest->target = (uint32_t)entry->host_fd;
      return WV_ASK;
    }
    open_buffer(guest, entry, of);
  }
  add(guest, of, batch, total);
  return WV_SUCCESS;
}

static wv_errno buffered(struct wv_guest *guest, const request *of) {
  request nothing = *of;
  wv_batch batch;
  wv_fd *entry;
  wv_errno error;

  /* The wait was not in a flush: this write had begun to go out at once. */
  if (guest->resumed &&
      (guest->buffer.entry == NULL || guest->buffer.error != WV_SUCCESS))
    return write_through(guest, of);
  /* Nothing is buffered, so the order is kept. */
  if (guest->buffer.entry == NULL && is_elsewhere(&guest->buffer, of))
    return write_through(guest, of);
  error =
      of->positioned
          ? wv_guest_seekable(guest, of->fd,
                              WV_RIGHTS_FD_WRITE | WV_RIGHTS_FD_SEEK, &entry)
          : wv_guest_fd(guest, of->fd, WV_RIGHTS_FD_WRITE, &entry);
  if (error != WV_SUCCESS || room_for(guest, entry, of) == 0)
    return write_through(guest, of);
  if (!wv_in_bounds(&guest->memory, of->nwritten, sizeof(uint32_t)))
    return WV_EFAULT;
  error = wv_decode(&guest->memory, of->iovs, of->iovs_len, NULL, &batch);
  if (error != WV_SUCCESS) return error;
  if (of->positioned && of->offset > INT64_MAX) return WV_EINVAL;
  if (batch.total > 0) return add_or_write(guest, entry, of, &batch);
  /* Another thread may have lengthened the list since, and its bytes would
   * overtake the buffered ones. */
  nothing.iovs_len = 0;
  return write_now(guest, &nothing);
}

wv_errno wv_buffered_write(struct wv_guest *guest, uint32_t fd, uint32_t iovs,
                           uint32_t iovs_len, uint32_t nwritten,
                           uint32_t flags) {
  const request of = {.fd = fd,
                      .iovs = iovs,
                      .iovs_len = iovs_len,
                      .nwritten = nwritten,
                      .flags = flags};

  return buffered(guest, &of);
}

wv_errno wv_buffered_pwrite(struct wv_guest *guest, uint32_t fd, uint32_t iovs,
                            uint32_t iovs_len, uint64_t offset,
                            uint32_t nwritten, uint32_t flags) {
  const request of = {.fd = fd,
                      .iovs = iovs,
                      .iovs_len = iovs_len,
                      .nwritten = nwritten,
                      .flags = flags,
                      .positioned = true,
                      .offset = offset};

  return buffered(guest, &of);
}
