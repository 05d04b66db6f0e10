/* The operations of the host on a guest. The arguments that a comment names are
 * numbers of the mailbox, from WV_BOX_ARGUMENTS on. */
#include "host.h"

#include <errno.h>
#include <stdlib.h>

#include "calls.h"
#include "capture.h"
#include "errno_map.h"
#include "flush.h"
#include "sharing.h"

static uint32_t argument(const wv_host *host, uint32_t n) {
  return host->box[WV_BOX_ARGUMENTS + n];
}

static uint64_t *wide(const wv_host *host) {
  return (uint64_t *)(void *)host->box + WV_BOX_WIDE;
}

/* argument 0: the number of strings. */
static wv_errno set_strings(const wv_host *host, wv_memory from,
                            wv_strings *to) {
  char *bytes = malloc(from.size + 1);

  if (bytes == NULL || from.size > UINT32_MAX) {
    free(bytes);
    return WV_ENOMEM;
  }
  if (from.size > 0) memcpy(bytes, from.base, from.size);
  free(to->bytes);
  to->bytes = bytes;
  to->size = (uint32_t)from.size;
  to->count = argument(host, 0);
  return WV_SUCCESS;
}

/* A free number for a capture. */
static bool find_number(wv_host *host, uint32_t *number) {
  wv_capture **grown;

  for (*number = 0; *number < host->capture_count; (*number)++)
    if (host->captures[*number] == NULL) return true;
  grown = realloc(host->captures, (*number + 1) * sizeof(*host->captures));
  if (grown == NULL) return false;
  host->captures = grown;
  grown[host->capture_count++] = NULL;
  return true;
}

static wv_errno new_capture(wv_host *host, wv_fd *entry) {
  uint32_t number;

  if (!find_number(host, &number)) return WV_ENOMEM;
  host->captures[number] = wv_capture_new(wide(host)[0]);
  if (host->captures[number] == NULL) return WV_ENOMEM;
  entry->capture = host->captures[number];
  entry->host_fd = (int)number;
  host->box[WV_BOX_OUT] = number;
  return WV_SUCCESS;
}

#define NO_CAPTURE UINT32_MAX

static void free_capture(wv_host *host, uint32_t number) {
  if (number == NO_CAPTURE) return;
  wv_capture_free(host->captures[number]);
  host->captures[number] = NULL;
}

/* The number of the capture at `fd`, unless its bytes wait in the buffer. */
static uint32_t capture_at(wv_host *host, uint32_t fd) {
  const wv_fd *entry = wv_guest_get(&host->guest, fd);

  return entry == NULL || entry->capture == NULL ||
                 entry == host->guest.buffer.entry
             ? NO_CAPTURE
             : (uint32_t)entry->host_fd;
}

/* Takes over `host_fd`: closes it on failure. argument 0: guest fd. */
static wv_errno insert_own(wv_host *host, int host_fd) {
  wv_fd entry;
  wv_errno error;

  if (host_fd < 0) return wv_errno_from_host(errno);
  entry = wv_fd_of_host(host_fd);
  entry.flags |= WV_FD_OWNED;
  error = wv_fd_insert_at(host->guest.fds, argument(host, 0), &entry);
  if (error != WV_SUCCESS) wv_sys_close(host_fd);
  return error;
}

