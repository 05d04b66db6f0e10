/* poll_oneoff and its waits. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "check.h"
#include "wait.h"

#define IN 1024u
#define OUT 32768u
#define NEVENTS 8u
#define MS UINT64_C(1000000)
#define ABSOLUTE WV_SUBCLOCK_ABSTIME

static void put_clock(uint32_t i, uint32_t clock, uint64_t timeout,
                      uint16_t flags) {
  uint8_t *at = M(IN + 48 * i);

  memset(at, 0xee, 48); /* padding may have any value */
  wv_store_u64(at, UINT64_MAX - i);
  at[8] = 0;
  wv_store_u32(at + 16, clock);
  wv_store_u64(at + 24, timeout);
  wv_store_u64(at + 32, UINT64_MAX);
  wv_store_u16(at + 40, flags);
}

static void put_fd(uint32_t i, uint8_t tag, uint32_t fd) {
  uint8_t *at = M(IN + 48 * i);

  memset(at, 0xee, 48);
  wv_store_u64(at, UINT64_MAX - i);
  at[8] = tag;
  wv_store_u32(at + 16, fd);
}

static uint32_t poll_for(uint32_t n) {
  wv_store_u32(M(NEVENTS), UINT32_MAX);
  EXPECT(WV_SUCCESS, wv_poll_oneoff(&guest, IN, OUT, n, NEVENTS));
  return wv_load_u32(M(NEVENTS));
}

/* Is event `e` the event of subscription `i`? */
static bool is_event(uint32_t e, uint32_t i, wv_errno error, uint8_t type,
                     uint64_t nbytes, uint16_t flags) {
  const uint8_t *at = M(OUT + 32 * e);

  return wv_load_u64(at) == UINT64_MAX - i && wv_load_u16(at + 8) == error &&
         at[10] == type && wv_load_u64(at + 16) == nbytes &&
         wv_load_u16(at + 24) == flags;
}

static void test_clock(uint32_t clock) {
  uint64_t before = nanoseconds_on(clock);
  uint64_t times[] = {0, 1, 999999, 1000001, 3 * MS + 7, 5 * MS};
  size_t i;

  for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
    before = nanoseconds_on(WV_CLOCK_MONOTONIC);
    put_clock(0, clock, times[i], 0);
    CHECK(poll_for(1) == 1 && is_event(0, 0, WV_SUCCESS, 0, 0, 0));
    CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) - before >= times[i]);

    before = nanoseconds_on(clock) + times[i];
    put_clock(0, clock, before, ABSOLUTE);
    CHECK(poll_for(1) == 1 && is_event(0, 0, WV_SUCCESS, 0, 0, 0));
    CHECK(nanoseconds_on(clock) >= before);
  }
  put_clock(0, clock, 0, ABSOLUTE);
  put_clock(1, clock, before - 1, ABSOLUTE);
  put_clock(2, clock, UINT64_MAX, ABSOLUTE);
  put_clock(3, clock, UINT64_MAX, 0);
  put_clock(4, clock, INT64_MAX, 0);
  put_clock(5, clock, UINT64_MAX - 1, 0);
  CHECK(poll_for(6) == 2);
  CHECK(is_event(0, 0, WV_SUCCESS, 0, 0, 0));
  CHECK(is_event(1, 1, WV_SUCCESS, 0, 0, 0));
}

static void test_clocks(void) {
  uint64_t before = nanoseconds_on(WV_CLOCK_MONOTONIC);

  test_clock(WV_CLOCK_REALTIME);
  test_clock(WV_CLOCK_MONOTONIC);
  /* The earliest of several clocks, each measured on its own. */
  put_clock(0, WV_CLOCK_MONOTONIC, 60000 * MS, 0);
  put_clock(1, WV_CLOCK_REALTIME, nanoseconds_on(WV_CLOCK_REALTIME) + 4 * MS,
            ABSOLUTE);
  CHECK(poll_for(2) == 1 && is_event(0, 1, WV_SUCCESS, 0, 0, 0));
  /* A subscription with an error ends the wait for the other one. */
  put_clock(1, WV_CLOCK_PROCESS_CPUTIME, 60000 * MS, 0);
  put_clock(2, WV_CLOCK_THREAD_CPUTIME, 0, ABSOLUTE);
  CHECK(poll_for(3) == 2 && is_event(0, 1, WV_ENOTSUP, 0, 0, 0));
  CHECK(is_event(1, 2, WV_ENOTSUP, 0, 0, 0));
  CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) - before < 5000 * MS);
}

