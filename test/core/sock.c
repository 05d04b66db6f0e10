/* sock_accept, sock_recv, sock_send, sock_shutdown, on real sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"

#define LIST 64u
#define LEN 0u
#define FLAGS 8u
#define BUF 4096u

#ifndef __linux__
/* As on macOS. */
int __real_getsockopt(int fd, int level, int option, void *value,
                      socklen_t *size);
int __wrap_getsockopt(int fd, int level, int option, void *value,
                      socklen_t *size);
int __wrap_getsockopt(int fd, int level, int option, void *value,
                      socklen_t *size) {
  if (option != SO_ACCEPTCONN)
    return __real_getsockopt(fd, level, option, value, size);
  errno = ENOPROTOOPT;
  return -1;
}
#endif

static uint32_t fd; /* the guest's end */
static int peer;

#ifndef __linux__
/* macOS refuses a message without a buffer. */
static ssize_t refuse_empty(const struct msghdr *message) {
  errno = EMSGSIZE;
  return message->msg_iovlen == 0 ? -1 : 0;
}

ssize_t __real_sendmsg(int socket, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags) {
  if (refuse_empty(message) < 0) return -1;
  return __real_sendmsg(socket, message, flags);
}

ssize_t __real_recvmsg(int socket, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags) {
  if (refuse_empty(message) < 0) return -1;
  return __real_recvmsg(socket, message, flags);
}
#endif

static void open_pair(int type) {
  int ends[2];

  CHECK(socketpair(AF_UNIX, type, 0, ends) == 0);
  fd = insert_host(ends[0]);
  peer = ends[1];
}

static void close_pair(void) {
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(peer);
}

static wv_errno receive(uint32_t flags) {
  return wv_sock_recv(&guest, fd, LIST, 2, flags, LEN, FLAGS);
}

static wv_errno send_all(uint32_t count) {
  return wv_sock_send(&guest, fd, LIST, count, 0, LEN);
}

static void test_receive(void) {
  open_pair(SOCK_STREAM);
  put_iovec(LIST, BUF, 3);
  put_iovec(LIST + 8, BUF + 16, 100);
  CHECK(write(peer, "abcdefg", 7) == 7);
  EXPECT(WV_SUCCESS, receive(WV_RIFLAGS_PEEK));
  EXPECT(WV_SUCCESS, receive(WV_RIFLAGS_PEEK | WV_RIFLAGS_WAITALL));
  EXPECT(WV_SUCCESS, receive(0));
  CHECK(wv_load_u32(M(LEN)) == 7);
  CHECK(memcmp(M(BUF), "abc", 3) == 0 && memcmp(M(BUF + 16), "defg", 4) == 0);
  guest.fds->entries[fd]->fdflags = WV_FDFLAGS_NONBLOCK;
  EXPECT(WV_EAGAIN, receive(0));
  EXPECT(WV_EAGAIN, receive(WV_RIFLAGS_WAITALL));
  guest.fds->entries[fd]->fdflags = 0;
  CHECK(shutdown(peer, SHUT_WR) == 0);
  EXPECT(WV_SUCCESS, receive(WV_RIFLAGS_WAITALL));
  CHECK(wv_load_u32(M(LEN)) == 0);
  close_pair();

  open_pair(SOCK_DGRAM);
  put_iovec(LIST + 8, BUF + 16, 2);
  CHECK(write(peer, "0123456789", 10) == 10 && write(peer, "x", 1) == 1);
  EXPECT(WV_SUCCESS, receive(WV_RIFLAGS_WAITALL));
  CHECK(wv_load_u32(M(LEN)) == 5 && wv_load_u16(M(FLAGS)) == 1);
  EXPECT(WV_SUCCESS, receive(WV_RIFLAGS_WAITALL));
  CHECK(wv_load_u32(M(LEN)) == 1 && wv_load_u16(M(FLAGS)) == 0);
  put_iovec(LIST, BUF, 0);
  put_iovec(LIST + 8, BUF, 0);
  CHECK(write(peer, "y", 1) == 1);
  EXPECT(WV_SUCCESS, receive(0));
  CHECK(wv_load_u32(M(LEN)) == 0 && wv_load_u16(M(FLAGS)) == 1);
  close_pair();
}

static void *write_in_parts(void *unused) {
  int i;

  for (i = 0; i < 5; i++) {
    usleep(2000);
    CHECK(write(peer, "0123456789", 10) == 10);
  }
  return unused;
}

static void *read_slowly(void *total) {
  static char buf[5000];
  ssize_t n;

  while ((n = read(peer, buf, sizeof(buf))) > 0) {
    *(uint64_t *)total += (uint64_t)n;
    usleep(100);
  }
  return total;
}

