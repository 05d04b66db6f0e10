/* Another process exchanges directories and links while the guest calls. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beneath.h"

#define EXCHANGE 2u /* RENAME_EXCHANGE */

static uint32_t root;

/* Exchanges for ever: root/x between a directory and a link to ../outside,
 * root/l between a file and a link to a file, and root/p/q between two levels.
 */
static void exchange_for_ever(void) {
  unsigned i;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (i = 0;; i++) {
    syscall(SYS_renameat2, base, "root/x", base, "root/y", EXCHANGE);
    syscall(SYS_renameat2, base, "root/l", base, "root/m", EXCHANGE);
    if (i % 4 == 0)
      syscall(SYS_renameat2, base, "root/p/q", base, "root/q", EXCHANGE);
    /* Moves it out of the root and back, with all that is below it. */
    if (i % 16 == 0) {
      renameat(base, "root/moved", base, "away/moved");
      renameat(base, "away/moved", base, "root/moved");
    }
  }
}

static void make_tree(void) {
  make_outside();
  make_dir("root");
  make_dir("root/x");
  make_dir("root/x/dir");
  make_dir("root/x/a");
  make_file("root/x/file", 1);
  make_file("root/x/victim", 1);
  make_file("root/x/dir/file", 1);
  make_link("../outside", "root/y");
  make_file("root/l", 1);
  make_link("../outside/file", "root/m");
  make_dir("root/p");
  make_dir("root/p/q");
  make_dir("root/p/q/dir");
  make_dir("root/q");
  make_link("../../outside", "root/q/dir");
  make_dir("away");
  make_dir("root/moved");
  make_dir("root/moved/a");
  make_dir("root/moved/a/b");
}

static void check_inside(uint64_t dev, uint64_t ino, const char *path) {
  if (is_outside(dev, ino)) fail(__FILE__, __LINE__, "%s is outside", path);
}

static wv_errno open_and_look(const char *path, uint32_t lookup,
                              uint32_t oflags, uint64_t rights) {
  struct stat st;
  wv_errno error = do_open(root, path, lookup, oflags, rights, 0);

  if (error != WV_SUCCESS) return error;
  CHECK(fstat(host_fd_of(result_of_call.fd), &st) == 0);
  close_fd(result_of_call.fd);
  check_inside(st.st_dev, st.st_ino, path);
  return error;
}

static wv_errno stat_and_look(const char *path, uint32_t lookup) {
  wv_errno error = do_stat(root, path, lookup);

  if (error == WV_SUCCESS)
    check_inside(result_of_call.dev, result_of_call.ino, path);
  return error;
}

static wv_errno one_call(void) {
  static const char *const paths[] = {"x/file",
                                      "x/dir/file",
                                      "x/dir/../file",
                                      "x",
                                      "l",
                                      "x/dir/",
                                      "x/../l",
                                      "p/q/dir/../../q",
                                      "p/q/../..",
                                      "p/q/dir/file",
                                      "x/new",
                                      "x/a/b",
                                      "p/q/../../..",
                                      "moved/a/b/../../..",
                                      "moved/a/b/../../../l",
                                      "x/../../outside/file"};
  const char *path = paths[random_below(16)];
  const uint32_t lookup = random_below(2);

  switch (random_below(16)) {
    case 0:
      return open_and_look(path, lookup, 0, READ_RIGHTS);
    case 1:
      return open_and_look(path, lookup, WV_OFLAGS_DIRECTORY, READ_RIGHTS);
    case 2:
      return open_and_look(path, lookup, WV_OFLAGS_TRUNC, WV_RIGHTS_FD_WRITE);
    case 3:
      return open_and_look("x/new", lookup, WV_OFLAGS_CREAT,
                           WV_RIGHTS_FD_WRITE);
    case 4:
      return do_unlink(root, random_below(2) ? "x/victim" : "x/new");
    case 5:
      return open_and_look("x/victim", lookup, WV_OFLAGS_CREAT | WV_OFLAGS_EXCL,
                           WV_RIGHTS_FD_WRITE);
    case 6:
      return do_mkdir(root, random_below(2) ? "x/made" : "x/a/made");
    case 7:
      return do_rmdir(root, random_below(2) ? "x/made" : "x/a/made");
    case 8:
      return do_rename(root, "x/victim", root, "x/victim2");
    case 9:
      return do_rename(root, "x/victim2", root, "x/victim");
    case 10:
      return do_link(root, "x/file", root, "x/hard");
    case 11:
      return do_unlink(root, "x/hard");
    case 12:
      return do_symlink("nowhere", root, "x/sym");
    case 13:
      if (random_below(2)) return do_unlink(root, "x/sym");
      return do_readlink(root, random_below(2) ? "x/link" : "y", 100);
    case 14:
      return do_set_times(root, path, lookup);
    default:
      return stat_and_look(path, lookup);
  }
}

void test_race(uint64_t duration) {
  unsigned long count = 0;
  unsigned long good = 0;
  unsigned long refused = 0;
  uint64_t before;
  uint64_t end;
  wv_errno error;
  pid_t other;
  int i;

  make_base();
  make_tree();
  new_guest();
  root = preopen("root", "/");
  before = outside_state();
  seed_random(milliseconds());
  other = fork();
  CHECK(other >= 0);
  if (other == 0) exchange_for_ever();
  end = milliseconds() + duration;
  do {
    for (i = 0; i < 100; i++, count++) {
      error = one_call();
      if (error == WV_SUCCESS) good++;
      if (error == WV_EPERM) refused++;
    }
  } while (milliseconds() < end);
  kill(other, SIGKILL);
  CHECK(waitpid(other, NULL, 0) == other);
  CHECK(outside_state() == before);
  /* There really was a race. */
  CHECK(good > count / 100 && refused > count / 100);
  printf("%lu calls in the race, %lu succeeded, %lu refused, 0 outside\n",
         count, good, refused);
  end_guest();
  remove_base();
}