/* arguments: guest fd, number, WV_INSERT_*. */
static wv_errno insert(wv_host *host) {
  const uint32_t fd = argument(host, 0);
  const uint32_t replaced = capture_at(host, fd);
  const int number = (int)argument(host, 1);
  wv_fd entry = {.host_fd = number,
                 .kind = WV_KIND_TARGET,
                 .filetype = WV_FILETYPE_SOCKET_STREAM,
                 .flags = WV_FD_WRITABLE,
                 .rights = WV_RIGHTS_ALL};
  wv_errno error = WV_SUCCESS;

  switch (argument(host, 2)) {
    case WV_INSERT_HOST:
      entry = wv_fd_of_host(number);
      break;
    case WV_INSERT_CAPTURE:
      error = new_capture(host, &entry);
      break;
    case WV_INSERT_NULL:
      return insert_own(host, wv_sys_open_null(number == 1));
    default:
      break;
  }
  if (error != WV_SUCCESS) return error;
  error = wv_fd_insert_at(host->guest.fds, fd, &entry);
  if (error == WV_SUCCESS)
    free_capture(host, replaced);
  else if (entry.capture != NULL)
    free_capture(host, (uint32_t)entry.host_fd);
  return error;
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
static wv_errno remove_fd(wv_host *host) {
  const uint32_t fd = argument(host, 0);
  const uint32_t left = capture_at(host, fd);
  wv_errno error = wv_fd_remove(host->guest.fds, fd);

  free_capture(host, left);
  return error;
}

static bool is_target(const wv_fd *entry, uint32_t number) {
  return entry != NULL && entry->kind == WV_KIND_TARGET &&
         entry->capture == NULL && (uint32_t)entry->host_fd == number;
}

/* arguments: guest fd, target. Completes an fd_close whose flush has failed,
 * unless the target has put something else there. */
static wv_errno remove_target(wv_host *host) {
  wv_guest *guest = &host->guest;
  const uint32_t fd = argument(host, 0);
  wv_fd *entry;

  if (!is_target(wv_guest_get(guest, fd), argument(host, 1))) return WV_EBADF;
  entry = wv_fd_take(guest->fds, fd);
  return entry == NULL ? WV_EBADF : wv_guest_let_go(guest, entry);
}

/* Only after WV_OP_CLOSE, when nothing writes to captures any more. */
static wv_errno free_captures(wv_host *host) {
  uint32_t i;

  if (!host->guest.closed) return WV_EINVAL;
  for (i = 0; i < host->capture_count; i++) free_capture(host, i);
  return WV_SUCCESS;
}

/* argument: guest fd. */
static uint32_t describe(wv_host *host) {
  const wv_fd *entry = wv_guest_get(&host->guest, argument(host, 0));

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
  host->guest.buffer.bytes -= argument(host, 3);
  host->box[WV_BOX_OUT] =
      wv_buffer_give_back(&host->guest, argument(host, 0), argument(host, 1),
                          bytes, (wv_errno)argument(host, 2));
  return WV_SUCCESS;
}

/* argument: the capture's number, from WV_OP_INSERT. */
static const wv_capture *capture(const wv_host *host) {
  return host->captures[argument(host, 0)];
}

/* WIDE: unbuffered writes that succeeded, and their bytes. ARGUMENTS, in pairs
 * of low and high word: buffered calls, their bytes, flushes. */
static void stats(wv_host *host) {
  wv_buffer *buffer = &host->guest.buffer;
  const uint64_t bytes = wv_buffer_count(buffer);
  uint32_t *out = host->box + WV_BOX_ARGUMENTS;

  wide(host)[0] = host->guest.calls;
  wide(host)[1] = host->guest.bytes;
  memcpy(out, &buffer->calls, sizeof(buffer->calls));
  memcpy(out + 2, &bytes, sizeof(bytes));
  memcpy(out + 4, &buffer->flushes, sizeof(buffer->flushes));
}

uint32_t wv_host_control(wv_host *host, wv_memory bytes) {
  wv_guest *guest = &host->guest;

  switch ((enum wv_op)host->box[WV_BOX_OP]) {
    case WV_OP_SET_ARGS:
      return set_strings(host, bytes, &guest->args);
    case WV_OP_SET_ENVIRON:
      return set_strings(host, bytes, &guest->environ);
    case WV_OP_INSERT:
      return insert(host);
    case WV_OP_INSERT_BYTES: /* argument: guest fd */
      return insert_own(host, wv_sys_open_bytes(bytes.base, bytes.size));
    case WV_OP_PREOPEN:
      return preopen(host, bytes);
    case WV_OP_REMOVE:
      return remove_fd(host);
    case WV_OP_REMOVE_TARGET:
      return remove_target(host);
    case WV_OP_FREE_CAPTURES:
      return free_captures(host);
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
    case WV_OP_CAPTURE_SIZE: /* WIDE: bytes */
      wide(host)[0] = wv_capture_size(capture(host));
      return WV_SUCCESS;
    case WV_OP_CAPTURE_READ:
      if (bytes.size != wv_capture_size(capture(host))) return WV_EINVAL;
      wv_capture_read(capture(host), bytes.base);
      return WV_SUCCESS;
    case WV_OP_STATS:
      stats(host);
      return WV_SUCCESS;
    default:
      return WV_ENOSYS;
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
  free(guest->lookups.list);
  free(guest->scratch);
}

void wv_host_free(wv_host *host) {
  uint32_t i;

  if (host->guest.fds != NULL) wv_guest_free(&host->guest);
  for (i = 0; i < host->capture_count; i++) free_capture(host, i);
  free(host->captures);
}
