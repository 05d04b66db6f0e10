/* sock_accept, sock_recv, sock_send, sock_shutdown.
 *
 * Checks in this order: fd (EBADF), ENOTSOCK, rights (ENOTCAPABLE), pointers
 * and lists (EFAULT), flags (EINVAL).
 *
 * O_NONBLOCK belongs to the description, which other programs share, so it is
 * never set here: each system call has MSG_DONTWAIT, and wait.c waits. */
#include <errno.h>
#include <stdlib.h>

#include "../calls.h"
#include "../errno_map.h"
#include "../iovec.h"
#include "../wait.h"

/* Looks up a socket. EBADF, then ENOTSOCK, then the errnos of wv_fd_allows. */
static wv_errno get_socket(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry) {
  wv_errno error;

  *entry = wv_guest_get(guest, fd);
  if (*entry == NULL) return WV_EBADF;
  error = wv_fd_learn_kind(*entry);
  if (error != WV_SUCCESS) return error;
  if ((*entry)->kind != WV_KIND_SOCKET) return WV_ENOTSOCK;
  return wv_fd_allows(*entry, rights);
}

/* Waits if a failed call may be repeated. WV_SUCCESS: repeat it. */
static wv_errno wait_after_failure(const wv_fd *entry, wv_wait *wait,
                                   uint8_t events) {
  if (errno == EINTR) return WV_SUCCESS;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return wv_errno_from_host(errno);
  if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return WV_EAGAIN;
  return wv_wait_ready(wait, entry->host_fd, events);
}

/* Waits for data and reads it with one recv(2). */
static wv_errno receive_some(const wv_fd *entry, const wv_batch *batch,
                             wv_wait *wait, int flags, size_t *received,
                             bool *truncated) {
  wv_errno error = WV_SUCCESS;
  ssize_t n = -1;

  while (error == WV_SUCCESS) {
    n = wv_sys_recv(entry->host_fd, batch->iov, (int)batch->count,
                    flags | WV_SYS_MSG_DONTWAIT, truncated);
    if (n >= 0) break;
    error = wait_after_failure(entry, wait, WV_SYS_POLL_READ);
  }
  if (error == WV_SUCCESS) *received = (size_t)n;
  return error;
}

/* Decodes the part of the list after a batch. False: nothing is left, or
 * another thread has changed the list; the received bytes are then a short
 * count. */
static bool next_batch(const wv_memory *memory, uint32_t iovs,
                       uint32_t iovs_len, wv_batch *batch, uint64_t done) {
  return batch->next < iovs_len &&
         wv_decode_next(memory, iovs, iovs_len, NULL, batch) == WV_SUCCESS &&
         batch->bytes > 0 && done + batch->bytes <= UINT32_MAX;
}

/* `batch` holds the beginning of the list, or all of it. An error after the
 * first byte is left to the next call. */
static wv_errno receive(wv_guest *guest, const wv_fd *entry, uint32_t iovs,
                        uint32_t iovs_len, wv_batch *batch, uint32_t flags,
                        uint32_t *done, bool *truncated) {
  const wv_memory *memory = &guest->memory;
  const int peek = flags & WV_RIFLAGS_PEEK ? WV_SYS_MSG_PEEK : 0;
  /* A second recv(2) would take another datagram, or peek at the same data. */
  const bool all = (flags & WV_RIFLAGS_WAITALL) && !peek &&
                   entry->filetype != WV_FILETYPE_SOCKET_DGRAM;
  wv_wait *wait = wv_guest_wait(guest, -1);
  wv_errno error = WV_SUCCESS;
  bool more = wait->done == 0 ||
              wv_batch_skip(memory, iovs, iovs_len, NULL, batch, wait->done);
  size_t n;

  while (error == WV_SUCCESS && more) {
    n = 0;
    error = receive_some(entry, batch, wait, peek, &n, truncated);
    wait->done += n;
    wv_batch_advance(batch, n);
    if (error != WV_SUCCESS || !all || n == 0) break;
    more = batch->bytes > 0 ||
           next_batch(memory, iovs, iovs_len, batch, wait->done);
    if (more) error = wv_wait_turn(wait);
  }
  if (error == WV_RESUME) return error;
  *done = (uint32_t)wait->done;
  return *done > 0 ? WV_SUCCESS : error;
}

