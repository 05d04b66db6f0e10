/* Streams of the host are written and read without waiting, and without a
 * change that other programs could see. */
#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "check.h"

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#define RESULT 0u
#define LIST 1024u
#define BUF 4096u

static wv_fd *entry_of(uint32_t fd) {
  return wv_fd_get(guest.fds, fd);
}

static wv_errno write_bytes(uint32_t fd, uint32_t len) {
  put_iovec(LIST, BUF, len);
  return wv_fd_write(&guest, fd, LIST, 1, RESULT);
}

static wv_errno read_bytes(uint32_t fd, uint32_t len) {
  put_iovec(LIST, BUF, len);
  return wv_fd_read(&guest, fd, LIST, 1, RESULT);
}

static uint32_t result(void) {
  return wv_load_u32(M(RESULT));
}

static bool is_open(int host_fd) {
  return fcntl(host_fd, F_GETFD) >= 0;
}

static bool is_nonblock(int host_fd) {
  return (fcntl(host_fd, F_GETFL) & O_NONBLOCK) != 0;
}

/* Both ends belong to the host, like standard streams. */
static void test_own_descriptions(int ends[2]) {
  uint32_t in = insert(wv_fd_of_host(ends[0]));
  uint32_t out = insert(wv_fd_of_host(ends[1]));
  int own[2];

  EXPECT(WV_RESUME, read_bytes(in, 100));
  memset(M(BUF), 'x', 5000);
  EXPECT(WV_SUCCESS, write_bytes(out, 5000));
  EXPECT(WV_SUCCESS, read_bytes(in, 4000));
  CHECK(result() == 4000 && M(BUF + 3999)[0] == 'x');
  EXPECT(WV_SUCCESS, read_bytes(in, 4000));
  CHECK(result() == 1000);

  CHECK(entry_of(in)->flags & WV_FD_HAS_OWN);
  CHECK(entry_of(out)->flags & WV_FD_HAS_OWN);
  own[0] = entry_of(in)->own_fd;
  own[1] = entry_of(out)->own_fd;
  CHECK(is_nonblock(own[0]) && is_nonblock(own[1]));
  CHECK(fcntl(own[0], F_GETFD) & fcntl(own[1], F_GETFD) & FD_CLOEXEC);
  CHECK(!is_nonblock(ends[0]) && !is_nonblock(ends[1]));
  CHECK(wv_stream_pollfd(entry_of(in)) == own[0]);

  /* Our description is closed with the entry; the host's stays open. */
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, out));
  CHECK(!is_open(own[1]) && is_open(ends[1]));
  close(ends[1]);
  EXPECT(WV_SUCCESS, read_bytes(in, 4000)); /* end of file */
  CHECK(result() == 0);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, in));
  CHECK(!is_open(own[0]) && is_open(ends[0]));
  close(ends[0]);
}

static void test_pipe_and_fifo(void) {
  char name[] = "/tmp/wv-core-XXXXXX";
  int ends[2];

  CHECK(pipe(ends) == 0);
  test_own_descriptions(ends);

  CHECK(mkdtemp(name) != NULL && rmdir(name) == 0);
  CHECK(mkfifo(name, 0600) == 0);
  ends[0] = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ends[1] = open(name, O_WRONLY | O_CLOEXEC);
  fcntl(ends[0], F_SETFL, 0);
  test_own_descriptions(ends);

  /* The FIFO gets a reader later. */
  ends[0] = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ends[1] = open(name, O_WRONLY | O_CLOEXEC);
  uint32_t out = insert(wv_fd_of_host(ends[1]));
  close(ends[0]);
  EXPECT(WV_EPIPE, write_bytes(out, 1));
  CHECK(!(entry_of(out)->flags & (WV_FD_HAS_OWN | WV_FD_NO_OWN)));
  ends[0] = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT(WV_SUCCESS, write_bytes(out, 1));
  CHECK(entry_of(out)->flags & WV_FD_HAS_OWN);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, out));
  close(ends[0]);
  close(ends[1]);
  unlink(name);
}

