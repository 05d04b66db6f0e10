/* Calls of preview1 in the core alone, without Node. The guest is a block of
 * memory. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "check.h"
#include "sys.h"

wv_guest guest;
int failures;

uint64_t memory_sum(void) {
  uint64_t sum = 14695981039346656037u;
  uint64_t i;
  uint64_t word;

  for (i = 0; i + 8 <= guest.memory.size; i += 8) {
    memcpy(&word, M(i), 8);
    sum = (sum ^ word) * 1099511628211u;
  }
  return sum;
}

uint32_t insert(wv_fd entry) {
  uint32_t fd = UINT32_MAX;

  EXPECT(WV_SUCCESS, wv_fd_insert(guest.fds, &entry, &fd));
  return fd;
}

uint32_t insert_host(int host_fd) {
  wv_fd entry = wv_fd_of_host(host_fd);

  entry.flags |= WV_FD_OWNED;
  return insert(entry);
}

void put_iovec(uint32_t at, uint32_t buf, uint32_t len) {
  wv_store_u32(M(at), buf);
  wv_store_u32(M(at + 4), len);
}

uint64_t nanoseconds_on(uint32_t clock) {
  uint64_t now = 0;

  wv_sys_clock(clock, &now);
  return now;
}

static void test_strings(void) {
  static char bytes[] = "tool\0\0-x\0"; /* three, one of them empty */
  uint32_t at;

  EXPECT(WV_SUCCESS, wv_args_get(&guest, 16, 32));
  EXPECT(WV_SUCCESS, wv_environ_get(&guest, PAGE, PAGE));
  EXPECT(WV_SUCCESS, wv_environ_sizes_get(&guest, 0, 4));
  CHECK(wv_load_u32(M(0)) == 0 && wv_load_u32(M(4)) == 0);

  guest.args = (wv_strings){.bytes = bytes, .size = 9, .count = 3};
  guest.environ = guest.args;
  EXPECT(WV_SUCCESS, wv_args_sizes_get(&guest, 1, 5));
  CHECK(wv_load_u32(M(1)) == 3 && wv_load_u32(M(5)) == 9);
  EXPECT(WV_SUCCESS, wv_args_get(&guest, PAGE - 12, 101));
  CHECK(memcmp(M(101), bytes, 9) == 0);
  CHECK(wv_load_u32(M(PAGE - 12)) == 101);
  CHECK(wv_load_u32(M(PAGE - 8)) == 106);
  CHECK(wv_load_u32(M(PAGE - 4)) == 107);
  EXPECT(WV_SUCCESS, wv_environ_get(&guest, 0, PAGE - 9));

  EXPECT_FAULTS(at, 12, wv_args_get(&guest, at, 100));
  EXPECT_FAULTS(at, 9, wv_args_get(&guest, 100, at));
  EXPECT_FAULTS(at, 12, wv_environ_get(&guest, at, 100));
  EXPECT_FAULTS(at, 9, wv_environ_get(&guest, 100, at));
  EXPECT_FAULTS(at, 4, wv_args_sizes_get(&guest, at, 0));
  EXPECT_FAULTS(at, 4, wv_args_sizes_get(&guest, 0, at));
  EXPECT_FAULTS(at, 4, wv_environ_sizes_get(&guest, at, 0));
  EXPECT_FAULTS(at, 4, wv_environ_sizes_get(&guest, 0, at));
  guest.args.bytes = guest.environ.bytes = NULL;
  guest.args.count = guest.environ.count = 0;
}

