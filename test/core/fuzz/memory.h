/* The guest of the fuzzer, its memory, and the expected memory after a call. */
#ifndef MEMORY_H
#define MEMORY_H

#include "dispatch.h"
#include "host.h"
#include "input.h"
#include "write.h"

enum {
  MEMORY_USUAL = 1 << 16,
  MEMORY_MAX = 1 << 21, /* a list of this size can name more than 4 GiB */
  ELEMENTS_MAX = MEMORY_MAX / 8,
};

extern wv_guest guest;

/* Creates a guest with room for `limit` fds, and a memory whose size the input
 * says. The memory ends with its allocation, and the bytes before it are
 * poisoned, so that AddressSanitizer sees an access one byte outside. */
void begin_guest(uint32_t limit);
/* Closes and frees all. */
void end_guest(void);
/* Checks the counts of the table of descriptors. */
void check_table(void);

/* MEMORY_MAX bytes that show their position. */
const uint8_t *pattern(void);

/* Puts a list in the guest's memory: elements of the input, repeated until it
 * is full. */
void put_list(uint32_t iovs, uint32_t iovs_len);

/* The bytes that a call should write or read: the non-empty elements of its
 * list. */
extern struct expected {
  uint64_t total;
  uint32_t count;
  uint32_t at;  /* the element of the next byte */
  uint32_t off; /* its position there */
  wv_iovec elements[ELEMENTS_MAX];
} expected;

/* The checks of a list, EFAULT and EINVAL, which also fill `expected`. */
void expect_nothing(void);
wv_errno expect_list(uint32_t iovs, uint32_t iovs_len);

bool in_memory(uint64_t at, uint64_t len);
uint32_t load_u32(const uint8_t *at);

/* The expected memory after a call: a copy, which the kernel and the oracle
 * update. */
extern uint8_t *shadow;
void begin_shadow(void);
/* Compares the two. */
void end_shadow(void);

/* Acts as another thread that writes to a shared memory: anywhere, or just
 * after `near`. */
void scribble(uint64_t near);

#endif