/* Reads and writes wait, whether the host left the socket blocking or not. */
static void test_waiting(int nonblock) {
  pthread_t thread;
  uint64_t total = 0;
  uint32_t i;

  open_pair(SOCK_STREAM);
  fcntl(guest.fds->entries[fd]->host_fd, F_SETFL, nonblock);
  put_iovec(LIST, BUF, 20);
  put_iovec(LIST + 8, BUF + 100, 30);
  pthread_create(&thread, NULL, write_in_parts, NULL);
  EXPECT(WV_SUCCESS, receive(WV_RIFLAGS_WAITALL));
  CHECK(wv_load_u32(M(LEN)) == 50);
  pthread_join(thread, NULL);

  for (i = 0; i < 1500; i++) put_iovec(LIST + 8 * i, BUF + 16384, 1100);
  pthread_create(&thread, NULL, read_slowly, &total);
  EXPECT(WV_SUCCESS, send_all(1500));
  CHECK(wv_load_u32(M(LEN)) == 1500 * 1100);
  EXPECT(WV_SUCCESS, wv_sock_shutdown(&guest, fd, WV_SDFLAGS_WR));
  pthread_join(thread, NULL);
  CHECK(total == 1500 * 1100);
  EXPECT(WV_EPIPE, send_all(1));
  close_pair();
}

/* Without a reader: with NONBLOCK, and with a limit. */
static void test_full(void) {
  uint32_t i;

  open_pair(SOCK_STREAM);
  for (i = 0; i < 1000; i++) put_iovec(LIST + 8 * i, BUF + 16384, 40000);
  guest.wait_timeout = 20;
  EXPECT(WV_SUCCESS, send_all(1000));
  CHECK(wv_load_u32(M(LEN)) > 0 && wv_load_u32(M(LEN)) < 40000 * 1000);
  EXPECT(WV_EAGAIN, send_all(1));
  guest.wait_timeout = 0;
  EXPECT(WV_EAGAIN, send_all(1));
  guest.wait_timeout = -1;
  guest.fds->entries[fd]->fdflags = WV_FDFLAGS_NONBLOCK;
  EXPECT(WV_EAGAIN, send_all(1));
  close_pair();

  open_pair(SOCK_DGRAM);
  put_iovec(LIST, BUF, 10);
  EXPECT(WV_SUCCESS, send_all(1));
  CHECK(wv_load_u32(M(LEN)) == 10 && read(peer, M(BUF), 99) == 10);
  EXPECT(WV_SUCCESS, send_all(0)); /* an empty datagram */
  CHECK(recv(peer, M(BUF), 99, MSG_DONTWAIT) == 0);
  for (i = 0; i < 1500; i++) put_iovec(LIST + 8 * i, BUF + 16384, 1100);
  EXPECT(WV_EMSGSIZE, send_all(1500));
  close_pair();
}

static void test_errors(void) {
  uint32_t null = insert_host(open("/dev/null", O_RDWR | O_CLOEXEC));
  uint32_t target = insert((wv_fd){.host_fd = 0,
                                   .kind = WV_KIND_TARGET,
                                   .flags = WV_FD_WRITABLE,
                                   .rights = WV_RIGHTS_ALL});
  uint32_t not_sockets[] = {null, target};
  uint32_t at;
  size_t i;

  put_iovec(LIST, BUF, 3);
  put_iovec(LIST + 8, PAGE - 3, 3);
  for (i = 0; i < 2; i++) {
    uint32_t bad = not_sockets[i];
    EXPECT(WV_ENOTSOCK, wv_sock_recv(&guest, bad, PAGE, 1, 9, PAGE, PAGE));
    EXPECT(WV_ENOTSOCK, wv_sock_send(&guest, bad, PAGE, 1, 9, PAGE));
    EXPECT(WV_ENOTSOCK, wv_sock_shutdown(&guest, bad, 9));
    EXPECT(WV_ENOTSOCK, wv_sock_accept(&guest, bad, 99, PAGE));
    EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, bad));
  }
  EXPECT(WV_EBADF, wv_sock_recv(&guest, 99, PAGE, 1, 9, PAGE, PAGE));
  EXPECT(WV_EBADF, wv_sock_send(&guest, 99, PAGE, 1, 9, PAGE));
  EXPECT(WV_EBADF, wv_sock_shutdown(&guest, 99, 9));
  EXPECT(WV_EBADF, wv_sock_accept(&guest, 99, 99, PAGE));

  open_pair(SOCK_STREAM);
  CHECK(write(peer, "abc", 3) == 3);
  EXPECT_FAULTS(at, 16, wv_sock_recv(&guest, fd, at, 2, 0, LEN, FLAGS));
  EXPECT_FAULTS(at, 4, wv_sock_recv(&guest, fd, LIST, 2, 0, at, FLAGS));
  EXPECT_FAULTS(at, 2, wv_sock_recv(&guest, fd, LIST, 2, 0, LEN, at));
  EXPECT_FAULTS(at, 16, wv_sock_send(&guest, fd, at, 2, 0, LEN));
  EXPECT_FAULTS(at, 4, wv_sock_send(&guest, fd, LIST, 2, 0, at));
  put_iovec(LIST + 8, PAGE - 3, 4);
  EXPECT(WV_EFAULT, receive(9));
  EXPECT(WV_EFAULT, send_all(2));
  put_iovec(LIST + 8, PAGE - 3, 3);
  EXPECT(WV_EINVAL, receive(4));
  EXPECT(WV_EINVAL, receive(UINT32_MAX));
  EXPECT(WV_EINVAL, wv_sock_send(&guest, fd, LIST, 2, 1, LEN));
  EXPECT(WV_EINVAL, wv_sock_shutdown(&guest, fd, 0));
  EXPECT(WV_EINVAL, wv_sock_shutdown(&guest, fd, 4));
  EXPECT(WV_EINVAL,
         wv_sock_accept(&guest, fd, 0, 0)); /* not a listening socket */
  EXPECT(WV_EINVAL, wv_sock_accept(&guest, fd, WV_FDFLAGS_APPEND, 0));
  guest.fds->entries[fd]->rights = WV_RIGHTS_FD_WRITE;
  EXPECT(WV_ENOTCAPABLE, wv_sock_recv(&guest, fd, PAGE, 1, 9, PAGE, PAGE));
  guest.fds->entries[fd]->rights = WV_RIGHTS_FD_READ;
  EXPECT(WV_ENOTCAPABLE, wv_sock_send(&guest, fd, PAGE, 1, 9, PAGE));
  EXPECT(WV_SUCCESS, receive(0)); /* the errors above have taken no data */
  CHECK(wv_load_u32(M(LEN)) == 3 && memcmp(M(BUF), "abc", 3) == 0);
  EXPECT(WV_SUCCESS, wv_sock_shutdown(&guest, fd, 3));
  CHECK(read(peer, M(BUF), 1) == 0);
  close_pair();
}

