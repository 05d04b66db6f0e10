/* A library to preload, on Linux: the system calls that write fail, or fall
 * short, as a plan says. test/support/faults.js builds it and makes the plans.
 *
 * The plan is in a file that both sides share (FAULTS_FILE). It names the files
 * that it is about; all other descriptors of the process are left alone. Each
 * call about one of them takes a step of the plan and leaves a line in a log.
 * An error writes nothing; a short count is really written. */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_STEPS 256
#define MAX_LINES 4096
#define MAX_TARGETS 2
#define MAX_IOVEC 1024

/* test/support/faults.js has the same lists. */
enum call { WRITE, WRITEV, PWRITE, PWRITEV, PWRITEV2, SENDMSG, POLL, DUP };
enum kind { WRITES, POLLS, DUPS, KINDS };
enum action { PASS, FAIL, FALL_SHORT };

struct step {
  uint32_t action;
  uint32_t value; /* an errno, or what makes the short count */
};

struct plan {
  uint32_t count;
  uint32_t next;
  uint32_t last_stays; /* the last step is for all calls that follow */
  uint32_t unused;
  struct step steps[MAX_STEPS];
};

struct line {
  uint32_t call;
  int32_t result;
  uint32_t error;
  uint32_t asked;
};

struct shared {
  uint32_t armed;
  uint32_t pwritev2_error; /* of each pwritev2, as where there is none */
  uint64_t targets[MAX_TARGETS][2]; /* st_dev, st_ino */
  struct plan plans[KINDS];
  uint32_t line_count;
  uint32_t unused;
  struct line lines[MAX_LINES];
};

static struct shared *shared;

static long (*next_syscall)(long, ...);
static int (*next_poll)(struct pollfd *, nfds_t, int);
static int (*next_fcntl)(int, int, ...);
static ssize_t (*next_sendmsg)(int, const struct msghdr *, int);

static void *must_find(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);

  if (function == NULL) abort();
  return function;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTS_FILE");
  int fd;

  next_syscall = must_find("syscall");
  next_poll = must_find("poll");
  next_fcntl = must_find("fcntl64");
  next_sendmsg = must_find("sendmsg");
  if (path == NULL) return;
  fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0 || ftruncate(fd, sizeof(*shared)) != 0) abort();
  shared =
      mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) abort();
  close(fd);
}

static bool is_armed(void) {
  return shared != NULL && shared->armed != 0;
}

static bool is_target(int fd) {
  struct stat stat;
  int i;

  if (!is_armed() || fstat(fd, &stat) != 0) return false;
  for (i = 0; i < MAX_TARGETS; i++) {
    if (shared->targets[i][0] == stat.st_dev &&
        shared->targets[i][1] == stat.st_ino)
      return true;
  }
  return false;
}

static struct step take(enum kind kind) {
  struct plan *plan = &shared->plans[kind];
  struct step step = {PASS, 0};

  if (plan->next < plan->count) {
    step = plan->steps[plan->next++];
    if (plan->next == plan->count && plan->last_stays) plan->next--;
  }
  return step;
}

static long note(enum call call, size_t asked, long result) {
  /* Something goes on forever. */
  if (shared->line_count == MAX_LINES) abort();
  shared->lines[shared->line_count++] = (struct line){
      call, (int32_t)result, result < 0 ? (uint32_t)errno : 0, (uint32_t)asked};
  return result;
}

static long fail(enum call call, size_t asked, int error) {
  errno = error;
  return note(call, asked, -1);
}

/* How much of `len` bytes the call is to take, or -1 and errno. */
static ssize_t allowed(enum call call, size_t len) {
  struct step step;

  if (call == PWRITEV2 && shared->pwritev2_error != 0) {
    errno = (int)shared->pwritev2_error;
    return -1;
  }
  step = take(WRITES);
  if (step.action == FAIL) {
    errno = (int)step.value;
    return -1;
  }
  if (step.action == FALL_SHORT && len > 1)
    return 1 + (ssize_t)(step.value % (len - 1));
  return (ssize_t)len;
}

static long one(enum call call, long number, int fd, const void *buf,
                size_t len, long offset) {
  ssize_t most;

  /* A write of no bytes asks what a descriptor is. */
  if (len == 0 || !is_target(fd))
    return next_syscall(number, fd, buf, len, offset);
  most = allowed(call, len);
  if (most < 0) return note(call, len, -1);
  return note(call, len, next_syscall(number, fd, buf, most, offset));
}