static wv_errno prepare_recv(wv_guest *guest, uint32_t fd, uint32_t iovs,
                             uint32_t iovs_len, uint32_t flags,
                             uint32_t datalen, uint32_t roflags, wv_fd **entry,
                             wv_batch *batch) {
  const wv_memory *memory = &guest->memory;
  wv_errno error = get_socket(guest, fd, WV_RIGHTS_FD_READ, entry);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(memory, datalen, sizeof(uint32_t)) ||
      !wv_in_bounds(memory, roflags, sizeof(uint16_t)))
    return WV_EFAULT;
  error = wv_decode(memory, iovs, iovs_len, NULL, batch);
  if (error != WV_SUCCESS) return error;
  return flags & ~(uint32_t)(WV_RIFLAGS_PEEK | WV_RIFLAGS_WAITALL) ? WV_EINVAL
                                                                   : WV_SUCCESS;
}

wv_errno wv_sock_recv(wv_guest *guest, uint32_t fd, uint32_t iovs,
                      uint32_t iovs_len, uint32_t flags, uint32_t datalen,
                      uint32_t roflags) {
  const wv_memory *memory = &guest->memory;
  bool truncated = false;
  uint32_t done = 0;
  wv_batch batch;
  wv_fd *entry;
  wv_errno error = prepare_recv(guest, fd, iovs, iovs_len, flags, datalen,
                                roflags, &entry, &batch);

  if (error == WV_SUCCESS)
    error =
        receive(guest, entry, iovs, iovs_len, &batch, flags, &done, &truncated);
  else if (wv_guest_has_done(guest, &done))
    error = WV_SUCCESS;
  if (error != WV_SUCCESS) return error;
  wv_store_u32(memory->base + datalen, done);
  wv_store_u16(memory->base + roflags,
               truncated ? WV_ROFLAGS_DATA_TRUNCATED : 0);
  return WV_SUCCESS;
}

/* Sends all of a batch, unless the guest set NONBLOCK. A datagram is sent
 * whole, even an empty one. */
static wv_errno send_batch(const wv_fd *entry, wv_batch *batch, wv_wait *wait) {
  wv_errno error = WV_SUCCESS;
  ssize_t n;

  while (error == WV_SUCCESS) {
    n = wv_sys_send(entry->host_fd, batch->iov, (int)batch->count,
                    WV_SYS_MSG_DONTWAIT);
    if (n >= 0) {
      wait->done += (uint64_t)n;
      wv_batch_advance(batch, (uint64_t)n);
      if (n == 0 || batch->bytes == 0) break;
      error = wv_wait_turn(wait);
    } else {
      error = wait_after_failure(entry, wait, WV_SYS_POLL_WRITE);
    }
  }
  return error;
}

static wv_errno send_list(wv_guest *guest, const wv_fd *entry, uint32_t iovs,
                          uint32_t iovs_len, wv_batch *batch, uint32_t *done) {
  wv_wait *wait = wv_guest_wait(guest, guest->wait_timeout);
  wv_errno error = WV_SUCCESS;

  if (wait->done == 0 || wv_batch_skip(&guest->memory, iovs, iovs_len,
                                       guest->scratch, batch, wait->done))
    error = send_batch(entry, batch, wait);
  /* If another thread has changed the list, the bytes already sent are a short
   * count. */
  while (error == WV_SUCCESS && batch->bytes == 0 && batch->next < iovs_len &&
         wv_decode_next(&guest->memory, iovs, iovs_len, guest->scratch,
                        batch) == WV_SUCCESS &&
         wait->done + batch->bytes <= UINT32_MAX) {
    error = wv_wait_turn(wait);
    if (error == WV_SUCCESS) error = send_batch(entry, batch, wait);
  }
  if (error == WV_RESUME) return error;
  *done = (uint32_t)wait->done;
  return *done > 0 ? WV_SUCCESS : error;
}

static wv_errno prepare_send(wv_guest *guest, uint32_t fd, uint32_t iovs,
                             uint32_t iovs_len, uint32_t flags,
                             uint32_t datalen, wv_fd **entry, wv_batch *batch) {
  const wv_memory *memory = &guest->memory;
  wv_errno error = get_socket(guest, fd, WV_RIGHTS_FD_WRITE, entry);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(memory, datalen, sizeof(uint32_t))) return WV_EFAULT;
  if (iovs_len > WV_IOV_MAX && guest->scratch == NULL)
    guest->scratch = malloc(WV_SCRATCH_SIZE);
  error = wv_decode(memory, iovs, iovs_len, guest->scratch, batch);
  if (error != WV_SUCCESS) return error;
  if (flags != 0) return WV_EINVAL;
  return (*entry)->filetype == WV_FILETYPE_SOCKET_DGRAM &&
                 batch->bytes < batch->total
             ? WV_EMSGSIZE
             : WV_SUCCESS;
}

