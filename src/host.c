/* The operations of the host on a guest. The arguments that a comment names are
 * numbers of the mailbox, from WV_BOX_ARGUMENTS on. */
#include "host.h"

#include <errno.h>
#include <stdlib.h>

#include "errno_map.h"
#include "flush.h"
#include "run.h"
#include "sharing.h"

/* argument 0: the number of strings. */
static wv_errno set_strings(const wv_host *host, wv_memory from,
                            wv_strings *to) {
  const uint32_t size = (uint32_t)from.size;
  char *bytes;

  if (from.size >= UINT32_MAX) return WV_ENOMEM;
  bytes = malloc((size_t)size + 1);
  if (bytes == NULL) return WV_ENOMEM;
  if (size > 0) memcpy(bytes, from.base, size);
  free(to->bytes);
  to->bytes = bytes;
  to->size = size;
  to->count = wv_host_argument(host, 0);
  return WV_SUCCESS;
}

static char *copy_of(const char *string) {
  size_t size = strlen(string) + 1;
  char *copy = malloc(size);

  return copy == NULL ? NULL : memcpy(copy, string, size);
}

/* The view holds the host's path and the guest's name, each with its NUL. */
static wv_errno preopen(wv_host *host, wv_memory names) {
  const char *path = (const char *)names.base;
  wv_errno error = WV_ENOMEM;
  wv_fd entry;
  uint32_t fd;
  int host_fd;

  if (!wv_fd_has_room(host->guest.fds)) return WV_EMFILE;
  host_fd = wv_sys_open_directory(path);
  if (host_fd < 0) return wv_errno_from_host(errno);
  entry = wv_fd_of_preopen(host_fd, copy_of(path + strlen(path) + 1));
  if (entry.preopen != NULL) error = wv_fd_insert(host->guest.fds, &entry, &fd);
  if (error != WV_SUCCESS) {
    free(entry.preopen);
    wv_sys_close(host_fd);
  }
  return error;
}

/* argument: guest fd. */
static uint32_t describe(wv_host *host) {
  const wv_fd *entry = wv_guest_get(&host->guest, wv_host_argument(host, 0));

  if (entry == NULL) return 0;
  if (entry->kind != WV_KIND_TARGET) return WV_IS_OPEN;
  host->box[WV_BOX_OUT] = (uint32_t)entry->host_fd;
  return WV_IS_OPEN | (entry->capture == NULL ? WV_IS_TARGET : WV_IS_CAPTURE);
}

/* ARGUMENTS out: guest fd, offset of the bytes in the view of WV_OP_SET_BUFFER,
 * their number, and their JS target or WV_NO_FD. Returns the errno of the
 * failed flush. */
static wv_errno unflushed(wv_host *host) {
  const wv_buffer *buffer = &host->guest.buffer;
  uint32_t *out = host->box + WV_BOX_ARGUMENTS;
  const wv_fd *entry = buffer->entry;

  out[0] = buffer->fd;
  out[1] = WV_BUFFER_HEADER_SIZE + buffer->from;
  out[2] = entry == NULL ? 0 : buffer->left;
  out[3] =
      entry == NULL || entry->kind != WV_KIND_TARGET || entry->capture != NULL
          ? WV_NO_FD
          : (uint32_t)entry->host_fd;
  return buffer->error;
}

/* arguments: guest fd, target, errno, number of bytes not taken. The view holds
 * the bytes to keep. OUT: whether they are kept. */
static wv_errno give_back(wv_host *host, wv_memory bytes) {
  host->guest.buffer.bytes -= wv_host_argument(host, 3);
  host->box[WV_BOX_OUT] = wv_buffer_give_back(
      &host->guest, wv_host_argument(host, 0), wv_host_argument(host, 1), bytes,
      (wv_errno)wv_host_argument(host, 2));
  return WV_SUCCESS;
}

/* WIDE: unbuffered writes that succeeded, and their bytes; buffered calls, and
 * their bytes; flushes. */
static void stats(wv_host *host) {
  wv_buffer *buffer = &host->guest.buffer;
  const uint64_t bytes = wv_buffer_count(buffer);
  uint64_t *wide = wv_host_wide(host);

  wide[0] = host->guest.calls;
  wide[1] = host->guest.bytes;
  wide[2] = buffer->calls;
  wide[3] = bytes;
  wide[4] = buffer->flushes;
}

uint32_t wv_host_control(wv_host *host, wv_memory bytes) {
  wv_guest *guest = &host->guest;

  switch ((enum wv_op)host->box[WV_BOX_OP]) {
    case WV_OP_SET_ARGS:
      return set_strings(host, bytes, &guest->args);
    case WV_OP_SET_ENVIRON:
      return set_strings(host, bytes, &guest->environ);
    case WV_OP_PREOPEN:
      return preopen(host, bytes);
    case WV_OP_DESCRIBE:
      return describe(host);
    case WV_OP_UNFLUSHED:
      return unflushed(host);
    case WV_OP_TAKEN:
      wv_buffer_taken(&guest->buffer);
      return WV_SUCCESS;
    case WV_OP_GIVE_BACK:
      return give_back(host, bytes);
    case WV_OP_DISCARD: /* OUT: bytes */
      host->box[WV_BOX_OUT] = wv_buffer_discard(guest);
      return WV_SUCCESS;
    case WV_OP_STATS:
      stats(host);
      return WV_SUCCESS;
    default:
      return wv_host_streams(host, bytes);
  }
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
  wv_run_release(guest->run);
  guest->run = NULL;
  guest->fds = empty;
  guest->closed = true;
  return WV_SUCCESS;
}

void wv_guest_free(wv_guest *guest) {
  wv_buffer_flush(guest, 0);
  let_go_of_all(guest);
  free_strings(&guest->args);
  free_strings(&guest->environ);
  wv_guest_release(guest);
  wv_run_release(guest->run);
  free(guest->lookups.list);
  free(guest->scratch);
}

void wv_host_free(wv_host *host) {
  if (host->guest.fds != NULL) wv_guest_free(&host->guest);
  wv_host_free_captures(host);
  free(host->captures);
  wv_run_release(host->run);
}