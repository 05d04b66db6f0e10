/* Buffered writes that fail: how the error is reported, and which bytes are
 * kept for how long. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "buffered.h"
#include "flush.h"

_Alignas(8) uint8_t buffer_memory[WV_BUFFER_HEADER_SIZE + BUFFER_MAX];

void use_buffer(uint32_t size, uint8_t what) {
  wv_buffer_discard(&guest);
  wv_buffer_set(
      buffer,
      (wv_memory){.base = buffer_memory, .size = WV_BUFFER_HEADER_SIZE + size},
      what);
}

uint32_t buffer_word(int at) {
  return wv_load_u32(buffer_memory + at);
}

uint32_t kept(void) {
  return buffer->left + buffer_word(WV_BUFFER_USED);
}

uint32_t result(void) {
  return wv_load_u32(M(RESULT));
}

/* Makes calls as JS does. */

wv_errno dispatch(enum wv_op op, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                  uint32_t e, uint64_t wide) {
  _Alignas(8) uint32_t box[WV_BOX_WORDS] = {0};
  const uint32_t arguments[] = {a, b, c, d, e};

  box[WV_BOX_OP] = op;
  memcpy(box + WV_BOX_ARGUMENTS, arguments, sizeof(arguments));
  memcpy(box + 2 * WV_BOX_WIDE, &wide, sizeof(wide));
  return wv_dispatch(&guest, box);
}

wv_errno call_write(uint32_t fd, uint32_t count, uint32_t flags) {
  return dispatch(WV_OP_BUFFERED_WRITE, fd, LIST, count, RESULT, flags, 0);
}

wv_errno call_pwrite(uint32_t fd, uint32_t count, uint64_t offset) {
  return dispatch(WV_OP_BUFFERED_PWRITE, fd, LIST, count, RESULT, 0, offset);
}

wv_errno call_flush(uint32_t limit) {
  return dispatch(WV_OP_FLUSH, limit, 0, 0, 0, 0, 0);
}

wv_errno call_close(uint32_t fd) {
  return dispatch(WV_OP_FD_CLOSE, fd, 0, 0, 0, 0, 0);
}

int count_open_fds(void) {
  DIR *stream = opendir("/proc/self/fd");
  int count = 0;

  if (stream == NULL) return -1;
  while (readdir(stream) != NULL) count++;
  closedir(stream);
  return count;
}

static wv_errno write_string(uint32_t fd, const char *string) {
  memcpy(M(BUF), string, strlen(string));
  put_iovec(LIST, BUF, (uint32_t)strlen(string));
  return call_write(fd, 1, 0);
}

static uint32_t fill(int host_fd) {
  static const uint8_t zeros[4096];
  uint32_t total = 0;
  ssize_t n;

  while ((n = write(host_fd, zeros, sizeof(zeros))) > 0) total += (uint32_t)n;
  return total;
}

static void skip(int host_fd, uint32_t len) {
  static uint8_t bytes[4096];
  ssize_t n;

  while (len > 0) {
    n = read(host_fd, bytes, len < sizeof(bytes) ? len : sizeof(bytes));
    if (n <= 0) break;
    len -= (uint32_t)n;
  }
  CHECK(len == 0);
}

static void test_close(void) {
  char bytes[16];
  uint32_t fd;
  uint32_t full;
  int ends[2];

  use_buffer(64, WV_BUFFERED_ALL);
  guest.wait_timeout = 0;
  CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
  full = fill(ends[1]);
  fd = insert_host(ends[1]);
  EXPECT(WV_SUCCESS, write_string(fd, "hello"));
  EXPECT(WV_EAGAIN, call_close(fd)); /* reported once */
  EXPECT(WV_EBADF, call_close(fd));
  CHECK(kept() == 5 && fcntl(ends[1], F_GETFD) >= 0);

  /* The number may belong to another entry, which must not get the error. */
  CHECK(insert_host(open("/dev/null", O_RDWR | O_CLOEXEC)) == fd);
  EXPECT(WV_SUCCESS, write_string(fd, "nothing to do with it"));
  CHECK(kept() == 5 && result() == 21);
  EXPECT(WV_SUCCESS, call_close(fd));
  EXPECT(WV_EAGAIN, call_flush(WV_NO_LIMIT));

  skip(ends[0], full);
  EXPECT(WV_SUCCESS, call_flush(WV_NO_LIMIT));
  CHECK(read(ends[0], bytes, 16) == 5 && memcmp(bytes, "hello", 5) == 0);
  CHECK(read(ends[0], bytes, 16) == 0); /* our end is closed */
  EXPECT(WV_SUCCESS, call_flush(WV_NO_LIMIT));
  close(ends[0]);

  /* A discard drops the bytes. */
  fd = insert_host(open("/dev/full", O_RDWR | O_CLOEXEC));
  EXPECT(WV_SUCCESS, write_string(fd, "hello"));
  EXPECT(WV_ENOSPC, call_close(fd));
  CHECK(wv_buffer_discard(&guest) == 5 && wv_buffer_discard(&guest) == 0);
  guest.wait_timeout = -1;
}