wv_errno wv_sock_send(wv_guest *guest, uint32_t fd, uint32_t iovs,
                      uint32_t iovs_len, uint32_t flags, uint32_t datalen) {
  uint32_t done = 0;
  wv_batch batch;
  wv_fd *entry;
  wv_errno error =
      prepare_send(guest, fd, iovs, iovs_len, flags, datalen, &entry, &batch);

  if (error == WV_SUCCESS)
    error = send_list(guest, entry, iovs, iovs_len, &batch, &done);
  else if (wv_guest_has_done(guest, &done))
    error = WV_SUCCESS;
  if (error == WV_SUCCESS) wv_store_u32(guest->memory.base + datalen, done);
  return error;
}

wv_errno wv_sock_shutdown(wv_guest *guest, uint32_t fd, uint32_t how) {
  wv_fd *entry;
  wv_errno error = get_socket(guest, fd, 0, &entry);

  if (error != WV_SUCCESS) return error;
  if (how == 0 || how & ~(uint32_t)(WV_SDFLAGS_RD | WV_SDFLAGS_WR))
    return WV_EINVAL;
  if (wv_sys_shutdown(entry->host_fd, how & WV_SDFLAGS_RD,
                      how & WV_SDFLAGS_WR) < 0)
    return wv_errno_from_host(errno);
  return WV_SUCCESS;
}

/* Note: accept(2) has no flag like MSG_DONTWAIT. If the host left the socket
 * blocking, the call blocks when another process accepts the connection after
 * our poll. */
static wv_errno accept_next(wv_guest *guest, const wv_fd *entry,
                            int *accepted) {
  const bool nonblock = (entry->fdflags & WV_FDFLAGS_NONBLOCK) != 0;
  wv_wait *wait = wv_guest_wait(guest, nonblock ? 0 : -1);
  wv_errno error;

  if (!wv_sys_is_listening(entry->host_fd)) return WV_EINVAL;
  do {
    error = wv_wait_ready(wait, entry->host_fd, WV_SYS_POLL_READ);
    if (error != WV_SUCCESS) return error;
    *accepted = wv_sys_accept(entry->host_fd);
    /* ECONNABORTED: the client left before it was accepted. */
  } while (*accepted < 0 && (errno == EAGAIN || errno == EWOULDBLOCK ||
                             errno == EINTR || errno == ECONNABORTED));
  return *accepted < 0 ? wv_errno_from_host(errno) : WV_SUCCESS;
}

wv_errno wv_sock_accept(wv_guest *guest, uint32_t fd, uint32_t flags,
                        uint32_t at) {
  const uint64_t rights =
      WV_RIGHTS_ALL & ~(WV_RIGHTS_FD_SEEK | WV_RIGHTS_FD_TELL);
  uint32_t accepted;
  wv_fd *entry;
  wv_fd fresh = {.kind = WV_KIND_SOCKET,
                 .flags = WV_FD_OWNED | WV_FD_READABLE | WV_FD_WRITABLE,
                 .fdflags = (uint16_t)(flags & WV_FDFLAGS_NONBLOCK),
                 .filetype = WV_FILETYPE_SOCKET_STREAM,
                 .rights = rights};
  wv_errno error = get_socket(guest, fd, 0, &entry);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, at, sizeof(uint32_t))) return WV_EFAULT;
  if (flags & ~(uint32_t)WV_FDFLAGS_NONBLOCK) return WV_EINVAL;
  if (!wv_fd_has_room(guest->fds)) return WV_EMFILE;

  error = accept_next(guest, entry, &fresh.host_fd);
  if (error != WV_SUCCESS) return error;
  error = wv_guest_insert(guest, &fresh, &accepted);
  if (error == WV_SUCCESS)
    wv_store_u32(guest->memory.base + at, accepted);
  else
    wv_sys_close(fresh.host_fd);
  return error;
}
