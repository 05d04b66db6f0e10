/* The waits: time limits, signals, FIFOs. */
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

/* Whether wv_sys_pipe_state works here. */
#ifdef __linux__
#define STATE(state) (state)
#else
#define STATE(state) (-2)
#endif

#define LIMIT(ms) ((wv_wait){.limit = (ms)})

/* Each waits through all its slices. */

static wv_errno wait_ready(wv_wait *wait, int fd) {
  wv_errno error;

  do {
    wait->slice_end = 0;
    error = wv_wait_ready(wait, fd, WV_SYS_POLL_READ);
  } while (error == WV_RESUME);
  return error;
}

static wv_errno wait_writer(wv_wait *wait, int fd) {
  wv_errno error;

  do {
    wait->slice_end = 0;
    error = wv_wait_writer(wait, fd);
  } while (error == WV_RESUME);
  return error;
}

static wv_errno wait_until(wv_wait *wait, uint64_t deadline, uint32_t *ready) {
  wv_errno error;

  do {
    wait->slice_end = 0;
    error = wv_wait_poll(wait, NULL, 0, WV_CLOCK_MONOTONIC, deadline, ready);
  } while (error == WV_RESUME);
  return error;
}

static void test_limit(void) {
  wv_wait wait = LIMIT(5);
  uint64_t before = nanoseconds_on(WV_CLOCK_MONOTONIC);
  int ends[2];

  CHECK(pipe(ends) == 0);
  EXPECT(WV_EAGAIN, wait_ready(&wait, ends[0]));
  CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) - before >= 5 * MS);
  CHECK(write(ends[1], "x", 1) == 1);
  /* The time limit of the whole call has passed. */
  EXPECT(WV_EAGAIN, wait_ready(&wait, ends[0]));
  wait = LIMIT(0);
  EXPECT(WV_SUCCESS, wait_ready(&wait, ends[0]));
  EXPECT(WV_EAGAIN, wait_ready(&wait, ends[0]));
  wait = LIMIT(INT64_MAX);
  EXPECT(WV_SUCCESS, wait_ready(&wait, ends[0]));
  close(ends[0]);
  close(ends[1]);
  wait = LIMIT(-1); /* closed: the next system call shows it */
  EXPECT(WV_SUCCESS, wait_ready(&wait, ends[0]));
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

/* Signals do not end a wait. */
static void test_signals(void) {
  struct sigaction action = {.sa_handler = ignore};
  uint64_t before = nanoseconds_on(WV_CLOCK_MONOTONIC);
  wv_wait wait = LIMIT(20);
  pthread_t self = pthread_self();
  pthread_t thread;
  uint32_t ready;
  int ends[2];

  CHECK(pipe(ends) == 0);
  sigaction(SIGUSR1, &action, NULL);
  pthread_create(&thread, NULL, interrupt, &self);
  EXPECT(WV_EAGAIN, wait_ready(&wait, ends[0]));
  EXPECT(WV_SUCCESS, wait_until(&wait, before + 30 * MS, &ready));
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

/* A writer that opens and writes nothing is seen as long as it is there. */
static void test_writer(void) {
  int fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  wv_wait wait = LIMIT(10);
  pthread_t thread;
  uint8_t byte;

  CHECK(wv_sys_pipe_state(fd) == STATE(-1));
  EXPECT(WV_EAGAIN, wait_writer(&wait, fd));
  wait = LIMIT(-1);
  pthread_create(&thread, NULL, open_silently, NULL);
  EXPECT(WV_SUCCESS, wait_writer(&wait, fd));
  CHECK(wv_sys_pipe_state(fd) == STATE(0));
  EXPECT(WV_SUCCESS, wait_ready(&wait, fd));
  pthread_join(thread, NULL);
  EXPECT(WV_SUCCESS, wait_writer(&wait, fd)); /* the writer is gone */
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

/* The pauses between two tries to open a file. */
static void test_open(void) {
  wv_wait wait = LIMIT(3);
  uint64_t before = nanoseconds_on(WV_CLOCK_MONOTONIC);

  while (wv_wait_open(&wait) == WV_SUCCESS) continue;
  CHECK(wait.attempts == 1 || wait.attempts == 2); /* 1 and 2 ms */
  CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) - before >= 3 * MS);
  wait = LIMIT(-1);
  wait.attempts = UINT32_MAX;
  EXPECT(WV_RESUME, wv_wait_open(&wait)); /* the whole slice */
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
  test_open();
  unlink(fifo);
  rmdir(directory);
}
