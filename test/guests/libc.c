/* Output of C programs by wasi-libc. The first argument names the program; all
 * paths are relative to the preopen. A step that fails prints its name and
 * errno on stderr, and makes the exit code 1. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <wasi/libc.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition))

static void fail(const char *what) {
  fprintf(stderr, "%s: errno %d\n", what, errno);
  exit(1);
}

static int open_new(const char *path, int flags) {
  int fd = open(path, O_CREAT | flags, 0666);

  CHECK(fd >= 0);
  return fd;
}

static struct iovec text(const char *bytes) {
  return (struct iovec){(void *)bytes, strlen(bytes)};
}

/* COUNT: that many lines by printf, more than one buffer of stdio. */
static void run_printf(char **argv) {
  int i, count = atoi(argv[0]);

  for (i = 0; i < count; i++)
    CHECK(printf("%d: %s, %#x, %.3f\n", i, "text", i, i / 8.0) > 0);
}

/* COUNT: a write for every byte. */
static void run_unbuffered(char **argv) {
  int i, count = atoi(argv[0]);

  CHECK(setvbuf(stdout, NULL, _IONBF, 0) == 0);
  for (i = 0; i < count; i++) CHECK(putchar('a' + i % 26) != EOF);
}

/* Writes to both streams in turn. */
static void run_streams(char **argv) {
  int i;

  (void)argv;
  CHECK(setvbuf(stdout, NULL, _IOLBF, BUFSIZ) == 0);
  for (i = 0; i < 3; i++) {
    printf("out %d\n", i);
    fprintf(stderr, "err %d\n", i);
  }
}

/* Asks for a name, without a newline. */
static void run_prompt(char **argv) {
  char name[100];

  (void)argv;
  printf("name? ");
  CHECK(fflush(stdout) == 0);
  CHECK(fgets(name, sizeof(name), stdin) != NULL);
  name[strcspn(name, "\n")] = '\0';
  printf("hello, %s", name);
}

/* PATH SIZE COUNT: writes COUNT blocks, changes the second one, reads all of
 * them, and adds up the bytes. */
static void run_fwrite(char **argv) {
  size_t size = (size_t)atoi(argv[1]);
  size_t count = (size_t)atoi(argv[2]);
  size_t i;
  unsigned long sum = 0;
  unsigned char *block = malloc(size);
  FILE *file = fopen(argv[0], "w+");

  CHECK(block != NULL);
  CHECK(file != NULL);
  for (i = 0; i < count; i++) {
    memset(block, (int)i, size);
    CHECK(fwrite(block, 1, size, file) == size);
  }
  CHECK(fseek(file, (long)size, SEEK_SET) == 0);
  memset(block, 0xee, size);
  CHECK(fwrite(block, size, 1, file) == 1);
  rewind(file);
  while ((i = fread(block, 1, size, file)) > 0)
    while (i > 0) sum += block[--i];
  CHECK(fseek(file, 0, SEEK_END) == 0);
  CHECK(fprintf(file, "sum %lu\n", sum) > 0);
  CHECK(fclose(file) == 0);
}

/* PATH: lists of buffers, some of them empty. */
static void run_writev(char **argv) {
  struct iovec list[] = {text(""),     text("one "),    text(""),
                         text("two "), text("three\n"), text("")};
  struct iovec none[] = {text(""), text("")};
  int fd = open_new(argv[0], O_WRONLY);

  CHECK(writev(fd, list, 6) == 14);
  CHECK(writev(fd, none, 2) == 0);
  CHECK(writev(fd, list + 3, 1) == 4);
  CHECK(lseek(fd, 0, SEEK_CUR) == 18);
  CHECK(close(fd) == 0);
}

/* PATH: writes at offsets, which do not move the file's own. */
static void run_pwritev(char **argv) {
  struct iovec list[] = {text("AB"), text(""), text("CD")};
  int fd = open_new(argv[0], O_RDWR);

  CHECK(write(fd, "0123456789", 10) == 10);
  CHECK(pwritev(fd, list, 3, 2) == 4);
  CHECK(pwrite(fd, "end", 3, 20) == 3);
  CHECK(lseek(fd, 0, SEEK_CUR) == 10);
  CHECK(write(fd, "ab", 2) == 2);
  CHECK(pwrite(fd, "x", 1, -1) == -1);
  CHECK(errno == EINVAL);
  CHECK(close(fd) == 0);
}