/* Many fds fail, but the kept bytes do not grow. */
static void test_bound(void) {
  const int base = count_open_fds();
  uint32_t fd;
  int i;

  use_buffer(64, WV_BUFFERED_ALL);
  for (i = 0; i < 100; i++) {
    fd = insert_host(open("/dev/full", O_RDWR | O_CLOEXEC));
    EXPECT(i == 0 ? WV_SUCCESS : WV_ENOSPC, write_string(fd, "0123456789"));
    EXPECT(i == 0 ? WV_ENOSPC : WV_SUCCESS, call_close(fd));
    CHECK(kept() == 10);
  }
  CHECK(count_open_fds() == base + (base < 0 ? 0 : 1));
  CHECK(wv_buffer_discard(&guest) == 10);
  CHECK(count_open_fds() == base);
}

/* A file takes a part now and the rest later: each byte goes to its place. */
static void test_part(void) {
  char name[] = "/tmp/wv-core-XXXXXX";
  struct rlimit limit;
  struct rlimit small;
  char bytes[32];
  uint32_t fd = insert_host(mkstemp(name));

  CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  small = limit;
  small.rlim_cur = 10;
  use_buffer(64, WV_BUFFERED_AUTO);
  memcpy(M(BUF), "0123456789abcdefghij", 20);
  put_iovec(LIST, BUF, 5);
  EXPECT(WV_SUCCESS, call_pwrite(fd, 1, 0));
  EXPECT(WV_SUCCESS, call_flush(0));
  put_iovec(LIST, BUF + 5, 15);
  EXPECT(WV_SUCCESS, call_pwrite(fd, 1, 5));
  CHECK(kept() == 15);
  CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
  EXPECT(WV_EFBIG, call_flush(0));
  EXPECT(WV_EFBIG, call_flush(0));
  CHECK(kept() == 10);
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  EXPECT(WV_SUCCESS, call_flush(0));
  CHECK(pread(wv_fd_get(guest.fds, fd)->host_fd, bytes, 32, 0) == 20);
  CHECK(memcmp(bytes, "0123456789abcdefghij", 20) == 0);
  EXPECT(WV_SUCCESS, call_close(fd));
  unlink(name);
}

/* A flush that waits is cut into slices. If it is dropped, a later call
 * continues it. */
static void test_slices_of_flush(void) {
  uint64_t begun;
  char bytes[16];
  char path[32];
  uint32_t full;
  uint32_t fd;
  int filler;
  int ends[2];

  use_buffer(64, WV_BUFFERED_ALL);
  CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
  full = fill(ends[1]);
  fcntl(ends[1], F_SETFL, 0);
  fd = insert(wv_fd_of_host(ends[1]));
  EXPECT(WV_SUCCESS, write_string(fd, "hello"));
  EXPECT(WV_RESUME, call_flush(WV_NO_LIMIT));
  EXPECT(WV_EAGAIN, call_flush(0));
  CHECK(kept() == 5);
  /* A sleep begins once the buffered bytes are out. */
  memset(M(LIST), 0, WV_SUBSCRIPTION_SIZE);
  wv_store_u32(M(LIST + 16), WV_CLOCK_MONOTONIC);
  wv_store_u64(M(LIST + 24), 5000000);
#define SLEEP() dispatch(WV_OP_POLL_ONEOFF, LIST, BUF, 1, RESULT, 0, 0)
  EXPECT(WV_SUCCESS, SLEEP()); /* the failed flush concerns another fd */
  skip(ends[0], 8);
  EXPECT(WV_EAGAIN, call_flush(0)); /* less than a page of room */
  skip(ends[0], full - 8);
  EXPECT(WV_SUCCESS, call_flush(WV_NO_LIMIT));
  CHECK(read(ends[0], bytes, 16) == 5 && memcmp(bytes, "hello", 5) == 0);

  snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
  filler = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  full = fill(filler);
  EXPECT(WV_SUCCESS, write_string(fd, "again"));
  memset(M(LIST), 0, WV_SUBSCRIPTION_SIZE);
  wv_store_u32(M(LIST + 16), WV_CLOCK_MONOTONIC);
  wv_store_u64(M(LIST + 24), 5000000);
  EXPECT(WV_RESUME, SLEEP());
  EXPECT(WV_RESUME, SLEEP()); /* dropped, and called again */
  skip(ends[0], full);
  begun = nanoseconds_on(WV_CLOCK_MONOTONIC);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, SLEEP());
  CHECK(nanoseconds_on(WV_CLOCK_MONOTONIC) - begun >= 5000000);