/* The path of the descriptor stays right after fd_renumber. */
static void test_renumber(void) {
  uint32_t from;
  uint32_t to;
  int own;
  int ends[2];

  CHECK(pipe(ends) == 0);
  from = insert(wv_fd_of_host(ends[1]));
  to = insert(wv_fd_of_host(ends[1]));
  EXPECT(WV_SUCCESS, write_bytes(from, 1));
  EXPECT(WV_SUCCESS, write_bytes(to, 1));
  own = entry_of(to)->own_fd;
  EXPECT(WV_SUCCESS, wv_fd_renumber(&guest, from, to));
  CHECK(!is_open(own));
  own = entry_of(to)->own_fd;
  EXPECT(WV_SUCCESS, write_bytes(to, 1));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, to));
  CHECK(!is_open(own) && is_open(ends[1]));
  close(ends[0]);
  close(ends[1]);
}

/* On the main thread no stream is opened again. */
static void test_may_block(void) {
  uint32_t fd;
  int ends[2];

  CHECK(pipe(ends) == 0);
  fd = insert(wv_fd_of_host(ends[1]));
  guest.may_block = true;
  EXPECT(WV_SUCCESS, write_bytes(fd, 1));
  CHECK(!(entry_of(fd)->flags & WV_FD_HAS_OWN));
  entry_of(fd)->fdflags = WV_FDFLAGS_NONBLOCK;
  EXPECT(WV_SUCCESS, write_bytes(fd, 1));
  CHECK(entry_of(fd)->flags & WV_FD_HAS_OWN);
  guest.may_block = false;
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(ends[0]);
  close(ends[1]);
}

#ifdef __linux__

static int open_terminal(int *slave) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios how;

  CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  *slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  CHECK(*slave >= 0 && tcgetattr(*slave, &how) == 0);
  cfmakeraw(&how);
  CHECK(tcsetattr(*slave, TCSANOW, &how) == 0);
  return master;
}

/* A second open of the master would create another terminal. */
static void test_terminal(void) {
  char bytes[8];
  int n;
  uint32_t of_master;
  uint32_t of_slave;
  int slave;
  int master = open_terminal(&slave);

  CHECK(wv_sys_reopen(master) == -1 && errno == EACCES);
  of_master = insert(wv_fd_of_host(master));
  of_slave = insert(wv_fd_of_host(slave));
  CHECK(entry_of(of_master)->kind == WV_KIND_TERMINAL);
  memcpy(M(BUF), "to slave", 8);
  EXPECT(WV_SUCCESS, write_bytes(of_master, 8));
  CHECK(result() == 8);
  for (n = 0; n < 8; n++) CHECK(read(slave, bytes + n, 1) == 1);
  CHECK(memcmp(bytes, "to slave", 8) == 0);
  CHECK(entry_of(of_master)->flags & WV_FD_NO_OWN);
  EXPECT(WV_RESUME, read_bytes(of_slave, 16));
  CHECK(entry_of(of_slave)->flags & WV_FD_HAS_OWN);
  EXPECT(WV_RESUME, read_bytes(of_master, 16));

  memcpy(M(BUF), "to master", 9);
  EXPECT(WV_SUCCESS, write_bytes(of_slave, 9));
  for (n = 0; n < 9; n++) {
    EXPECT(WV_SUCCESS, read_bytes(of_master, 1));
    CHECK(result() == 1 && M(BUF)[0] == "to master"[n]);
  }
  CHECK(!is_nonblock(master) && !is_nonblock(slave));

  /* A terminal that is full: no write of a byte may wait. */
  guest.wait_timeout = 30;
  for (n = 0; n < 100; n++) {
    EXPECT(WV_SUCCESS, write_bytes(of_master, 4000));
    if (result() < 4000) break;
  }
  CHECK(n < 100);
  EXPECT(WV_EAGAIN, write_bytes(of_master, 1));
  guest.wait_timeout = -1;
  EXPECT(WV_RESUME, write_bytes(of_master, 1));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, of_master));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, of_slave));
  close(master);
  close(slave);
}

