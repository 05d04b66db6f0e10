/* Shared by the tests of the core: one guest, and checks that do not end the
 * test. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <unistd.h>

#include "dispatch.h"
#include "flush.h"
#include "host.h"

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

/* Resumes a call until it is over, unless WV_RESUME is expected. */
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

/* Runs `call`, which uses `len` bytes at `pointer`, with each kind of pointer
 * out of bounds. Each must be EFAULT, and leave the memory unchanged. */
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
void test_runs(void);

#define M(at) (guest.memory.base + (at))

#endif