static size_t total(const struct iovec *iov, size_t count) {
  size_t sum = 0;
  size_t i;

  for (i = 0; i < count; i++) sum += iov[i].iov_len;
  return sum;
}

/* The first `most` bytes of a list. Returns how many elements they take. */
static size_t cut(struct iovec *to, const struct iovec *iov, size_t most) {
  size_t i;

  for (i = 0; most > 0; i++) {
    to[i] = iov[i];
    if (to[i].iov_len > most) to[i].iov_len = most;
    most -= to[i].iov_len;
  }
  return i;
}

static long several(enum call call, long number, int fd,
                    const struct iovec *iov, size_t count, long low, long high,
                    long flags) {
  struct iovec part[MAX_IOVEC];
  size_t len;
  ssize_t most;

  if (!is_target(fd) || count > MAX_IOVEC)
    return next_syscall(number, fd, iov, count, low, high, flags);
  len = total(iov, count);
  most = allowed(call, len);
  if (most < 0) return note(call, len, -1);
  count = cut(part, iov, (size_t)most);
  return note(call, len,
              next_syscall(number, fd, part, count, low, high, flags));
}

/* What the addon calls. */
long syscall(long number, ...) {
  long a[6];
  va_list list;
  int i;

  va_start(list, number);
  for (i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  switch (number) {
    case SYS_write:
      return one(WRITE, number, (int)a[0], (void *)a[1], (size_t)a[2], 0);
    case SYS_pwrite64:
      return one(PWRITE, number, (int)a[0], (void *)a[1], (size_t)a[2], a[3]);
    case SYS_writev:
      return several(WRITEV, number, (int)a[0], (void *)a[1], (size_t)a[2], 0,
                     0, 0);
    case SYS_pwritev:
      return several(PWRITEV, number, (int)a[0], (void *)a[1], (size_t)a[2],
                     a[3], a[4], 0);
    case SYS_pwritev2:
      return several(PWRITEV2, number, (int)a[0], (void *)a[1], (size_t)a[2],
                     a[3], a[4], a[5]);
    default:
      return next_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}

/* What libuv calls, and the addon for some. */
ssize_t write(int fd, const void *buf, size_t len) {
  return one(WRITE, SYS_write, fd, buf, len, 0);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t offset) {
  return one(PWRITE, SYS_pwrite64, fd, buf, len, offset);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset) {
  return pwrite64(fd, buf, len, offset);
}

ssize_t writev(int fd, const struct iovec *iov, int count) {
  return several(WRITEV, SYS_writev, fd, iov, (size_t)count, 0, 0, 0);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t offset) {
  return several(PWRITEV, SYS_pwritev, fd, iov, (size_t)count, offset, 0, 0);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
  return pwritev64(fd, iov, count, offset);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  struct iovec part[MAX_IOVEC];
  struct msghdr shorter = *message;
  size_t len;
  ssize_t most;

  if (!is_target(fd) || message->msg_iovlen > MAX_IOVEC)
    return next_sendmsg(fd, message, flags);
  len = total(message->msg_iov, message->msg_iovlen);
  most = allowed(SENDMSG, len);
  if (most < 0) return note(SENDMSG, len, -1);
  shorter.msg_iov = part;
  shorter.msg_iovlen = cut(part, message->msg_iov, (size_t)most);
  return note(SENDMSG, len, next_sendmsg(fd, &shorter, flags));
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
  struct step step;

  if (count != 1 || !is_target(fds->fd)) return next_poll(fds, count, timeout);
  step = take(POLLS);
  if (step.action == FAIL) return (int)fail(POLL, 1, (int)step.value);
  return (int)note(POLL, 1, next_poll(fds, count, timeout));
}

/* Of a target, or of the streams that are copied to learn a free number. */
int fcntl64(int fd, int command, ...) {
  struct step step;
  va_list list;
  long value;

  va_start(list, command);
  value = va_arg(list, long);
  va_end(list);
  if (command == F_DUPFD_CLOEXEC && is_armed() && (fd <= 2 || is_target(fd))) {
    step = take(DUPS);
    if (step.action == FAIL) return (int)fail(DUP, 0, (int)step.value);
    return (int)note(DUP, 0, next_fcntl(fd, command, value));
  }
  return next_fcntl(fd, command, value);
}

int fcntl(int fd, int command, ...) {
  va_list list;
  long value;

  va_start(list, command);
  value = va_arg(list, long);
  va_end(list);
  return fcntl64(fd, command, value);
}
