/* Single system calls for a batch, and streams that must not block. */
#include "stream.h"

#include <errno.h>

#include "sys.h"

/* Up to GATHER_MAX bytes in all and GATHER_MEAN per buffer on average, write(2)
 * of a copy is faster than writev(2), which has a cost for each buffer. */
#define GATHER_MAX 16384
#define GATHER_MEAN 1024

/* Up to this many bytes, read(2) and copies from the stack are faster than
 * readv(2). */
#define SCATTER_MAX 4096

ssize_t wv_write_buffers(int host_fd, const wv_batch *batch) {
  uint8_t gathered[GATHER_MAX];
  size_t len;

  if (wv_batch_is_small(batch, GATHER_MAX, GATHER_MEAN)) {
    len = wv_batch_gather(batch, gathered, sizeof(gathered));
    return wv_sys_write(host_fd, gathered, len);
  }
  return wv_sys_writev(host_fd, batch->iov, (int)batch->count);
}

ssize_t wv_pwrite_batch(int host_fd, const wv_batch *batch, int64_t offset) {
  uint8_t gathered[GATHER_MAX];
  size_t len;

  if (batch->count == 1)
    return wv_sys_pwrite(host_fd, batch->iov[0].iov_base, batch->iov[0].iov_len,
                         offset);
  if (wv_batch_is_small(batch, GATHER_MAX, GATHER_MEAN)) {
    len = wv_batch_gather(batch, gathered, sizeof(gathered));
    return wv_sys_pwrite(host_fd, gathered, len, offset);
  }
  return wv_sys_pwritev(host_fd, batch->iov, (int)batch->count, offset);
}

static void scatter(const wv_batch *batch, const uint8_t *from, size_t len) {
  size_t part;
  uint32_t i;

  for (i = 0; len > 0; i++) {
    part = batch->iov[i].iov_len < len ? batch->iov[i].iov_len : len;
    memcpy(batch->iov[i].iov_base, from, part);
    from += part;
    len -= part;
  }
}

ssize_t wv_read_batch(int host_fd, const wv_batch *batch, int64_t offset) {
  uint8_t scattered[SCATTER_MAX];
  const bool single = batch->count == 1;
  const bool copied = !single && batch->bytes <= SCATTER_MAX;
  void *to = copied ? scattered : batch->iov[0].iov_base;
  size_t len = (size_t)batch->bytes;
  ssize_t n;

  if (!single && !copied)
    return offset < 0
               ? wv_sys_readv(host_fd, batch->iov, (int)batch->count)
               : wv_sys_preadv(host_fd, batch->iov, (int)batch->count, offset);
  n = offset < 0 ? wv_sys_read(host_fd, to, len)
                 : wv_sys_pread(host_fd, to, len, offset);
  if (copied && n > 0) scatter(batch, scattered, (size_t)n);
  return n;
}

/* We open files without blocking, and devices have nothing to wait for. */
static bool never_blocks(const wv_fd *entry) {
  return (entry->flags & WV_FD_OWNED) != 0 || entry->kind < WV_KIND_TERMINAL;
}

/* Might a later try succeed? A FIFO may get a reader, for example. */
static bool is_passing(int error) {
  return error == ENXIO || error == EMFILE || error == ENFILE ||
         error == ENOMEM;
}

/* Opens our own description at its first use. False: there is none. */
static bool open_own(wv_fd *entry) {
  int own;

  if (entry->flags & WV_FD_HAS_OWN) return true;
  if (entry->flags & WV_FD_NO_OWN) return false;
  own = wv_sys_reopen(entry->host_fd);
  if (own < 0) {
    if (!is_passing(errno)) entry->flags |= WV_FD_NO_OWN;
    return false;
  }
  entry->own_fd = own;
  entry->flags |= WV_FD_HAS_OWN;
  return true;
}

int wv_stream_pollfd(const wv_fd *entry) {
  return entry->flags & WV_FD_HAS_OWN ? entry->own_fd : entry->host_fd;
}

static bool is_no_answer(ssize_t n) {
  return n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL);
}

/* False: not ready, or failed; errno says which. */
static bool poll_once(int host_fd, uint8_t events) {
  wv_sys_pollfd pollfd = {.fd = host_fd, .events = events, .ready = 0};
  int ready = wv_sys_poll(&pollfd, 1, 0);

  if (ready == 0) errno = EAGAIN;
  return ready > 0;
}

/* Writes no more than the room that poll(2) promises. */
static ssize_t write_sure(const wv_fd *entry, const wv_batch *batch) {
  uint8_t chunk[GATHER_MAX];
  size_t len = wv_sys_sure_room(entry->host_fd);

  if (!poll_once(entry->host_fd, WV_SYS_POLL_WRITE)) return -1;
  if (len == SIZE_MAX) return wv_write_batch(entry->host_fd, batch);
  if (len > sizeof(chunk)) len = sizeof(chunk);
  len = wv_batch_gather(batch, chunk, len);
  return wv_sys_write(entry->host_fd, chunk, len);
}

ssize_t wv_stream_write(wv_fd *entry, const wv_batch *batch) {
  ssize_t n;

  if (never_blocks(entry)) return wv_write_batch(entry->host_fd, batch);
  if (entry->kind == WV_KIND_SOCKET)
    return wv_sys_send(entry->host_fd, batch->iov, (int)batch->count,
                       WV_SYS_MSG_DONTWAIT);
  if (open_own(entry)) return wv_write_batch(entry->own_fd, batch);
  n = wv_sys_write_nowait(entry->host_fd, batch->iov, (int)batch->count);
  return is_no_answer(n) ? write_sure(entry, batch) : n;
}

ssize_t wv_stream_read(wv_fd *entry, const wv_batch *batch) {
  bool truncated;
  ssize_t n;

  if (never_blocks(entry)) return wv_read_batch(entry->host_fd, batch, -1);
  if (entry->kind == WV_KIND_SOCKET)
    return wv_sys_recv(entry->host_fd, batch->iov, (int)batch->count,
                       WV_SYS_MSG_DONTWAIT, &truncated);
  if (open_own(entry)) return wv_read_batch(entry->own_fd, batch, -1);
  n = wv_sys_read_nowait(entry->host_fd, batch->iov, (int)batch->count);
  if (!is_no_answer(n)) return n;
  if (!poll_once(entry->host_fd, WV_SYS_POLL_READ)) return -1;
  return wv_read_batch(entry->host_fd, batch, -1);
}
