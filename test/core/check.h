/* What the tests of the core share: one guest, and checks that go on. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <unistd.h>

#include "calls.h"

#define PAGE 65536u

extern wv_guest guest;
extern int failures;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      failures++;                                                     \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                 \
  } while (0)

/* A wait that is cut in slices is resumed until it is over, unless that it is
 * cut is what is expected. */
#define EXPECT(expected, call)                                                \
  do {                                                                        \
    unsigned expected_ = (expected);                                          \
    unsigned got_ = (call);                                                   \
    while (got_ == WV_RESUME && expected_ != WV_RESUME) {                     \
      guest.resumed = true;                                                   \
      got_ = (call);                                                          \
    }                                                                         \
    guest.resumed = false;                                                    \
    if (got_ != expected_) {                                                  \
      failures++;                                                             \
      fprintf(stderr, "%s:%d: %s is %u, not %u\n", __FILE__, __LINE__, #call, \
              got_, expected_);                                               \
    }                                                                         \
  } while (0)

/* Runs `call`, which uses `pointer` for `len` bytes, with each kind of pointer
 * that does not fit: always EFAULT, and no byte of the memory changes. */
#define EXPECT_FAULTS(pointer, len, call)                               \
  do {                                                                  \
    uint32_t bad_[] = {                                                 \
        PAGE - (uint32_t)(len) + 1,  PAGE,      0x7fffffff, 0x80000000, \
        (uint32_t) - (int32_t)(len), 0xffffffff};                       \
    for (size_t i_ = 0; i_ < sizeof(bad_) / sizeof(bad_[0]); i_++) {    \
      uint64_t sum_ = memory_sum();                                     \
      pointer = bad_[i_];                                               \
      EXPECT(WV_EFAULT, call);                                          \
      CHECK(memory_sum() == sum_);                                      \
    }                                                                   \
  } while (0)

uint64_t memory_sum(void);
uint32_t insert(wv_fd entry);
uint32_t insert_host(int host_fd);
void put_iovec(uint32_t at, uint32_t buf, uint32_t len);
uint64_t nanoseconds_on(uint32_t clock);

void test_poll(void);
void test_sock(void);
void test_readdir(void);
void test_wait(void);
void test_slices(void);
void test_stream(void);
void test_buffer(void);
void test_sharing(void);
void test_rewritten(void);

#define M(at) (guest.memory.base + (at))

#endif