/* PATH: two descriptors on a file; one of them appends. */
static void run_append(char **argv) {
  int first = open_new(argv[0], O_WRONLY | O_APPEND);
  int second = open_new(argv[0], O_WRONLY);
  FILE *third;

  CHECK(write(first, "one ", 4) == 4);
  CHECK(write(second, "ONE", 3) == 3);
  CHECK(lseek(first, 0, SEEK_SET) == 0);
  CHECK(write(first, "two ", 4) == 4);
  third = fopen(argv[0], "a");
  CHECK(third != NULL);
  CHECK(fputs("three ", third) >= 0);
  CHECK(fclose(third) == 0);
  CHECK(fcntl(first, F_SETFL, 0) == 0);
  CHECK(lseek(first, 4, SEEK_SET) == 4);
  CHECK(write(first, "TWO", 3) == 3);
  CHECK(close(first) == 0);
  CHECK(close(second) == 0);
}

/* PATH: redirects stdout as a shell does for `command >PATH`. */
static void run_renumber(char **argv) {
  int fd;

  CHECK(printf("to stdout\n") > 0);
  CHECK(fflush(stdout) == 0);
  fd = open_new(argv[0], O_WRONLY);
  CHECK(write(fd, "from fd, ", 9) == 9);
  CHECK(__wasilibc_fd_renumber(fd, STDOUT_FILENO) == 0);
  CHECK(printf("from stdout\n") > 0);
  CHECK(fclose(stdout) == 0);
}

/* PATH: a hole, and changes of the size. */
static void run_truncate(char **argv) {
  struct stat stat;
  int fd = open_new(argv[0], O_WRONLY);

  CHECK(write(fd, "0123456789", 10) == 10);
  CHECK(ftruncate(fd, 4) == 0);
  CHECK(write(fd, "after", 5) == 5);
  CHECK(fstat(fd, &stat) == 0);
  CHECK(stat.st_size == 15);
  CHECK(fsync(fd) == 0);
  CHECK(close(fd) == 0);
}

/* PATH: failed writes report their errno. */
static void run_errors(char **argv) {
  int fd;

  CHECK(close(open_new(argv[0], O_WRONLY)) == 0);
  fd = open(argv[0], O_RDONLY);
  CHECK(fd >= 0);
  CHECK(write(fd, "x", 1) == -1);
  printf("read-only: %d\n", errno);
  CHECK(close(fd) == 0);
  CHECK(write(fd, "x", 1) == -1);
  printf("closed: %d\n", errno);
  CHECK(write(100000, "x", 1) == -1);
  printf("never open: %d\n", errno);
  CHECK(write(STDOUT_FILENO, (void *)-8, 16) == -1);
  printf("out of bounds: %d\n", errno);
}

/* Fills stdout, a full device, and checks it. */
static void run_full(char **argv) {
  (void)argv;
  CHECK(setvbuf(stdout, NULL, _IOFBF, BUFSIZ) == 0);
  CHECK(printf("text\n") == 5);
  CHECK(fflush(stdout) == EOF);
  CHECK(errno == ENOSPC);
  CHECK(ferror(stdout));
}

/* CODE: ends by exit, which flushes. */
static void run_exit(char **argv) {
  printf("flushed by exit");
  exit(atoi(argv[0]));
}

/* CODE: ends by _Exit, which does not flush. */
static void run_exit_now(char **argv) {
  CHECK(setvbuf(stdout, NULL, _IOFBF, BUFSIZ) == 0);
  CHECK(write(STDOUT_FILENO, "written", 7) == 7);
  printf("not flushed");
  _Exit(atoi(argv[0]));
}

/* PATH: aborts with an open file and unflushed bytes. */
static void run_abort(char **argv) {
  int fd = open_new(argv[0], O_WRONLY);

  CHECK(setvbuf(stdout, NULL, _IOFBF, BUFSIZ) == 0);
  CHECK(write(fd, "before abort", 12) == 12);
  CHECK(write(STDOUT_FILENO, "written", 7) == 7);
  printf("not flushed");
  abort();
}

static const struct {
  const char *name;
  void (*run)(char **argv);
} COMMANDS[] = {
    {"printf", run_printf},     {"unbuffered", run_unbuffered},
    {"streams", run_streams},   {"prompt", run_prompt},
    {"fwrite", run_fwrite},     {"writev", run_writev},
    {"pwritev", run_pwritev},   {"append", run_append},
    {"renumber", run_renumber}, {"truncate", run_truncate},
    {"errors", run_errors},     {"full", run_full},
    {"exit", run_exit},         {"exit-now", run_exit_now},
    {"abort", run_abort},
};

int main(int argc, char **argv) {
  size_t i;

  for (i = 0; argc > 1 && i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
    if (strcmp(argv[1], COMMANDS[i].name) != 0) continue;
    COMMANDS[i].run(argv + 2);
    return 0;
  }
  fprintf(stderr, "usage: libc COMMAND [ARGUMENT...]\n");
  return 2;
}
