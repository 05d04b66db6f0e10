/* The sandbox, without Node. openat2 and the walk reach nothing outside, and
 * they agree.
 *
 *   beneath [--seconds N] [--cases N] [--seed N]
 *
 * --seconds is the time of each race (1), --cases the number of random trees
 * (300). A filter of system calls forbids openat2 with EPERM or ENOSYS to test
 * the walk. Each resolver runs in a process of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beneath.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

enum resolver { OPENAT2, WALK_EPERM, WALK_ENOSYS, RESOLVERS };
static const char *const names[] = {"openat2", "walk (EPERM)", "walk (ENOSYS)"};

static uint64_t race_milliseconds = 1000;
static unsigned trees = 300;
static uint64_t first_seed = 1;

static void filter_openat2(uint32_t action) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static bool has_openat2(void) {
  return syscall(SYS_openat2, -1, ".", NULL, 0) < 0 && errno != ENOSYS &&
         errno != EPERM;
}

static void use(enum resolver resolver) {
  if (resolver == WALK_EPERM) filter_openat2(SECCOMP_RET_ERRNO | EPERM);
  if (resolver == WALK_ENOSYS) filter_openat2(SECCOMP_RET_ERRNO | ENOSYS);
  if (resolver != OPENAT2) CHECK(!has_openat2());
}

/* A missing openat2 is asked for only once; an existing one is used. A filter
 * that kills the process shows it. */
static void test_use(enum resolver resolver) {
  uint32_t dir;
  pid_t child;
  int status;

  make_base();
  make_dir("root");
  make_dir("root/a");
  make_file("root/a/file", 1);
  new_guest();
  dir = preopen("root", "/");
  EXPECT(WV_SUCCESS, do_open(dir, "a/file", 0, 0, READ_RIGHTS, 0));
  child = fork();
  if (child == 0) {
    filter_openat2(SECCOMP_RET_KILL);
    _exit(do_open(dir, "a/file", 0, 0, READ_RIGHTS, 0) != WV_SUCCESS);
  }
  CHECK(waitpid(child, &status, 0) == child);
  if (resolver == OPENAT2)
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
  else
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  end_guest();
  remove_base();
}

static void run_table(enum resolver resolver) {
  unsigned fds = count_open_fds();
  unsigned long before;

  use(resolver);
  test_use(resolver);
  before = cases;
  test_semantics();
  printf("%s: %lu cases of what calls answer\n", names[resolver],
         cases - before);
  before = cases;
  test_ways_out();
  printf("%s: %lu cases of ways out\n", names[resolver], cases - before);
  test_walk_bounds();
  CHECK(count_open_fds() == fds);
}

static void run_race(enum resolver resolver) {
  unsigned fds = count_open_fds();

  use(resolver);
  printf("%s: ", names[resolver]);
  test_race(race_milliseconds);
  CHECK(count_open_fds() == fds);
}

static void wait_for(pid_t child) {
  int status;

  CHECK(waitpid(child, &status, 0) == child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "failed: status 0x%x\n", status);
    exit(1);
  }
}

static void in_child(enum resolver resolver, void (*run)(enum resolver)) {
  pid_t child;

  fflush(stdout);
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run(resolver);
    fflush(stdout);
    exit(0);
  }
  wait_for(child);
}

static pid_t start_records(enum resolver resolver, FILE **from) {
  int ends[2];
  pid_t child;

  fflush(stdout);
  CHECK(pipe(ends) == 0);
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    close(ends[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    use(resolver);
    write_records(ends[1], first_seed, trees);
    exit(0);
  }
  close(ends[1]);
  *from = fdopen(ends[0], "r");
  CHECK(*from != NULL);
  return child;
}

/* Runs the same cases with each resolver, each in a tree of its own, and
 * compares their records. */
static void compare_resolvers(void) {
  char ours[RECORD_SIZE];
  char theirs[RECORD_SIZE];
  FILE *from[2];
  pid_t children[2];
  unsigned long count = 0;
  size_t n;

  children[0] = start_records(OPENAT2, &from[0]);
  children[1] = start_records(WALK_EPERM, &from[1]);
  for (;;) {
    n = fread(ours, sizeof(ours), 1, from[0]);
    if (fread(theirs, sizeof(theirs), 1, from[1]) != n)
      fail(__FILE__, __LINE__, "one of them ends after: %s", n ? ours : theirs);
    if (n == 0) break;
    count++;
    if (memcmp(ours, theirs, sizeof(ours)) != 0)
      fail(__FILE__, __LINE__, "openat2: %s\nwalk: %s\n", ours, theirs);
  }
  fclose(from[0]);
  fclose(from[1]);
  wait_for(children[0]);
  wait_for(children[1]);
  printf("%lu random calls in %u random trees: the same\n", count, trees);
}

int main(int argc, char **argv) {
  enum resolver resolver;
  bool both = has_openat2();
  int i;

  for (i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--seconds") == 0)
      race_milliseconds = (uint64_t)(strtod(argv[i + 1], NULL) * 1000);
    if (strcmp(argv[i], "--cases") == 0)
      trees = (unsigned)strtoul(argv[i + 1], NULL, 10);
    if (strcmp(argv[i], "--seed") == 0)
      first_seed = strtoull(argv[i + 1], NULL, 10);
  }
  if (!both) printf("no openat2 here: the walk alone\n");
  for (resolver = both ? OPENAT2 : WALK_EPERM; resolver < RESOLVERS; resolver++)
    in_child(resolver, run_table);
  if (both) compare_resolvers();
  for (resolver = both ? OPENAT2 : WALK_EPERM; resolver <= WALK_EPERM;
       resolver++)
    in_child(resolver, run_race);
  return 0;
}