static void *connect_late(void *address) {
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  usleep(5000);
  CHECK(connect(client, address, sizeof(struct sockaddr_in)) == 0);
  CHECK(write(client, "hi", 2) == 2);
  close(client);
  return NULL;
}

static void test_accept(void) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  int host_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  uint32_t listener = insert_host(host_fd);
  uint32_t limit = guest.fds->limit;
  pthread_t thread;
  uint32_t at;

  /* A socket with a peer does not wait for another. */
  open_pair(SOCK_STREAM);
  guest.fds->entries[fd]->fdflags = WV_FDFLAGS_NONBLOCK;
  EXPECT(WV_EINVAL, wv_sock_accept(&guest, fd, 0, 0));
  close_pair();

  CHECK(bind(host_fd, (void *)&address, size) == 0);
  CHECK(getsockname(host_fd, (void *)&address, &size) == 0);
  EXPECT(WV_EINVAL, wv_sock_accept(&guest, listener, 0, 0));
  CHECK(listen(host_fd, 5) == 0);
  guest.fds->entries[listener]->fdflags = WV_FDFLAGS_NONBLOCK;
  EXPECT(WV_EAGAIN, wv_sock_accept(&guest, listener, 0, 0));
  guest.fds->entries[listener]->fdflags = 0;
  pthread_create(&thread, NULL, connect_late, &address);
  pthread_join(thread, NULL);
  guest.fds->limit = guest.fds->count;
  EXPECT(WV_EMFILE, wv_sock_accept(&guest, listener, 0, 0));
  guest.fds->limit = limit;
  EXPECT_FAULTS(at, 4, wv_sock_accept(&guest, listener, 0, at));
  EXPECT(WV_EINVAL, wv_sock_accept(&guest, listener, 1, 0));
  EXPECT(WV_SUCCESS, wv_sock_accept(&guest, listener, WV_FDFLAGS_NONBLOCK, 0));
  fd = wv_load_u32(M(0));
  CHECK(guest.fds->entries[fd]->fdflags == WV_FDFLAGS_NONBLOCK);
  CHECK(!(guest.fds->entries[fd]->rights & WV_RIGHTS_FD_SEEK));
  put_iovec(LIST, BUF, 1);
  put_iovec(LIST + 8, BUF + 1, 9);
  EXPECT(WV_SUCCESS, receive(0));
  CHECK(memcmp(M(BUF), "hi", 2) == 0);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));

  pthread_create(&thread, NULL, connect_late, &address);
  EXPECT(WV_SUCCESS, wv_sock_accept(&guest, listener, 0, 0)); /* waits */
  fd = wv_load_u32(M(0));
  EXPECT(WV_SUCCESS, receive(WV_RIFLAGS_WAITALL));
  CHECK(wv_load_u32(M(LEN)) == 2);
  pthread_join(thread, NULL);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, listener));
}

void test_sock(void) {
  test_receive();
  test_waiting(0);
  test_waiting(O_NONBLOCK);
  test_full();
  test_errors();
  test_accept();
}
