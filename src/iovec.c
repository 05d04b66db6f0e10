/* Decodes a guest's scatter/gather list. */
#include "iovec.h"

/* Adds a buffer to the batch. False: no room for all of it. Then the batch must
 * take nothing more, so that the bytes stay in order. */
static bool append(wv_batch *batch, uint8_t *buf, uint64_t len) {
  uint64_t room = WV_WRITE_MAX - batch->bytes;
  bool whole = len <= room;
  struct iovec *last;

  if (!whole) len = room;
  if (batch->count > 0) {
    last = &batch->iov[batch->count - 1];
    if ((uint8_t *)last->iov_base + last->iov_len == buf) {
      last->iov_len += (size_t)len;
      batch->bytes += len;
      return whole;
    }
  }
  if (batch->count == WV_IOV_MAX || len == 0) return false;
  batch->iov[batch->count].iov_base = buf;
  batch->iov[batch->count].iov_len = (size_t)len;
  batch->count++;
  batch->bytes += len;
  return whole;
}

/* Fills a batch from element `batch->next` on. The first batch of a list also
 * checks the elements behind it. */
static wv_errno decode(const wv_memory *memory, uint32_t iovs,
                       uint32_t iovs_len, uint8_t *scratch, wv_batch *batch,
                       bool first) {
  const uint8_t *list;
  uint8_t *buf;
  uint64_t len;
  uint64_t skip = batch->next_skip;
  uint64_t scratch_used = 0;
  bool open = true;
  bool fold = scratch != NULL && iovs_len > WV_IOV_MAX;
  uint32_t i;

  batch->bytes = 0;
  batch->count = 0;
  batch->total = 0;
  if (!wv_in_bounds(memory, iovs, (uint64_t)iovs_len * sizeof(wv_iovec)))
    return WV_EFAULT;

  list = memory->base + iovs;
  for (i = batch->next; i < iovs_len && (open || first); i++, skip = 0) {
    wv_iovec element = wv_load_iovec(list + (uint64_t)i * sizeof(wv_iovec));

    if (element.buf_len <= skip) continue;
    if (!wv_in_bounds(memory, element.buf, element.buf_len)) return WV_EFAULT;
    batch->total += element.buf_len;
    if (!open) continue;

    len = element.buf_len - skip;
    buf = memory->base + element.buf + skip;
    if (fold && len <= WV_FOLD_MAX && len <= WV_SCRATCH_SIZE - scratch_used) {
      memcpy(scratch + scratch_used, buf, (size_t)len);
      buf = scratch + scratch_used;
      scratch_used += len;
    }
    batch->next = i;
    batch->next_skip = skip - batch->bytes;
    open = append(batch, buf, len);
    batch->next_skip += batch->bytes;
  }
  if (open) batch->next = iovs_len;
  return batch->total > UINT32_MAX ? WV_EINVAL : WV_SUCCESS;
}

wv_errno wv_decode(const wv_memory *memory, uint32_t iovs, uint32_t iovs_len,
                   uint8_t *scratch, wv_batch *batch) {
  batch->next = 0;
  batch->next_skip = 0;
  return decode(memory, iovs, iovs_len, scratch, batch, true);
}

wv_errno wv_decode_next(const wv_memory *memory, uint32_t iovs,
                        uint32_t iovs_len, uint8_t *scratch, wv_batch *batch) {
  return decode(memory, iovs, iovs_len, scratch, batch, false);
}

void wv_batch_advance(wv_batch *batch, uint64_t bytes) {
  uint32_t i = 0;

  batch->bytes -= bytes;
  while (i < batch->count && bytes >= batch->iov[i].iov_len)
    bytes -= batch->iov[i++].iov_len;
  batch->count -= i;
  memmove(batch->iov, batch->iov + i, batch->count * sizeof(batch->iov[0]));
  if (bytes > 0) {
    batch->iov[0].iov_base = (uint8_t *)batch->iov[0].iov_base + bytes;
    batch->iov[0].iov_len -= (size_t)bytes;
  }
}

bool wv_batch_skip(const wv_memory *memory, uint32_t iovs, uint32_t iovs_len,
                   uint8_t *scratch, wv_batch *batch, uint64_t bytes) {
  while (bytes >= batch->bytes) {
    bytes -= batch->bytes;
    batch->bytes = 0;
    if (batch->next >= iovs_len) return false;
    if (wv_decode_next(memory, iovs, iovs_len, scratch, batch) != WV_SUCCESS)
      return false;
    if (batch->bytes == 0) return false;
  }
  wv_batch_advance(batch, bytes);
  return true;
}

size_t wv_batch_gather(const wv_batch *batch, uint8_t *to, size_t limit) {
  size_t used = 0;
  size_t len;
  uint32_t i;

  for (i = 0; i < batch->count && used < limit; i++) {
    len = batch->iov[i].iov_len;
    if (len > limit - used) len = limit - used;
    memcpy(to + used, batch->iov[i].iov_base, len);
    used += len;
  }
  return used;
}
