/* Waits that are cut into slices: what a resumed call keeps, and what it does
 * not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "check.h"

#define MS UINT64_C(1000000)
#define SLICE (20 * MS)

#define RESULT 0u
#define FLAGS 8u
#define LIST 1024u     /* up to LIST_MAX elements */
#define LIST_MAX 4000u /* more than one system call takes */
#define BUF 36864u
#define PATH 512u

static uint32_t list_len;
static char fifo[64];

static uint64_t now(void) {
  return nanoseconds_on(WV_CLOCK_MONOTONIC);
}

/* A descriptor that the host left blocking, and must see unchanged. */
static uint32_t insert_blocking(int host_fd) {
  return insert(wv_fd_of_host(host_fd));
}

static void drop(uint32_t fd, int host_fd) {
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  if (host_fd >= 0) CHECK(close(host_fd) == 0);
}

/* Writes until the stream is full. */
static void fill(int host_fd) {
  static const uint8_t zeros[4096];
  int flags = fcntl(host_fd, F_GETFL);

  fcntl(host_fd, F_SETFL, flags | O_NONBLOCK);
  while (write(host_fd, zeros, sizeof(zeros)) > 0) continue;
  while (write(host_fd, zeros, 1) > 0) continue;
  fcntl(host_fd, F_SETFL, flags);
}

static void test_read(void) {
  uint64_t before = now();
  uint32_t fd;
  int ends[2];

  CHECK(pipe(ends) == 0);
  fd = insert_blocking(ends[0]);
  put_iovec(LIST, BUF, 10);
  EXPECT(WV_RESUME, wv_fd_read(&guest, fd, LIST, 1, RESULT));
  CHECK(now() - before >= SLICE);
  CHECK(write(ends[1], "abc", 3) == 3);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, wv_fd_read(&guest, fd, LIST, 1, RESULT));
  CHECK(wv_load_u32(M(RESULT)) == 3 && memcmp(M(BUF), "abc", 3) == 0);
  close(ends[1]);
  drop(fd, ends[0]);
}

/* All slices together respect the limit. */
static void test_deadline(void) {
  uint64_t before = now();
  uint64_t deadline = 0;
  int slices = 0;
  wv_errno error;
  uint32_t fd;
  int ends[2];

  CHECK(pipe(ends) == 0);
  fill(ends[1]);
  fd = insert_blocking(ends[1]);
  put_iovec(LIST, BUF, 10);
  guest.wait_timeout = 50;
  while ((error = wv_fd_write(&guest, fd, LIST, 1, RESULT)) == WV_RESUME) {
    CHECK(slices++ == 0 || guest.wait.deadline == deadline);
    deadline = guest.wait.deadline;
    guest.resumed = true;
  }
  EXPECT(WV_EAGAIN, error);
  CHECK(slices > 0 && now() - before >= 50 * MS);
  CHECK(deadline >= before + 50 * MS && deadline <= now());

  /* Time that the host takes between two slices counts. */
  EXPECT(WV_RESUME, wv_fd_write(&guest, fd, LIST, 1, RESULT));
  usleep(40000);
  guest.resumed = true;
  error = wv_fd_write(&guest, fd, LIST, 1, RESULT);
  EXPECT(WV_EAGAIN, error);
  guest.wait_timeout = -1;
  close(ends[0]);
  drop(fd, ends[1]);
}

static void put_clock(uint32_t at, uint64_t timeout) {
  memset(M(at), 0, WV_SUBSCRIPTION_SIZE);
  wv_store_u32(M(at + 16), WV_CLOCK_MONOTONIC);
  wv_store_u64(M(at + 24), timeout);
}

/* A relative time begins with the call, not with each slice. */
static void test_clock(void) {
  uint64_t before = now();
  uint64_t begun;
  wv_errno error;

  put_clock(LIST, 50 * MS);
  EXPECT(WV_RESUME, wv_poll_oneoff(&guest, LIST, BUF, 1, RESULT));
  begun = guest.wait.begun;
  CHECK(begun >= before && begun <= now());
  usleep(40000);
  guest.resumed = true;
  error = wv_poll_oneoff(&guest, LIST, BUF, 1, RESULT);
  EXPECT(WV_SUCCESS, error);
  CHECK(guest.wait.begun == begun && now() - begun >= 50 * MS);

  before = now();
  EXPECT(WV_SUCCESS, wv_poll_oneoff(&guest, LIST, BUF, 1, RESULT));
  CHECK(now() - before >= 50 * MS && guest.wait.begun >= before);

  put_clock(LIST, UINT64_MAX);
  EXPECT(WV_RESUME, wv_poll_oneoff(&guest, LIST, BUF, 1, RESULT));
  guest.resumed = true;
  error = wv_poll_oneoff(&guest, LIST, BUF, 1, RESULT);
  CHECK(error == WV_RESUME);
  guest.resumed = false;
}

