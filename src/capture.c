/* A list of blocks that are filled in turn, so that no byte moves. */
#include "capture.h"

#include <stdlib.h>
#include <string.h>

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
};

wv_capture *wv_capture_new(uint64_t limit) {
  wv_capture *capture = calloc(1, sizeof(*capture));

  if (capture != NULL) capture->limit = limit;
  return capture;
}

void wv_capture_free(wv_capture *capture) {
  block *each;
  block *next;

  if (capture == NULL) return;
  for (each = capture->first; each != NULL; each = next) {
    next = each->next;
    free(each);
  }
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
  const uint64_t room = wv_capture_room(capture);
  block *to = capture->last;
  uint64_t taken = 0;
  size_t part;

  if (len > room) len = room;
  while (taken < len) {
    if (to == NULL || to->used == to->size) to = add_block(capture);
    if (to == NULL) break;
    part = to->size - to->used;
    if (part > len - taken) part = (size_t)(len - taken);
    memcpy(to->bytes + to->used, bytes + taken, part);
    to->used += part;
    capture->size += part;
    taken += part;
  }
  return taken;
}

uint64_t wv_capture_size(const wv_capture *capture) {
  return capture->size;
}

uint64_t wv_capture_room(const wv_capture *capture) {
  return capture->limit - capture->size;
}

void wv_capture_read(const wv_capture *capture, uint8_t *to) {
  const block *each;

  for (each = capture->first; each != NULL; each = each->next) {
    memcpy(to, each->bytes, each->used);
    to += each->used;
  }
}
