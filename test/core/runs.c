/* A guest that another thread starts: what that thread does with it, at any
 * time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "buffered.h"
#include "run.h"

#define SENT (8u << 20) /* bytes that a thread writes while another flushes */

static int ends[WV_RUN_STREAMS];

static wv_run *open_run(uint32_t out, uint64_t limit, bool ends_when_cut) {
  const wv_run_options options = {
      .streams = {WV_STREAM_PIPE, out, WV_STREAM_NONE},
      .capture_limit = limit,
      .ends_when_cut = ends_when_cut};
  wv_run *run = NULL;

  EXPECT(WV_SUCCESS, wv_run_open(&options, &run, ends));
  return run;
}

/* The guest joins, and has its streams as fds. */
static uint32_t join(wv_run *run) {
  wv_fd entry = {.kind = WV_KIND_TARGET,
                 .flags = WV_FD_WRITABLE,
                 .rights = WV_RIGHTS_ALL,
                 .capture = wv_run_capture(run, 1)};

  guest.run = wv_run_join(wv_run_number(run));
  CHECK(guest.run == run);
  if (entry.capture == NULL) {
    entry = wv_fd_of_host(wv_run_take(run, 1));
    entry.flags |= WV_FD_OWNED | WV_FD_OF_RUN;
  }
  return insert(entry);
}

static void leave(uint32_t fd) {
  guest.run =
      NULL; /* its last calls are not those of a guest that has to end */
  call_close(fd);
}

static void put_bytes(uint32_t count, uint32_t from) {
  uint32_t i;

  for (i = 0; i < count; i++) M(BUF)[i] = (uint8_t)((from + i) * 7u >> 3);
  put_iovec(LIST, BUF, count);
}

static void test_ends_of_pipes(void) {
  const int fds = count_open_fds();
  wv_run *run = open_run(WV_STREAM_PIPE, 0, false);
  int taken = wv_run_take(run, 1);
  char byte;

  CHECK(wv_run_number(run) != 0);
  CHECK(wv_run_join(0) == NULL);
  CHECK(wv_run_join(wv_run_number(run) + 1) == NULL);
  CHECK(taken >= 0 && wv_run_take(run, 1) == -1);
  CHECK(wv_run_take(run, 2) == -1 && wv_run_take(run, 99) == -1);
  CHECK(read(ends[1], &byte, 1) < 0 && errno == EAGAIN);
  close(taken);
  CHECK(read(ends[1], &byte, 1) == 0);
  wv_run_close(run);
  CHECK(write(ends[0], "x", 1) < 0 && errno == EPIPE);
  close(ends[0]);
  close(ends[1]);
  wv_run_release(run);
  CHECK(count_open_fds() == fds);
}

/* The host's ends where its thread was ended before it had streams for them. */
static void test_ends_that_nobody_has(void) {
  const int fds = count_open_fds();
  wv_run *run = open_run(WV_STREAM_PIPE, 0, false);
  int other;

  close(ends[1]);
  other = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, ends[1]);
  CHECK(other == ends[1]);
  wv_run_abandon(run);
  CHECK(fcntl(ends[0], F_GETFD) < 0 && fcntl(other, F_GETFD) >= 0);
  wv_run_release(run);
  close(other);

  run = open_run(WV_STREAM_PIPE, 0, false);
  wv_run_hand_over(run);
  wv_run_abandon(run);
  CHECK(fcntl(ends[0], F_GETFD) >= 0 && fcntl(ends[1], F_GETFD) >= 0);
  wv_run_release(run);
  close(ends[0]);
  close(ends[1]);
  CHECK(count_open_fds() == fds);
}

/* Two looks without a write in between, and no byte twice. */
static void test_flush_of_an_idle_buffer(void) {
  wv_run *run = open_run(WV_STREAM_PIPE, 0, false);
  const uint32_t fd = join(run);
  uint8_t read_back[128];

  use_buffer(1000, WV_BUFFERED_AUTO);
  put_bytes(10, 0);
  EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
  CHECK(kept() == 10);
  wv_run_flush(run);
  CHECK(read(ends[1], read_back, 64) < 0 && errno == EAGAIN);
  put_bytes(5, 10);
  EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
  wv_run_flush(run);
  CHECK(read(ends[1], read_back, 64) < 0 && errno == EAGAIN);
  wv_run_flush(run);
  CHECK(read(ends[1], read_back, 64) == 15);
  wv_run_flush(run);
  put_bytes(3, 15);
  EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
  EXPECT(WV_SUCCESS, call_flush(WV_NO_LIMIT));
  CHECK(read(ends[1], read_back + 15, 64) == 3);
  put_bytes(18, 0);
  CHECK(memcmp(read_back, M(BUF), 18) == 0);
  CHECK(wv_buffer_count(buffer) == 18);
  wv_run_flush(run); /* nothing is watched */
  leave(fd);
  wv_run_release(run);
  wv_run_release(run);
  close(ends[0]);
  close(ends[1]);
}

/* Nobody flushes a buffer for it, so it has none. */
static void test_pipe_of_the_guest(void) {
  wv_run *run = open_run(WV_STREAM_PIPE, 0, false);
  const uint32_t fd = join(run);
  int own[2];
  uint32_t other;

  CHECK(pipe(own) == 0);
  other = insert_host(own[1]);
  use_buffer(1000, WV_BUFFERED_AUTO);
  put_bytes(10, 0);
  EXPECT(WV_SUCCESS, call_write(other, 1, 0));
  CHECK(kept() == 0 && read(own[0], M(0), 64) == 10);
  leave(fd);
  call_close(other);
  wv_run_release(run);
  wv_run_release(run);
  close(own[0]);
  close(ends[0]);
  close(ends[1]);
}