/* Lists whose bytes show their position. */

static uint8_t byte_at(uint64_t n) {
  return (uint8_t)(n * 2654435761u >> 13);
}

/* `count` elements of `min` to `max` bytes, adjacent or not. Returns the sum of
 * their lengths. */
static uint64_t put_list(uint32_t count, uint32_t min, uint32_t max,
                         uint32_t gap) {
  const uint32_t room = PAGE - BUF - max;
  uint64_t total = 0;
  uint32_t buf = 0;
  uint32_t i;

  for (i = 0; i < PAGE - BUF; i++) M(BUF)[i] = byte_at(i);
  for (i = 0; i < count; i++) {
    uint32_t len = min + (i * 7919) % (max - min + 1);

    put_iovec(LIST + 8 * i, BUF + buf, len);
    buf = (buf + len + gap) % room;
    total += len;
  }
  list_len = count;
  return total;
}

typedef struct comparison {
  uint32_t element;
  uint32_t offset;
  uint64_t bytes;
} comparison;

/* The bytes that come out must be those of the list, each once. */
static void compare(comparison *at, const uint8_t *bytes, ssize_t len) {
  for (; len > 0; len--, bytes++) {
    while (at->element < list_len &&
           at->offset == wv_load_u32(M(LIST + 8 * at->element + 4))) {
      at->element++;
      at->offset = 0;
    }
    CHECK(at->element < list_len);
    if (at->element >= list_len) return;
    CHECK(*bytes == M(wv_load_u32(M(LIST + 8 * at->element)) + at->offset)[0]);
    at->offset++;
    at->bytes++;
  }
}

static void compare_some(comparison *at, int host_fd, size_t most) {
  static uint8_t bytes[1 << 16];

  if (most > sizeof(bytes)) most = sizeof(bytes);
  compare(at, bytes, read(host_fd, bytes, most));
}

typedef wv_errno (*writer)(uint32_t fd);

static wv_errno write_directly(uint32_t fd) {
  return wv_fd_write(&guest, fd, LIST, list_len, RESULT);
}

static wv_errno write_by_mailbox(uint32_t fd) {
  _Alignas(8) uint32_t box[WV_BOX_WORDS] = {0};
  uint32_t *a = box + WV_BOX_ARGUMENTS;

  box[WV_BOX_OP] = WV_OP_FD_WRITE;
  a[0] = fd;
  a[1] = LIST;
  a[2] = list_len;
  a[3] = RESULT;
  return wv_dispatch(&guest, box);
}

static wv_errno send_to_socket(uint32_t fd) {
  return wv_sock_send(&guest, fd, LIST, list_len, 0, RESULT);
}

/* The reader reads between two slices only, and at the end the rest. */
static void write_in_slices(writer by, uint32_t fd, int reader,
                            uint64_t total) {
  comparison at = {0};
  int slices = 0;
  wv_errno error;

  fcntl(reader, F_SETFL, O_NONBLOCK);
  while ((error = by(fd)) == WV_RESUME) {
    compare_some(&at, reader, slices % 3 == 2 ? 30011 : 1 << 16);
    slices++;
    guest.resumed = true;
  }
  guest.resumed = false;
  EXPECT(WV_SUCCESS, error);
  CHECK(wv_load_u32(M(RESULT)) == total);
  CHECK(slices > 0);
  while (at.bytes < total) {
    uint64_t before = at.bytes;

    compare_some(&at, reader, 1 << 16);
    CHECK(at.bytes > before);
    if (at.bytes == before) break;
  }
}

enum way { PIPE, OWNED_PIPE, FIFO, NO_OWN, SOCKET, SOCK_SEND, WAYS };