static void test_errors(void) {
  uint64_t sum;
  uint32_t at;

  memset(M(IN), 0, 48 * 3); /* three clocks that are due */
  EXPECT_FAULTS(at, 144, wv_poll_oneoff(&guest, at, OUT, 3, NEVENTS));
  EXPECT_FAULTS(at, 96, wv_poll_oneoff(&guest, IN, at, 3, NEVENTS));
  EXPECT_FAULTS(at, 4, wv_poll_oneoff(&guest, IN, OUT, 3, at));
  EXPECT(WV_EFAULT, wv_poll_oneoff(&guest, IN, OUT, UINT32_MAX, NEVENTS));
  EXPECT(WV_EFAULT, wv_poll_oneoff(&guest, IN, OUT, 0, PAGE));
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, OUT, 0, NEVENTS));
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, PAGE, PAGE, 0, NEVENTS));
  put_clock(0, WV_CLOCK_MONOTONIC, 0, 0);
  put_fd(1, 3, 0); /* no such tag */
  put_clock(2, WV_CLOCK_MONOTONIC, 60000 * MS, 0);
  sum = memory_sum();
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, OUT, 3, NEVENTS));
  CHECK(memory_sum() == sum);
  put_fd(1, 255, 0);
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, OUT, 3, NEVENTS));
  put_clock(1, 4, 0, 0);
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, OUT, 3, NEVENTS));
  put_clock(1, UINT32_MAX, 0, 0);
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, OUT, 3, NEVENTS));
  put_clock(1, 0, 0, 2);
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, OUT, 3, NEVENTS));
  put_clock(1, 0, 0, 0xffff);
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, OUT, 3, NEVENTS));
}

/* The most subscriptions, in a memory that holds them. */
static void test_many(void) {
  wv_memory small = guest.memory;
  uint32_t n = 16384;
  uint32_t null = insert_host(open("/dev/null", O_RDWR | O_CLOEXEC));
  uint32_t i;
  uint32_t out = IN + 48 * n + 48;

  guest.memory.size = out + 32 * n + 32;
  guest.memory.base = calloc(guest.memory.size, 1);
  for (i = 0; i < n; i++) put_fd(i, 2, i % 2 == 0 ? null : 12345);
  EXPECT(WV_SUCCESS, wv_poll_oneoff(&guest, IN, out, n, 0));
  CHECK(wv_load_u32(M(0)) == n);
  CHECK(wv_load_u16(M(out + 32 * (n - 2) + 8)) == WV_SUCCESS);
  CHECK(wv_load_u16(M(out + 32 * (n - 1) + 8)) == WV_EBADF);
  EXPECT(WV_EINVAL, wv_poll_oneoff(&guest, IN, out, n + 1, 0));
  free(guest.memory.base);
  guest.memory = small;
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, null));
}

static void test_pipe(void) {
  int ends[2];
  uint32_t in;
  uint32_t out;

  CHECK(pipe(ends) == 0);
  in = insert_host(ends[0]);
  out = insert_host(ends[1]);
  put_fd(0, 1, in);
  put_clock(1, WV_CLOCK_MONOTONIC, 3 * MS, 0);
  CHECK(poll_for(2) == 1 && is_event(0, 1, WV_SUCCESS, 0, 0, 0));
  put_fd(2, 2, out);
  CHECK(poll_for(3) == 1 && is_event(0, 2, WV_SUCCESS, 2, 0, 0));
  CHECK(write(ends[1], "hello", 5) == 5);
  put_clock(1, WV_CLOCK_MONOTONIC, 0, 0);
  CHECK(poll_for(2) == 2 && is_event(0, 0, WV_SUCCESS, 1, 5, 0));
  CHECK(is_event(1, 1, WV_SUCCESS, 0, 0, 0));
  put_clock(1, WV_CLOCK_MONOTONIC, 60000 * MS, 0);
  CHECK(poll_for(2) == 1 && is_event(0, 0, WV_SUCCESS, 1, 5, 0));

  put_fd(1, 2, in); /* each for the wrong direction */
  put_fd(2, 1, out);
  CHECK(poll_for(3) == 3 && is_event(1, 1, WV_EBADF, 2, 0, 0));
  CHECK(is_event(2, 2, WV_EBADF, 1, 0, 0));
  guest.fds->entries[in]->rights = 0;
  CHECK(poll_for(1) == 1 && is_event(0, 0, WV_ENOTCAPABLE, 1, 0, 0));
  guest.fds->entries[in]->rights = WV_RIGHTS_ALL;

  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, out));
  CHECK(poll_for(1) == 1 && is_event(0, 0, WV_SUCCESS, 1, 5, 0));
  CHECK(read(ends[0], M(0), 5) == 5);
  CHECK(poll_for(1) == 1 && is_event(0, 0, WV_SUCCESS, 1, 0, 1));
  close(ends[0]); /* without the guest's knowledge */
  CHECK(poll_for(1) == 1 && is_event(0, 0, WV_EBADF, 1, 0, 0));
  guest.fds->entries[in]->flags &= (uint8_t)~WV_FD_OWNED;
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, in));

  CHECK(pipe(ends) == 0);
  close(ends[0]);
  out = insert_host(ends[1]);
  put_fd(0, 2, out);
  CHECK(poll_for(1) == 1 && is_event(0, 0, WV_SUCCESS, 2, 0, 1));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, out));
}

