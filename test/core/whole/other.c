/* The other thread, which rewrites the input of calls throughout a round. If
 * threads share a table, it is a thread of the guest and makes calls too. If
 * the guest may block, it is the host and makes room. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "whole.h"

#define STRIPE 16u
#define TIMES 60u

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

/* A guest's pointers have no alignment. */
typedef struct __attribute__((packed)) word {
  uint32_t bits;
} word;

/* Changes `count` words, each in its own element of a list, to a bad value and
 * back, many times. */
static void rewrite_words(player *self, uint8_t *at, uint32_t count,
                          uint32_t size) {
  const uint32_t bad = bad_word(self, size);
  uint32_t good[STRIPE];
  uint32_t times;
  uint32_t i;

#define WORD(n) ((volatile word *)(void *)(at + (n) * sizeof(wv_iovec)))->bits
  for (i = 0; i < count; i++) good[i] = WORD(i);
  for (times = 0; times < TIMES; times++) {
    for (i = 0; i < count; i++) WORD(i) = bad;
    for (i = 0; i < count; i++) WORD(i) = good[i];
  }
  if (one_in(self, 4)) WORD(0) = bad;
#undef WORD
}

/* Does the same with a byte, for example of a path. */
static void rewrite_byte(player *self, volatile uint8_t *at) {
  const uint8_t bad = bad_byte(self);
  const uint8_t good = *at;
  uint32_t times;

  for (times = 0; times < TIMES; times++) {
    *at = bad;
    *at = good;
  }
}

static void rewrite_some(player *self, player *of) {
  const wv_memory *memory = &of->host.guest.memory;
  const uint64_t hot =
      atomic_load_explicit(&of->hot[below(self, HOT)], memory_order_relaxed);
  const uint32_t at = (uint32_t)hot;
  const uint32_t len = (uint32_t)(hot >> 32);
  uint32_t offset;
  uint32_t count;

  if (len < 8 || at + (uint64_t)len > memory->size) {
    if (len > 0 && at + (uint64_t)len <= memory->size)
      rewrite_byte(self, memory->base + at + below(self, len));
    return;
  }
  offset = below(self, len - 7);
  if (!one_in(self, 4)) offset -= offset % 4;
  count = (len - offset - 4) / 8 + 1;
  if (one_in(self, 4))
    rewrite_byte(self, memory->base + at + offset);
  else
    rewrite_words(self, memory->base + at + offset,
                  count < STRIPE ? count : STRIPE, (uint32_t)memory->size);
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