/* An eventfd has no path to open, and is neither pipe nor terminal. */
static void test_eventfd(void) {
  int host_fd = eventfd(0, EFD_CLOEXEC);
  uint32_t fd = insert(wv_fd_of_host(host_fd));

  EXPECT(WV_RESUME, read_bytes(fd, 8));
  wv_store_u64(M(BUF), UINT64_MAX - 1); /* the maximum of the counter */
  EXPECT(WV_SUCCESS, write_bytes(fd, 8));
  CHECK(result() == 8);
  guest.wait_timeout = 30;
  EXPECT(WV_EAGAIN, write_bytes(fd, 8));
  guest.wait_timeout = -1;
  EXPECT(WV_SUCCESS, read_bytes(fd, 8));
  CHECK(wv_load_u64(M(BUF)) == UINT64_MAX - 1);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(host_fd);
}

/* Writes through a pipe that cannot be opened again. */
static void write_through_pipe(void) {
  static uint8_t bytes[65536];
  uint64_t total = 0;
  uint64_t in = 0;
  wv_errno error;
  uint32_t fd;
  uint32_t i;
  int ends[2];

  CHECK(pipe(ends) == 0);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  fd = insert(wv_fd_of_host(ends[1]));
  for (i = 0; i < PAGE - BUF; i++) M(BUF)[i] = (uint8_t)(i * 2654435761u >> 9);
  for (i = 0; i < 6; i++) {
    put_iovec(LIST + 8 * i, BUF + 10000 * (i % 5), 10000 + 1000 * i);
    total += 10000 + 1000 * i;
  }
  guest.resumed = false;
  do {
    error = wv_fd_write(&guest, fd, LIST, 6, RESULT);
    guest.resumed = error == WV_RESUME;
    ssize_t n;

    while ((n = read(ends[0], bytes, sizeof(bytes))) > 0)
      for (ssize_t at = 0; at < n; at++, in++) {
        uint64_t from = in;

        for (i = 0; from >= 10000 + 1000 * i; i++) from -= 10000 + 1000 * i;
        if (bytes[at] != M(BUF + 10000 * (i % 5))[from]) failures++;
      }
  } while (error == WV_RESUME);
  guest.resumed = false;
  EXPECT(WV_SUCCESS, error);
  CHECK(result() == total && in == total);
  CHECK(entry_of(fd)->flags & WV_FD_NO_OWN);
  CHECK(!is_nonblock(ends[1]));
  close(ends[0]);
  EXPECT(WV_EPIPE, write_bytes(fd, 1));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(ends[1]);
}

static void read_from_pipe(void) {
  uint32_t fd;
  int ends[2];

  CHECK(pipe(ends) == 0);
  fd = insert(wv_fd_of_host(ends[0]));
  EXPECT(WV_RESUME, read_bytes(fd, 10));
  CHECK(entry_of(fd)->flags & WV_FD_NO_OWN);
  CHECK(write(ends[1], "hello", 5) == 5);
  EXPECT(WV_SUCCESS, read_bytes(fd, 10));
  CHECK(result() == 5 && memcmp(M(BUF), "hello", 5) == 0);
  close(ends[1]);
  EXPECT(WV_SUCCESS, read_bytes(fd, 10));
  CHECK(result() == 0);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(ends[0]);
}

/* From here on the process can open no path, as if /proc belonged to another
 * user. Without `nowait`, the kernel also behaves like one before 6.4. */
static void forbid(bool nowait) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nowait ? ~0u : SYS_pwritev2, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nowait ? ~0u : SYS_preadv2, 2, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
  };
  struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void test_without_path(void) {
  forbid(true);
  write_through_pipe();
  read_from_pipe();
}

static void test_without_nowait(void) {
  forbid(false);
  write_through_pipe();
  read_from_pipe();
}

/* The child is killed, and the test fails, if a system call blocks. */
static void in_child(void (*test)(void)) {
  pid_t child = fork();
  int status;

  if (child == 0) {
    failures = 0;
    alarm(20);
    test();
    _exit(failures > 0);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

#endif

void test_stream(void) {
#ifdef __linux__
  test_pipe_and_fifo();
  test_renumber();
  test_may_block();
  test_terminal();
  in_child(test_without_path);
  in_child(test_without_nowait);
  in_child(test_eventfd);
#endif
}
