/* The guest of the fuzzer, its memory, and what a call should leave there. */
#ifndef MEMORY_H
#define MEMORY_H

#include "dispatch.h"
#include "host.h"
#include "input.h"
#include "write.h"

enum {
  MEMORY_USUAL = 1 << 16,
  MEMORY_MAX = 1 << 21, /* of which a list can name more than 4 GiB */
  ELEMENTS_MAX = MEMORY_MAX / 8,
};

extern wv_guest guest;

/* A guest with a memory of the input's size, and room for so many fds. The
 * memory ends with its allocation, and what is before it is poisoned, so that
 * AddressSanitizer sees an access one byte outside. */
void begin_guest(uint32_t limit);
/* Closes and frees all. */
void end_guest(void);
/* The table of descriptors counts right. */
void check_table(void);

/* MEMORY_MAX bytes that tell where they come from. */
const uint8_t *pattern(void);

/* A list of the guest: some elements of the input, over and over until the list
 * is full. */
void put_list(uint32_t iovs, uint32_t iovs_len);

/* What a call should write or read: the elements that are not empty. */
extern struct expected {
  uint64_t total;
  uint32_t count;
  uint32_t at;  /* the element that the next byte comes from, or goes to */
  uint32_t off; /* and its place there */
  wv_iovec elements[ELEMENTS_MAX];
} expected;

/* The checks of a list, which also fill `expected`: EFAULT, EINVAL. */
void expect_nothing(void);
wv_errno expect_list(uint32_t iovs, uint32_t iovs_len);

bool in_memory(uint64_t at, uint64_t len);
uint32_t load_u32(const uint8_t *at);

/* What the memory must be when a call is over: a copy, in which the kernel and
 * the oracle put what they know. */
extern uint8_t *shadow;
void begin_shadow(void);
/* They are the same. */
void end_shadow(void);

/* Another thread writes into a shared memory at any time: anywhere, or behind
 * `near`. */
void scribble(uint64_t near);

#endif
