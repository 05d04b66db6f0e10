/* Small tools in one program, for run() and the command. The first argument
 * names the tool; the default is `say hello`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#define BLOCK 65536

extern char **environ;

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

static int copy(int from, int to) {
  static char block[BLOCK];
  ssize_t length;

  while ((length = read(from, block, sizeof block)) > 0) {
    if (write(to, block, (size_t)length) != length) return fail("write");
  }
  return length == 0 ? 0 : fail("read");
}

static int say(int fd, const char *text) {
  return write(fd, text, strlen(text)) < 0;
}

/* args: the arguments, including the program's name. */
static int args(int argc, char **argv) {
  for (int i = 0; i < argc; i++) puts(argv[i]);
  return 0;
}

/* env: the environment. */
static int env(int argc, char **argv) {
  (void)argc, (void)argv;
  for (char **variable = environ; *variable != NULL; variable++) {
    puts(*variable);
  }
  return 0;
}

/* preopens: the names of its directories. */
static int preopens(int argc, char **argv) {
  __wasi_prestat_t prestat;

  (void)argc, (void)argv;
  for (__wasi_fd_t fd = 3; __wasi_fd_prestat_get(fd, &prestat) == 0; fd++) {
    __wasi_size_t length = prestat.u.dir.pr_name_len;
    char name[256] = "";
    if (length >= sizeof name) return 1;
    if (__wasi_fd_prestat_dir_name(fd, (uint8_t *)name, length) != 0) return 1;
    puts(name);
  }
  return 0;
}

/* cat: stdin to stdout. */
static int cat(int argc, char **argv) {
  (void)argc, (void)argv;
  return copy(0, 1);
}

/* say OUT [ERR] */
static int say_both(int argc, char **argv) {
  return say(1, argc > 2 ? argv[2] : "hello\n") ||
         (argc > 3 && say(2, argv[3]));
}

/* exit CODE */
static int end(int argc, char **argv) {
  exit(argc > 2 ? atoi(argv[2]) : 0);
}

/* trap OUT ERR */
static int trap(int argc, char **argv) {
  if (say_both(argc, argv) != 0) return 1;
  __builtin_trap();
}

/* lines COUNT: one write for each line. */
static int lines(int argc, char **argv) {
  int count = argc > 2 ? atoi(argv[2]) : 1;

  for (int i = 1; i <= count; i++) {
    char line[32];
    snprintf(line, sizeof line, "line %d\n", i);
    if (say(1, line)) return fail("lines");
  }
  return 0;
}

/* forever: writes without checking the result. */
static int forever(int argc, char **argv) {
  (void)argc, (void)argv;
  for (;;) (void)!write(1, "again\n", 6);
}

/* read FILE: to stdout. */
static int read_file(int argc, char **argv) {
  int fd = argc > 2 ? open(argv[2], O_RDONLY) : -1;

  return fd < 0 ? fail(argv[2]) : copy(fd, 1);
}

/* write FILE TEXT */
static int write_file(int argc, char **argv) {
  int fd = argc > 3 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;

  return fd < 0 || say(fd, argv[3]) || close(fd) < 0 ? fail(argv[2]) : 0;
}

/* leave FILE...: copies stdin to stdout, and writes each file's name to it and
 * leaves it open. */
static int leave(int argc, char **argv) {
  for (int i = 2; i < argc; i++) {
    int fd = open(argv[i], O_WRONLY | O_CREAT, 0644);
    if (fd < 0 || say(fd, argv[i])) return fail(argv[i]);
  }
  return copy(0, 1);
}

/* terminals: which of the standard streams are terminals. */
static int terminals(int argc, char **argv) {
  (void)argc, (void)argv;
  for (int fd = 0; fd < 3; fd++) printf("%d", isatty(fd));
  puts("");
  return 0;
}

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} TOOLS[] = {
    {"args", args},
    {"cat", cat},
    {"env", env},
    {"exit", end},
    {"forever", forever},
    {"leave", leave},
    {"lines", lines},
    {"preopens", preopens},
    {"read", read_file},
    {"say", say_both},
    {"terminals", terminals},
    {"trap", trap},
    {"write", write_file},
};

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "say";

  for (size_t i = 0; i < sizeof TOOLS / sizeof *TOOLS; i++) {
    if (strcmp(TOOLS[i].name, name) == 0) return TOOLS[i].run(argc, argv);
  }
  /* Like a program with options of its own. */
  return args(argc, argv);
}