static void write_one_way(enum way way, uint64_t total) {
  wv_fd opened = {.flags = WV_FD_OWNED | WV_FD_WRITABLE,
                  .rights = WV_RIGHTS_ALL};
  const int room = 32768;
  uint32_t fd;
  int ends[2];

  if (way >= SOCKET) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0);
  } else if (way == FIFO) {
    ends[0] = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ends[1] = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  } else
    CHECK(pipe(ends) == 0);
  if (way == OWNED_PIPE) fcntl(ends[1], F_SETFL, O_NONBLOCK);
  opened.host_fd = ends[1];
  fd = way == OWNED_PIPE ? insert_host(ends[1])
       : way == FIFO     ? insert(opened) /* of unknown kind */
                         : insert_blocking(ends[1]);
  if (way == NO_OWN) wv_fd_get(guest.fds, fd)->flags |= WV_FD_NO_OWN;
  write_in_slices(way == SOCK_SEND ? send_to_socket
                  : way == FIFO    ? write_by_mailbox
                                   : write_directly,
                  fd, ends[0], total);
  close(ends[0]);
  drop(fd, way == OWNED_PIPE || way == FIFO ? -1 : ends[1]);
}

static void test_write(void) {
  static const struct {
    uint32_t count, min, max, gap;
  } lists[] = {
      {20, 1, 20000, 3},  /* of any size */
      {2500, 0, 90, 1},   /* small elements, folded */
      {2000, 60, 130, 0}, /* adjacent elements */
      {1100, 1, 1200, 1}, /* folded and unfolded elements */
  };
  int way;
  size_t i;

  for (way = 0; way < WAYS; way++) {
    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
      write_one_way((enum way)way, put_list(lists[i].count, lists[i].min,
                                            lists[i].max, lists[i].gap));
  }
}

/* In pieces so small that all of them take longer than a slice. */
static void *read_fast(void *of) {
  static uint8_t bytes[256];
  const int *host_fd = of;
  static uint64_t total;
  ssize_t n;

  total = 0;
  while ((n = read(*host_fd, bytes, sizeof(bytes))) > 0) total += (uint64_t)n;
  return &total;
}

/* A reader that makes room at once: without a turn the guest could not be ended
 * for a second. */
static void test_fast_reader(void) {
  uint64_t total = put_list(LIST_MAX, 27000, 27000, 1);
  pthread_t thread;
  uint32_t fd;
  void *read;
  int ends[2];

  CHECK(pipe(ends) == 0);
  fd = insert_blocking(ends[1]);
  pthread_create(&thread, NULL, read_fast, &ends[0]);
  EXPECT(WV_RESUME, write_directly(fd));
  guest.resumed = true;
  EXPECT(WV_SUCCESS, write_directly(fd));
  CHECK(wv_load_u32(M(RESULT)) == total);
  drop(fd, ends[1]);
  pthread_join(thread, &read);
  CHECK(*(uint64_t *)read == total);
  close(ends[0]);
}

static void test_receive(void) {
  uint32_t fd;
  int ends[2];

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  fd = insert_blocking(ends[0]);
  memset(M(BUF), 0, 64);
  put_iovec(LIST, BUF, 7);
  put_iovec(LIST + 8, BUF + 16, 9);
#define RECEIVE() \
  wv_sock_recv(&guest, fd, LIST, 2, WV_RIFLAGS_WAITALL, RESULT, FLAGS)
  EXPECT(WV_RESUME, RECEIVE());
  CHECK(write(ends[1], "abcde", 5) == 5);
  guest.resumed = true;
  EXPECT(WV_RESUME, RECEIVE());
  CHECK(guest.wait.done == 5);
  CHECK(write(ends[1], "fghi", 4) == 4);
  guest.resumed = true;
  EXPECT(WV_RESUME, RECEIVE());
  CHECK(write(ends[1], "0123456789", 10) == 10);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, RECEIVE());
  CHECK(wv_load_u32(M(RESULT)) == 16);
  CHECK(memcmp(M(BUF), "abcdefg", 8) == 0);
  CHECK(memcmp(M(BUF + 16), "hi0123456", 10) == 0);
  EXPECT(WV_RESUME, RECEIVE());
  CHECK(guest.wait.done == 3); /* a new call has its own count */
  close(ends[1]);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, RECEIVE());
  CHECK(wv_load_u32(M(RESULT)) == 3);
#undef RECEIVE
  drop(fd, ends[0]);
}

static void test_accept(void) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  int host_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  uint32_t count;
  uint32_t fd;

  CHECK(bind(host_fd, (void *)&address, size) == 0 && listen(host_fd, 1) == 0);
  CHECK(getsockname(host_fd, (void *)&address, &size) == 0);
  fd = insert_blocking(host_fd);
  count = guest.fds->count;
  EXPECT(WV_RESUME, wv_sock_accept(&guest, fd, 0, RESULT));
  CHECK(connect(client, (void *)&address, size) == 0);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, wv_sock_accept(&guest, fd, 0, RESULT));
  CHECK(guest.fds->count == count + 1);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, wv_load_u32(M(RESULT))));
  close(client);
  drop(fd, host_fd);
}