static void test_end(void) {
  wv_run *run = open_run(WV_STREAM_PIPE, 0, false);
  const uint32_t fd = join(run);
  const uint32_t in = insert_host(wv_run_take(run, 0));
  char byte;

  use_buffer(1000, WV_BUFFERED_AUTO);
  put_bytes(10, 0);
  EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
  /* It waits for input, and what it has written is out. */
  EXPECT(WV_RESUME, dispatch(WV_OP_FD_READ, in, LIST, 1, RESULT, 0, 0));
  CHECK(kept() == 0);
  wv_run_end(run);
  guest.resumed = true;
  EXPECT(WV_ENDED, dispatch(WV_OP_FD_READ, in, LIST, 1, RESULT, 0, 0));
  EXPECT(WV_ENDED, call_write(fd, 1, 0));
  EXPECT(WV_ENDED, dispatch(WV_OP_SCHED_YIELD, 0, 0, 0, 0, 0, 0));
  EXPECT(WV_SUCCESS, call_flush(WV_NO_LIMIT));
  CHECK(read(ends[1], M(0), 64) == 10 && read(ends[1], &byte, 1) < 0);
  leave(fd);
  call_close(in);
  wv_run_release(run);
  wv_run_release(run);
  close(ends[0]);
  close(ends[1]);
}

/* Nobody reads: the flush waits until its thread is terminated. */
static void test_end_with_a_full_pipe(void) {
  static const char page[4096];
  wv_run *run = open_run(WV_STREAM_PIPE, 0, false);
  const uint32_t fd = join(run);

  while (write(wv_guest_get(&guest, fd)->host_fd, page, sizeof(page)) > 0)
    ;
  use_buffer(1000, WV_BUFFERED_AUTO);
  put_bytes(10, 0);
  EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
  EXPECT(WV_RESUME, call_flush(WV_NO_LIMIT));
  wv_run_end(run);
  guest.resumed = true;
  EXPECT(WV_RESUME, call_flush(WV_NO_LIMIT));
  CHECK(kept() == 10);
  CHECK(wv_buffer_discard(&guest) == 10);
  leave(fd);
  wv_run_release(run);
  wv_run_release(run);
  close(ends[0]);
  close(ends[1]);
}

static void test_capture(bool ends_when_cut) {
  wv_run *run = open_run(WV_STREAM_CAPTURE, 10, ends_when_cut);
  const uint32_t fd = join(run);
  wv_capture *capture = wv_run_capture(run, 1);

  use_buffer(1000, WV_BUFFERED_CAPTURES);
  put_bytes(10, 0);
  EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
  EXPECT(WV_SUCCESS, call_flush(WV_NO_LIMIT));
  CHECK(wv_capture_size(capture) == 10 && !wv_capture_is_cut(capture));
  CHECK(!wv_run_is_over(run));
  put_bytes(1, 10);
  EXPECT(WV_ENOSPC, call_write(fd, 1, 0));
  CHECK(wv_capture_is_cut(capture) && wv_run_is_over(run) == ends_when_cut);
  EXPECT(ends_when_cut ? WV_ENDED : WV_ENOSPC, call_write(fd, 1, 0));
  leave(fd);
  wv_run_release(run);
  wv_run_release(run);
  close(ends[0]);
}

static void *flush_always(void *argument) {
  wv_run *run = argument;

  while (!wv_run_is_over(run)) {
    wv_run_flush(run);
    sched_yield();
  }
  return NULL;
}

static void *read_all(void *argument) {
  uint8_t *to = argument;
  size_t done = 0;
  ssize_t n;

  while (done < SENT) {
    n = read(ends[1], to + done, SENT - done);
    if (n > 0)
      done += (size_t)n;
    else if (n == 0)
      break;
    else
      sched_yield();
  }
  return NULL;
}

/* The bytes of a guest that writes all the time, while another thread flushes
 * all the time. A look follows the one before at once here, and not 20 ms
 * later: on a machine with ordered stores that is as good. */
static void test_flush_of_a_busy_buffer(void) {
  wv_run *run = open_run(WV_STREAM_PIPE, 0, false);
  const uint32_t fd = join(run);
  uint8_t *received = malloc(SENT);
  pthread_t flusher;
  pthread_t reader;
  uint32_t sent = 0;
  uint32_t wrong = 0;
  uint32_t n;

  use_buffer(BUFFER_MAX, WV_BUFFERED_AUTO);
  pthread_create(&flusher, NULL, flush_always, run);
  pthread_create(&reader, NULL, read_all, received);
  while (sent < SENT) {
    n = 1 + sent % 997;
    if (n > SENT - sent) n = SENT - sent;
    put_bytes(n, sent);
    EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
    sent += n;
    if (sent % 64 == 0) sched_yield();
  }
  EXPECT(WV_SUCCESS, call_flush(WV_NO_LIMIT));
  wv_run_end(run);
  pthread_join(flusher, NULL);
  pthread_join(reader, NULL);
  for (n = 0; n < SENT; n++)
    if (received[n] != (uint8_t)(n * 7u >> 3)) wrong++;
  CHECK(wrong == 0);
  free(received);
  leave(fd);
  wv_run_release(run);
  wv_run_release(run);
  close(ends[0]);
  close(ends[1]);
}

void test_runs(void) {
  test_ends_of_pipes();
  test_ends_that_nobody_has();
  test_flush_of_an_idle_buffer();
  test_pipe_of_the_guest();
  test_end();
  test_end_with_a_full_pipe();
  test_capture(false);
  test_capture(true);
  test_flush_of_a_busy_buffer();
  wv_buffer_unset(buffer);
}
