/* The waits: limits, signals, FIFOs. */
#define _GNU_SOURCE
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"

#define MS UINT64_C(1000000)

static char fifo[64];

/* What wv_sys_pipe_state can tell here. */
#ifdef __linux__
#define STATE(state) (state)
#else
#define STATE(state) (-2)
#endif

static void test_limit(void) {
  wv_wait wait = wv_wait_limit(5);
  uint64_t before = nanoseconds_on(WV_CLOCK_MONOTONIC);
  int ends[2];

  CHECK(pipe(ends) == 0);
  EXPECT(WV_EAGAIN, wv_wait_ready(&wait, ends[0], WV_SYS_POLL_READ));
  CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) - before >= 5 * MS);
  CHECK(write(ends[1], "x", 1) == 1);
  /* The time of the whole call is up. */
  EXPECT(WV_EAGAIN, wv_wait_ready(&wait, ends[0], WV_SYS_POLL_READ));
  wait = wv_wait_limit(0);
  EXPECT(WV_SUCCESS, wv_wait_ready(&wait, ends[0], WV_SYS_POLL_READ));
  EXPECT(WV_EAGAIN, wv_wait_ready(&wait, ends[0], WV_SYS_POLL_READ));
  wait = wv_wait_limit(INT64_MAX);
  EXPECT(WV_SUCCESS, wv_wait_ready(&wait, ends[0], WV_SYS_POLL_READ));
  close(ends[0]);
  close(ends[1]);
  wait = wv_wait_limit(-1); /* not open: the next call shows it */
  EXPECT(WV_SUCCESS, wv_wait_ready(&wait, ends[0], WV_SYS_POLL_READ));
}

static void ignore(int signal) {
  (void)signal;
}

static void *interrupt(void *of) {
  int i;

  for (i = 0; i < 10; i++) {
    usleep(1000);
    pthread_kill(*(pthread_t *)of, SIGUSR1);
  }
  return NULL;
}

/* Signals end no wait. */
static void test_signals(void) {
  struct sigaction action = {.sa_handler = ignore};
  uint64_t before = nanoseconds_on(WV_CLOCK_MONOTONIC);
  wv_wait wait = wv_wait_limit(20);
  pthread_t self = pthread_self();
  pthread_t thread;
  uint32_t ready;
  int ends[2];

  CHECK(pipe(ends) == 0);
  sigaction(SIGUSR1, &action, NULL);
  pthread_create(&thread, NULL, interrupt, &self);
  EXPECT(WV_EAGAIN, wv_wait_ready(&wait, ends[0], WV_SYS_POLL_READ));
  EXPECT(WV_SUCCESS,
         wv_wait_poll(NULL, 0, WV_CLOCK_MONOTONIC, before + 30 * MS, &ready));
  CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) >= before + 30 * MS);
  pthread_join(thread, NULL);
  close(ends[0]);
  close(ends[1]);
}

static void *open_silently(void *unused) {
  int fd;

  (void)unused;
  usleep(5000);
  fd = open(fifo, O_WRONLY | O_CLOEXEC);
  usleep(60000);
  close(fd);
  return NULL;
}

/* A writer that opens and writes nothing is seen while it is there. */
static void test_writer(void) {
  int fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  wv_wait wait = wv_wait_limit(10);
  pthread_t thread;
  uint8_t byte;

  CHECK(wv_sys_pipe_state(fd) == STATE(-1));
  EXPECT(WV_EAGAIN, wv_wait_writer(&wait, fd));
  wait = wv_wait_limit(-1);
  pthread_create(&thread, NULL, open_silently, NULL);
  EXPECT(WV_SUCCESS, wv_wait_writer(&wait, fd));
  CHECK(wv_sys_pipe_state(fd) == STATE(0));
  EXPECT(WV_SUCCESS, wv_wait_ready(&wait, fd, WV_SYS_POLL_READ));
  pthread_join(thread, NULL);
  EXPECT(WV_SUCCESS, wv_wait_writer(&wait, fd)); /* it went */
  CHECK(read(fd, &byte, 1) == 0 && wv_sys_pipe_state(fd) == STATE(-1));
  close(fd);
}

static void test_pipe_state(void) {
  int ends[2];
  char byte;

  CHECK(pipe(ends) == 0);
  CHECK(wv_sys_pipe_state(ends[0]) == STATE(0));
  CHECK(write(ends[1], "xy", 2) == 2);
  CHECK(wv_sys_pipe_state(ends[0]) == STATE(1) &&
        wv_sys_readable(ends[0]) == 2);
  close(ends[1]);
  CHECK(wv_sys_pipe_state(ends[0]) == STATE(1));
  CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
  close(ends[0]);
  CHECK(wv_sys_pipe_state(ends[0]) == -2);
}

static void test_reader(void) {
  wv_wait wait = wv_wait_limit(3);
  uint64_t before = nanoseconds_on(WV_CLOCK_MONOTONIC);
  uint32_t attempt = 0;

  while (wv_wait_reader(&wait, attempt) == WV_SUCCESS) attempt++;
  CHECK(attempt == 2); /* 1 and 2 ms */
  CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) - before >= 3 * MS);
  wait = wv_wait_limit(-1);
  EXPECT(WV_SUCCESS, wv_wait_reader(&wait, UINT32_MAX));
}

void test_wait(void) {
  char directory[] = "/tmp/wv-core-XXXXXX";

  CHECK(mkdtemp(directory) != NULL);
  snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
  CHECK(mkfifo(fifo, 0600) == 0);
  test_limit();
  test_signals();
  test_pipe_state();
  test_writer();
  test_reader();
  unlink(fifo);
  rmdir(directory);
}
