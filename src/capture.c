/* A list of blocks that are filled in turn, so that no byte moves. */
#include "capture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"

#define MIN_BLOCK 4096u
#define MAX_BLOCK (1u << 20)

typedef struct block {
  struct block *next;
  size_t size;
  size_t used;
  uint8_t bytes[];
} block;

struct wv_capture {
  block *first;
  block *last;
  uint64_t size;
  uint64_t limit;
  wv_sys_mutex *mutex; /* of all above */
  _Atomic bool cut;
  _Atomic uint32_t holders;
};

wv_capture *wv_capture_new(uint64_t limit) {
  wv_capture *capture = calloc(1, sizeof(*capture));

  if (capture == NULL) return NULL;
  capture->limit = limit;
  capture->mutex = wv_sys_mutex_new();
  if (capture->mutex != NULL) return wv_capture_hold(capture);
  free(capture);
  return NULL;
}

wv_capture *wv_capture_hold(wv_capture *capture) {
  atomic_fetch_add(&capture->holders, 1);
  return capture;
}

void wv_capture_release(wv_capture *capture) {
  block *each;
  block *next;

  if (capture == NULL || atomic_fetch_sub(&capture->holders, 1) > 1) return;
  for (each = capture->first; each != NULL; each = next) {
    next = each->next;
    free(each);
  }
  wv_sys_mutex_free(capture->mutex);
  free(capture);
}

/* A block is as large as all before it, within limits: few blocks, little
 * waste. */
static block *add_block(wv_capture *capture) {
  const size_t size = capture->size < MIN_BLOCK   ? MIN_BLOCK
                      : capture->size > MAX_BLOCK ? MAX_BLOCK
                                                  : (size_t)capture->size;
  block *added = malloc(sizeof(*added) + size);

  if (added == NULL) return NULL;
  added->next = NULL;
  added->size = size;
  added->used = 0;
  if (capture->last == NULL)
    capture->first = added;
  else
    capture->last->next = added;
  capture->last = added;
  return added;
}

uint64_t wv_capture_write(wv_capture *capture, const uint8_t *bytes,
                          uint64_t len) {
  uint64_t taken = 0;
  uint64_t room;
  block *to;
  size_t part;

  wv_sys_lock(capture->mutex);
  room = capture->limit - capture->size;
  if (len < room) room = len;
  to = capture->last;
  while (taken < room) {
    if (to == NULL || to->used == to->size) to = add_block(capture);
    if (to == NULL) break;
    part = to->size - to->used;
    if (part > room - taken) part = (size_t)(room - taken);
    memcpy(to->bytes + to->used, bytes + taken, part);
    to->used += part;
    capture->size += part;
    taken += part;
  }
  if (taken < len) capture->cut = true;
  wv_sys_unlock(capture->mutex);
  return taken;
}

uint64_t wv_capture_size(wv_capture *capture) {
  uint64_t size;

  wv_sys_lock(capture->mutex);
  size = capture->size;
  wv_sys_unlock(capture->mutex);
  return size;
}

uint64_t wv_capture_room(wv_capture *capture) {
  return capture->limit - wv_capture_size(capture);
}

bool wv_capture_is_cut(const wv_capture *capture) {
  return atomic_load(&capture->cut);
}

void wv_capture_read(wv_capture *capture, uint8_t *to, uint64_t size) {
  const block *each;
  size_t part;

  wv_sys_lock(capture->mutex);
  for (each = capture->first; each != NULL && size > 0; each = each->next) {
    part = each->used < size ? each->used : (size_t)size;
    memcpy(to, each->bytes, part);
    to += part;
    size -= part;
  }
  wv_sys_unlock(capture->mutex);
}
