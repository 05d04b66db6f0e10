/*
 * Small tools that wait, never end, or change their standard streams, for
 * spawn(). The first argument says which. With a variable READY it says so on
 * stderr first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

static int say(int fd, const char *text) {
  return write(fd, text, strlen(text)) < 0;
}

static void spin(void) {
  volatile uint32_t turns = 0;
  for (;;) turns++;
}

static void wait_long(void) {
  sleep(1000);
}

static int number(const char *text) {
  return text == NULL ? 0 : atoi(text);
}

/* The text, and that it is out. */
static int say_so(const char *text) {
  return text != NULL && (say(1, text) || say(2, "said"));
}

/* busy [TEXT]: says it, and never makes a call again. */
static int busy(char **argv) {
  if (say_so(argv[0])) return 1;
  spin();
  return 0;
}

/* calls: makes calls for ever that neither wait nor write. */
static int calls(char **argv) {
  (void)argv;
  for (;;) (void)__wasi_sched_yield();
}

/* sleep [TEXT]: says it, and waits for a time. */
static int sleep_on(char **argv) {
  if (say_so(argv[0])) return 1;
  wait_long();
  return 0;
}

/* quiet TEXT: writes it, and never makes a call again, not even on stderr. */
static int quiet(char **argv) {
  if (say(1, argv[0])) return 1;
  spin();
  return 0;
}

/* note FILE TEXT: leaves the text in a file that stays open, and waits for a
 * time. */
static int note(char **argv) {
  int fd = open(argv[0], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || say(fd, argv[1]) || say(1, "noted")) return 1;
  wait_long();
  return 0;
}

/* ask: a question, and what was answered, until there is no more. */
static int ask(char **argv) {
  char answer[1000];
  ssize_t length;

  (void)argv;
  for (;;) {
    if (say(1, "? ")) return 1;
    length = read(0, answer, sizeof answer);
    if (length <= 0) return length < 0;
    if (say(1, "! ") || write(1, answer, (size_t)length) < 0) return 1;
  }
}

/* count [FILE]: writes the numbers from 1 on, 8 bytes each, until that fails.
   The file has a number that was written. */
static int count(char **argv) {
  int fd = argv[0] == NULL ? -1 : open(argv[0], O_WRONLY | O_CREAT, 0644);

  for (uint64_t i = 1;; i++) {
    if (write(1, &i, sizeof i) != sizeof i) return 1;
    if (fd >= 0 && i % 1000 == 0 && pwrite(fd, &i, sizeof i, 0) < 0) return 1;
  }
}

/* close FD: closes it, and waits for a time. */
static int close_one(char **argv) {
  if (say(1, "before") || close(number(argv[0])) < 0) return 1;
  wait_long();
  return 0;
}

/* move FROM TO: renumbers a descriptor, says so on it, and waits for a time. */
static int move(char **argv) {
  int to = number(argv[1]);

  if (say(1, "before")) return 1;
  if (__wasi_fd_renumber((__wasi_fd_t)number(argv[0]), (__wasi_fd_t)to) != 0)
    return 1;
  if (say(to, ", after")) return 1;
  wait_long();
  return 0;
}

/* nonblock: sets NONBLOCK on stdout, fills it, and tells on stderr what came of
 * it. */
static int nonblock(char **argv) {
  static char block[4096];
  char text[100];
  size_t sum = 0;
  ssize_t n;

  (void)argv;
  if (fcntl(1, F_SETFL, O_NONBLOCK) < 0) return 1;
  while ((n = write(1, block, sizeof block)) > 0) sum += (size_t)n;
  snprintf(text, sizeof text, "%zu %s", sum, strerror(errno));
  return say(2, text);
}

/* poll: says when stdin has something, what it is, and when stdout has room. */
static int poll_both(char **argv) {
  struct pollfd fds[] = {{.fd = 0, .events = POLLIN},
                         {.fd = 1, .events = POLLOUT}};
  char text[100];
  ssize_t length;

  (void)argv;
  if (say(1, "polls ") || poll(fds, 1, -1) != 1) return 1;
  length = read(0, text, sizeof text - 1);
  if (length < 0 || write(1, text, (size_t)length) < 0) return 1;
  if (poll(fds + 1, 1, -1) != 1) return 1;
  return say(1, fds[1].revents & POLLOUT ? " room" : " none");
}

/* fds: the numbers of what is open. */
static int list_fds(char **argv) {
  __wasi_fdstat_t stat;

  (void)argv;
  for (__wasi_fd_t fd = 0; fd < 100; fd++)
    if (__wasi_fd_fdstat_get(fd, &stat) == 0) printf("%u ", fd);
  return 0;
}

/* fill: takes all the memory that there is, and says so. */
static int fill(char **argv) {
  (void)argv;
  for (size_t pages = 1 << 15; pages > 0; pages /= 2)
    while (__builtin_wasm_memory_grow(0, pages) != SIZE_MAX)
      ;
  return say(1, "full");
}

static const struct {
  const char *name;
  int (*run)(char **argv);
} TOOLS[] = {
    {"ask", ask},         {"busy", busy},      {"calls", calls},
    {"close", close_one}, {"count", count},    {"fds", list_fds},
    {"fill", fill},       {"move", move},      {"nonblock", nonblock},
    {"note", note},       {"poll", poll_both}, {"quiet", quiet},
    {"sleep", sleep_on},
};

int main(int argc, char **argv) {
  if (getenv("READY") != NULL) (void)say(2, "ready");
  for (size_t i = 0; argc > 1 && i < sizeof TOOLS / sizeof *TOOLS; i++) {
    if (strcmp(TOOLS[i].name, argv[1]) == 0) return TOOLS[i].run(argv + 2);
  }
  return 64;
}