static void test_clocks(void) {
  uint64_t before;
  uint64_t time;
  uint32_t id;
  uint32_t at;

  for (id = 0; id < 4; id++) {
    before = nanoseconds_on(id);
    EXPECT(WV_SUCCESS, wv_clock_time_get(&guest, id, UINT64_MAX, 3));
    time = wv_load_u64(M(3));
    CHECK(time >= before && time <= nanoseconds_on(id));
    EXPECT(WV_SUCCESS, wv_clock_res_get(&guest, id, PAGE - 8));
    CHECK(wv_load_u64(M(PAGE - 8)) > 0);
  }
  EXPECT(WV_EINVAL, wv_clock_time_get(&guest, 4, 0, 0));
  EXPECT(WV_EINVAL, wv_clock_time_get(&guest, UINT32_MAX, 0, 0));
  EXPECT(WV_EINVAL, wv_clock_res_get(&guest, 4, 0));
  EXPECT(WV_EFAULT, wv_clock_res_get(&guest, 4, PAGE));
  EXPECT_FAULTS(at, 8, wv_clock_time_get(&guest, 0, 0, at));
  EXPECT_FAULTS(at, 8, wv_clock_res_get(&guest, 1, at));
}

static void test_others(void) {
  uint32_t at;

  memset(M(0), 0, PAGE);
  EXPECT(WV_SUCCESS, wv_random_get(&guest, 1000, 3000));
  CHECK(M(999)[0] == 0 && M(4000)[0] == 0);
  CHECK(wv_load_u64(M(1000)) != 0 && wv_load_u64(M(3992)) != 0);
  EXPECT(WV_SUCCESS, wv_random_get(&guest, 0, PAGE));
  EXPECT(WV_SUCCESS, wv_random_get(&guest, PAGE, 0));
  EXPECT_FAULTS(at, 2, wv_random_get(&guest, at, 2));
  EXPECT(WV_EFAULT, wv_random_get(&guest, 1, UINT32_MAX));
  EXPECT(WV_ENOTSUP, wv_proc_raise(&guest, 9));
  EXPECT(WV_ENOTSUP, wv_proc_raise(&guest, UINT32_MAX));
  EXPECT(WV_SUCCESS, wv_sched_yield(&guest));
}

/* In a memory of 4 GiB pointers up to 2^32 are valid, and nothing wraps. */
static void test_large_memory(void) {
  wv_memory small = guest.memory;
  uint64_t size = UINT64_C(1) << 32;
  void *base = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  CHECK(base != MAP_FAILED);
  if (base == MAP_FAILED) return;
  guest.memory = (wv_memory){.base = base, .size = size};
  EXPECT(WV_SUCCESS, wv_clock_time_get(&guest, 1, 0, 0xfffffff8));
  EXPECT(WV_EFAULT, wv_clock_time_get(&guest, 1, 0, 0xfffffff9));
  EXPECT(WV_SUCCESS, wv_random_get(&guest, 0xffffffff, 1));
  EXPECT(WV_EFAULT, wv_random_get(&guest, 0xffffffff, 2));
  /* The subscription, a clock that is due, ends where the memory ends. */
  memset(M(0xffffffd0), 0, 48);
  EXPECT(WV_SUCCESS, wv_poll_oneoff(&guest, 0xffffffd0, 0xffffffa0, 1, 0));
  EXPECT(WV_EFAULT, wv_poll_oneoff(&guest, 0xffffffd1, 0, 1, 0));
  EXPECT(WV_EFAULT, wv_poll_oneoff(&guest, 0, 0xffffffe1, 1, 0));
  EXPECT(WV_EFAULT, wv_poll_oneoff(&guest, 0, 0, UINT32_MAX, 0));
  munmap(base, (size_t)size);
  guest.memory = small;
}

int main(void) {
  guest.memory = (wv_memory){.base = calloc(PAGE, 1), .size = PAGE};
  guest.wait_timeout = -1;
  wv_sys_ignore_write_signals();
  guest.fds = wv_fd_table_new(64);
  test_strings();
  test_clocks();
  test_others();
  test_large_memory();
  test_wait();
  test_slices();
  test_stream();
  test_buffer();
  test_sharing();
  test_poll();
  test_sock();
  test_readdir();
  test_rewritten();
  test_runs();
  wv_guest_free(&guest);
  free(guest.memory.base);
  if (failures > 0) fprintf(stderr, "%d failed\n", failures);
  return failures > 0;
}