#undef SLEEP
  CHECK(read(ends[0], bytes, 16) == 5 && memcmp(bytes, "again", 5) == 0);

  /* A write of 2,000 bytes after buffered bytes that wait. */
  full = fill(filler);
  EXPECT(WV_SUCCESS, write_string(fd, "first"));
  put_iovec(LIST, BUF, 2000);
  EXPECT(WV_RESUME, call_write(fd, 1, 0));
  skip(ends[0], full);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, call_write(fd, 1, 0));
  CHECK(result() == 2000 && kept() == 0);
  skip(ends[0], 2005);
  CHECK(read(ends[0], bytes, 1) < 0);
  EXPECT(WV_SUCCESS, call_close(fd));
  close(ends[0]);
  close(ends[1]);
  close(filler);
}

/* Targets of JS: the core asks, and JS answers. */
static void test_target(void) {
  wv_memory bytes;
  uint32_t fd = insert((wv_fd){.host_fd = 7,
                               .kind = WV_KIND_TARGET,
                               .flags = WV_FD_WRITABLE,
                               .rights = WV_RIGHTS_ALL});
  uint32_t null = insert_host(open("/dev/null", O_RDWR | O_CLOEXEC));

  use_buffer(64, WV_BUFFERED_AUTO);
  EXPECT(WV_DELIVER, write_string(fd, "hello"));
  use_buffer(64, WV_BUFFERED_ALL);
  EXPECT(WV_ASK, write_string(fd, "hello"));
  CHECK(guest.target == 7 && kept() == 0);
  EXPECT(WV_SUCCESS, call_write(fd, 1, WV_WRITE_ASKED));
  CHECK(result() == 5 && kept() == 5);
  EXPECT(WV_SUCCESS, write_string(fd, "again")); /* asked once */
  CHECK(kept() == 10);
  EXPECT(WV_DELIVER_BUFFERED, write_string(null, "other"));
  CHECK(guest.target == 7);
  EXPECT(WV_DELIVER_BUFFERED, call_flush(WV_NO_LIMIT));
  CHECK(memcmp(buffer_memory + WV_BUFFER_HEADER_SIZE + buffer->from,
               "helloagain", 10) == 0);
  CHECK(buffer->left == 10);
  wv_buffer_taken(buffer);
  CHECK(kept() == 0 && buffer->entry == NULL);
  wv_buffer_taken(buffer);

  /* JS cannot give the bytes back to another target, nor twice. */
  bytes = (wv_memory){.base = M(BUF), .size = 5};
  CHECK(!wv_buffer_give_back(&guest, fd, 8, bytes, WV_EPIPE));
  CHECK(!wv_buffer_give_back(&guest, null, 7, bytes, WV_EPIPE));
  CHECK(wv_buffer_give_back(&guest, fd, 7, bytes, WV_EPIPE));
  CHECK(!wv_buffer_give_back(&guest, fd, 7, bytes, WV_EPIPE));
  CHECK(kept() == 5 && buffer->error == WV_EPIPE);
  EXPECT(WV_SUCCESS, write_string(null, "other"));
  EXPECT(WV_DELIVER_BUFFERED, write_string(fd, "more"));
  EXPECT(WV_DELIVER_BUFFERED, call_close(fd));
  wv_buffer_taken(buffer);
  EXPECT(WV_SUCCESS, call_close(fd));
  EXPECT(WV_SUCCESS, call_close(null));
}

void test_buffer(void) {
  test_close();
  test_bound();
  test_part();
  test_slices_of_flush();
  test_target();
  if (access("/dev/full", W_OK) == 0) test_model();
  wv_buffer_discard(&guest);
  *buffer = (wv_buffer){.base = NULL};
}