static void test_socket(void) {
  int ends[2];
  uint32_t fd;

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  fd = insert_host(ends[0]);
  put_fd(0, 1, fd);
  put_fd(1, 2, fd);
  CHECK(poll_for(2) == 1 && is_event(0, 1, WV_SUCCESS, 2, 0, 0));
  CHECK(write(ends[1], "abc", 3) == 3 && shutdown(ends[1], SHUT_WR) == 0);
  CHECK(poll_for(2) == 2 && is_event(0, 0, WV_SUCCESS, 1, 3, 0));
  CHECK(is_event(1, 1, WV_SUCCESS, 2, 0, 0));
  CHECK(read(ends[0], M(0), 3) == 3);
  CHECK(poll_for(2) == 2 && is_event(0, 0, WV_SUCCESS, 1, 0, 1));
  CHECK(is_event(1, 1, WV_SUCCESS, 2, 0, 0));
  close(ends[1]);
  CHECK(poll_for(2) == 2 && is_event(1, 1, WV_SUCCESS, 2, 0, 1));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
}

/* Files that are always ready; their kind is still unknown. */
static void test_files(void) {
  char name[] = "/tmp/wv-core-XXXXXX";
  int host_fd = mkstemp(name);
  wv_fd unknown = {.host_fd = host_fd,
                   .flags = WV_FD_READABLE | WV_FD_WRITABLE | WV_FD_OWNED,
                   .rights = WV_RIGHTS_ALL};
  uint32_t file = insert(unknown);
  uint32_t directory;
  uint32_t null;
  uint32_t target;

  unknown.host_fd = open("/", O_RDONLY | O_CLOEXEC);
  unknown.flags = WV_FD_OWNED;
  directory = insert(unknown);
  unknown.host_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  unknown.flags = WV_FD_OWNED | WV_FD_READABLE;
  null = insert(unknown);
  target = insert((wv_fd){.host_fd = 12345,
                          .kind = WV_KIND_TARGET,
                          .flags = WV_FD_WRITABLE,
                          .rights = WV_RIGHTS_ALL});
  CHECK(write(host_fd, "0123456789", 10) == 10 && lseek(host_fd, 3, 0) == 3);
  put_fd(0, 1, file);
  put_fd(1, 2, file);
  put_fd(2, 1, directory);
  put_fd(3, 1, null);
  put_fd(4, 2, target);
  put_fd(5, 1, target);
  put_clock(6, WV_CLOCK_MONOTONIC, 60000 * MS, 0);
  CHECK(poll_for(7) == 6);
  CHECK(is_event(0, 0, WV_SUCCESS, 1, 7, 0));
  CHECK(is_event(1, 1, WV_SUCCESS, 2, 0, 0));
  CHECK(is_event(2, 2, WV_SUCCESS, 1, 0, 0));
  CHECK(is_event(3, 3, WV_SUCCESS, 1, 0, 0));
  CHECK(is_event(4, 4, WV_SUCCESS, 2, 0, 0));
  CHECK(is_event(5, 5, WV_EBADF, 1, 0, 0));
  CHECK(lseek(host_fd, 99, 0) == 99);
  CHECK(poll_for(1) == 1 && is_event(0, 0, WV_SUCCESS, 1, 0, 0));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, file));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, directory));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, null));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, target));
  unlink(name);
}

static volatile bool racing;

/* Another thread of the guest keeps rewriting the list. */
static void *rewrite(void *unused) {
  uint32_t i;

  for (i = 0; racing; i++) {
    M(IN + 48 * (i % 40))[8] = i % 997 == 0 ? 3 : (uint8_t)(i % 3);
    wv_store_u32(M(IN + 48 * (i % 39) + 16), i % 7);
    wv_store_u16(M(IN + 48 * (i % 37) + 40), (uint16_t)(i % 3));
    wv_store_u64(M(IN + 48 * (i % 41) + 24), i % 1000);
  }
  return unused;
}

static void test_race(void) {
  wv_errno error;
  pthread_t thread;
  uint32_t n;
  int ends[2];

  CHECK(pipe(ends) == 0);
  insert_host(ends[0]);
  insert_host(ends[1]);
  CHECK(write(ends[1], "x", 1) == 1); /* so that no poll waits for ever */
  racing = true;
  memset(M(IN), 0, 48 * 40);
  pthread_create(&thread, NULL, rewrite, NULL);
  for (n = 0; n < 20000; n++) {
    error = wv_poll_oneoff(&guest, IN, OUT, 1 + n % 40, NEVENTS);
    CHECK(error == WV_SUCCESS || error == WV_EINVAL);
    if (error == WV_SUCCESS) CHECK(wv_load_u32(M(NEVENTS)) - 1 <= n % 40);
  }
  racing = false;
  pthread_join(thread, NULL);
  for (n = 0; n < 2; n++) EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, n));
}

void test_poll(void) {
  test_clocks();
  test_errors();
  test_many();
  test_pipe();
  test_socket();
  test_files();
  test_race();
}
