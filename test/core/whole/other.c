/* The other thread: it rewrites what a call reads, as long as a round lasts.
 * Where threads share a table it is one of the guest's, and makes calls too;
 * where the guest may block, it is the host, who makes room. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "whole.h"

static pthread_t thread;
static atomic_bool stop;
static bool started;

static uint32_t bad_word(player *self, uint32_t size) {
  const uint32_t words[] = {0,          1,        size,       size - 1,
                            UINT32_MAX, size + 8, 0x80000000, UINT32_MAX - 3};

  return words[below(self, 8)];
}

static uint8_t bad_byte(player *self) {
  return (uint8_t) "/.\0\xff/..f"[below(self, 8)];
}

/* Bytes, since a pointer of a guest is aligned to nothing. */
static void store(volatile uint8_t *to, const uint8_t *from, uint32_t len) {
  uint32_t i;

  for (i = 0; i < len; i++) to[i] = from[i];
}

/* Puts something else there and what was there back, many times. */
static void rewrite(player *self, volatile uint8_t *at, uint32_t size) {
  const uint32_t len = one_in(self, 2) ? 4 : 1;
  uint8_t good[4];
  uint8_t bad[4];
  uint32_t i;

  wv_store_u32(bad, bad_word(self, size));
  if (len == 1) bad[0] = bad_byte(self);
  for (i = 0; i < len; i++) good[i] = at[i];
  for (i = 0; i < 40; i++) {
    store(at, bad, len);
    store(at, good, len);
  }
  if (one_in(self, 4)) store(at, bad, len);
}

static void rewrite_some(player *self, player *of) {
  const wv_memory *memory = &of->host.guest.memory;
  const uint64_t hot =
      atomic_load_explicit(&of->hot[below(self, HOT)], memory_order_relaxed);
  const uint32_t at = (uint32_t)hot;
  const uint32_t len = (uint32_t)(hot >> 32);
  uint32_t offset;

  if (len < 4 || at + (uint64_t)len > memory->size) return;
  offset = below(self, len - 3);
  if (one_in(self, 2)) offset -= offset % 4;
  rewrite(self, memory->base + at + offset, (uint32_t)memory->size);
}

static void *run(void *argument) {
  player *self = &players[1];

  (void)argument;
  while (!atomic_load(&stop)) {
    if (now.may_block) {
      run_host();
      usleep(100);
    }
    if (now.rewritten) rewrite_some(self, &players[0]);
    if (now.rewritten && now.shared && one_in(self, 2))
      rewrite_some(self, self);
    if (now.shared && one_in(self, 20)) call_at_random(self);
  }
  return NULL;
}

void start_other(void) {
  started = now.shared || now.rewritten || now.may_block;
  if (!started) return;
  atomic_store(&stop, false);
  CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
}

void stop_other(void) {
  if (!started) return;
  atomic_store(&stop, true);
  pthread_join(thread, NULL);
}