static wv_errno open_fifo(uint32_t dir, uint64_t rights) {
  const char *name = strrchr(fifo, '/') + 1;

  memcpy(M(PATH), name, strlen(name));
  return wv_path_open(&guest, dir, 0, PATH, (uint32_t)strlen(name), 0, rights,
                      0, 0, RESULT);
}

/* FIFOs without a reader, and without a writer. */
static void test_fifo(uint32_t dir) {
  uint64_t before;
  uint32_t fd;
  int other;

  EXPECT(WV_RESUME, open_fifo(dir, WV_RIGHTS_FD_WRITE));
  guest.resumed = true;
  CHECK(open_fifo(dir, WV_RIGHTS_FD_WRITE) == WV_RESUME);
  CHECK(guest.wait.attempts > 5); /* 1, 2, 4, 8, 16 milliseconds */
  other = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, open_fifo(dir, WV_RIGHTS_FD_WRITE));
  drop(wv_load_u32(M(RESULT)), other);

  guest.wait_timeout = 50;
  before = now();
  EXPECT(WV_RESUME, open_fifo(dir, WV_RIGHTS_FD_WRITE));
  guest.resumed = true;
  EXPECT(WV_EAGAIN, open_fifo(dir, WV_RIGHTS_FD_WRITE));
  CHECK(now() - before >= 50 * MS);
  guest.wait_timeout = -1;

  EXPECT(WV_SUCCESS, open_fifo(dir, WV_RIGHTS_FD_READ));
  fd = wv_load_u32(M(RESULT));
  put_iovec(LIST, BUF, 10);
  EXPECT(WV_RESUME, wv_fd_read(&guest, fd, LIST, 1, RESULT));
  other = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  guest.resumed = true;
  CHECK(wv_fd_read(&guest, fd, LIST, 1, RESULT) == WV_RESUME);
  close(other);
  guest.resumed = true;
  EXPECT(WV_SUCCESS, wv_fd_read(&guest, fd, LIST, 1, RESULT));
  CHECK(wv_load_u32(M(RESULT)) ==
        0); /* the writer wrote nothing, and is gone */
  drop(fd, -1);
}

/* V8 has ended the guest between two slices: its next call is another one. */
static void test_dropped(void) {
  uint64_t total = put_list(20, 5000, 8000, 0);
  uint64_t before;
  comparison at = {0};
  uint32_t fd;
  int ends[2];

  CHECK(pipe(ends) == 0);
  fd = insert_blocking(ends[1]);
  guest.wait_timeout = 35;
  EXPECT(WV_RESUME, write_directly(fd));
  CHECK(guest.wait.done > 0);
  total = guest.wait.done;
  before = now();
  /* The new call has neither the old one's time nor its bytes. */
  put_iovec(LIST + 8 * list_len, BUF, 1);
  EXPECT(WV_EAGAIN, wv_fd_write(&guest, fd, LIST + 8 * list_len, 1, RESULT));
  CHECK(now() - before >= 35 * MS);
  while (at.bytes < total) compare_some(&at, ends[0], total - at.bytes);
  at = (comparison){0};
  list_len = 3;
  EXPECT(WV_SUCCESS, write_directly(fd));
  total = wv_load_u32(M(RESULT));
  while (at.bytes < total) compare_some(&at, ends[0], total - at.bytes);
  CHECK(at.element == 2);

  fill(ends[1]);
  EXPECT(WV_RESUME, write_directly(fd));
  put_clock(LIST + 2048, 0);
  EXPECT(WV_SUCCESS, wv_poll_oneoff(&guest, LIST + 2048, BUF, 1, RESULT));
  before = now();
  EXPECT(WV_EAGAIN, write_directly(fd));
  CHECK(now() - before >= 35 * MS);
  guest.wait_timeout = -1;
  close(ends[0]);
  drop(fd, ends[1]);
}

void test_slices(void) {
  char directory[] = "/tmp/wv-core-XXXXXX";
  uint32_t dir;

  CHECK(mkdtemp(directory) != NULL);
  snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
  CHECK(mkfifo(fifo, 0600) == 0);
  test_read();
  test_deadline();
  test_clock();
  test_write();
  test_fast_reader();
  test_receive();
  test_accept();
  dir = insert_host(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  wv_fd_get(guest.fds, dir)->inheriting = WV_RIGHTS_ALL;
  test_fifo(dir);
  drop(dir, -1);
  test_dropped();
  unlink(fifo);
  rmdir(directory);
}
