/* The ways out of the sandbox, tried with each path call. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"

/* Which part of a path leads out. */
enum where {
  MIDDLE, /* a component before the last: affects every call */
  LAST,   /* a link as the last component: affects calls that follow it */
};

typedef struct way_out {
  const char *path;
  enum where where;
  wv_errno wanted;
} way_out;

/* In root/, the preopen /w. In a link, %s is the host's path of the base. */
static const char *const links[][2] = {
    {"up", ".."},
    {"up-slash", "../"},
    {"up-file", "../outside/file"},
    {"up-dir", "../outside/dir"},
    {"up-new", "../outside/new"},
    {"up-dir-new", "../outside/dir/new"},
    {"dir/up2", "../../outside"},
    {"dir/up-and-back", "../../root/file"},
    {"abs-dir", "%s/outside/dir"},
    {"abs-file", "%s/outside/file"},
    {"abs-new", "%s/outside/new"},
    {"abs-inside", "%s/root/file"},
    {"abs-root", "/"},
    {"abs-etc", "/etc"},
    {"abs-near", "/ww/file"},
    {"abs-rel", "/rel/file"},
    {"abs-up", "/w/../outside"},
    {"chain1", "chain2"},
    {"chain2", "dir/chain3"},
    {"dir/chain3", "../chain4/."},
    {"chain4", "./up"},
    {"chain-file", "chain1/outside/file"},
    {"proc-root", "/proc/self/root"},
    {"proc-cwd", "/proc/self/cwd"},
    {"proc-fd", "/proc/self/fd/0"},
    {"through", "dir/../.."},
    {"other-up", "/v/../outside"},
    {"to-other-up", "/v/up"},
};

static const way_out ways[] = {
    /* `..` first, in the middle, last */
    {"..", MIDDLE, WV_EPERM},
    {"../", MIDDLE, WV_EPERM},
    {"../.", MIDDLE, WV_EPERM},
    {"../outside/file", MIDDLE, WV_EPERM},
    {"../outside/new", MIDDLE, WV_EPERM},
    {"../root/file", MIDDLE, WV_EPERM},
    {"./../outside/file", MIDDLE, WV_EPERM},
    {".//..//outside/file", MIDDLE, WV_EPERM},
    {"dir/../../outside/file", MIDDLE, WV_EPERM},
    {"dir/../../outside/dir/", MIDDLE, WV_EPERM},
    {"dir/../..", MIDDLE, WV_EPERM},
    {"dir/sub/../../../", MIDDLE, WV_EPERM},
    {"dir/sub/../../../../../../../etc/passwd", MIDDLE, WV_EPERM},
    {"file/../../outside/file", MIDDLE, WV_ENOTDIR},
    {"none/../../outside/file", MIDDLE, WV_ENOENT},
    /* absolute */
    {"/", MIDDLE, WV_EPERM},
    {"//", MIDDLE, WV_EPERM},
    {"/etc/passwd", MIDDLE, WV_EPERM},
    {"/w/file", MIDDLE, WV_EPERM},
    {"/proc/self/cwd", MIDDLE, WV_EPERM},
    /* links in the middle */
    {"up/outside/file", MIDDLE, WV_EPERM},
    {"up/.", MIDDLE, WV_EPERM},
    {"up/root/file", MIDDLE, WV_EPERM},
    {"up/root", MIDDLE, WV_EPERM},
    {"up/..", MIDDLE, WV_EPERM},
    {"up-slash/outside/new", MIDDLE, WV_EPERM},
    {"up-dir/file", MIDDLE, WV_EPERM},
    {"up-dir/new", MIDDLE, WV_EPERM},
    {"up-dir/none/file", MIDDLE, WV_EPERM},
    {"up-file/x", MIDDLE, WV_EPERM},
    {"dir/up2/file", MIDDLE, WV_EPERM},
    {"abs-dir/file", MIDDLE, WV_EPERM},
    {"abs-dir/new/", MIDDLE, WV_EPERM},
    {"abs-root/etc/passwd", MIDDLE, WV_EPERM},
    {"abs-etc/passwd", MIDDLE, WV_EPERM},
    {"abs-up/file", MIDDLE, WV_EPERM},
    {"chain1/outside/file", MIDDLE, WV_EPERM},
    {"chain2/outside/new", MIDDLE, WV_EPERM},
    {"through/outside/file", MIDDLE, WV_EPERM},
    {"proc-root/etc/passwd", MIDDLE, WV_EPERM},
    {"proc-cwd/file", MIDDLE, WV_EPERM},
    {"other-up/file", MIDDLE, WV_EPERM},
    {"to-other-up/outside/file", MIDDLE, WV_EPERM},
    {"loop1/file", MIDDLE, WV_ELOOP},
    /* links as the last component */
    {"up", LAST, WV_EPERM},
    {"up/", LAST, WV_EPERM},
    {"up-slash", LAST, WV_EPERM},
    {"up-file", LAST, WV_EPERM},
    {"up-file/", LAST, WV_EPERM},
    {"up-dir", LAST, WV_EPERM},
    {"up-dir//", LAST, WV_EPERM},
    {"up-new", LAST, WV_EPERM},
    {"up-dir-new", LAST, WV_EPERM},
    {"dir/up2", LAST, WV_EPERM},
    {"dir/up-and-back", LAST, WV_EPERM},
    {"dir/sub/../up2", LAST, WV_EPERM},
    {"abs-dir", LAST, WV_EPERM},
    {"abs-file", LAST, WV_EPERM},
    {"abs-new", LAST, WV_EPERM},
    {"abs-inside", LAST, WV_EPERM},
    {"abs-root", LAST, WV_EPERM},
    {"abs-etc", LAST, WV_EPERM},
    {"abs-near", LAST, WV_EPERM},
    {"abs-rel", LAST, WV_EPERM},
    {"abs-up", LAST, WV_EPERM},
    {"chain1", LAST, WV_EPERM},
    {"chain-file", LAST, WV_EPERM},
    {"proc-root", LAST, WV_EPERM},
    {"proc-cwd", LAST, WV_EPERM},
    {"proc-fd", LAST, WV_EPERM},
    {"through", LAST, WV_EPERM},
    {"other-up", LAST, WV_EPERM},
    {"to-other-up", LAST, WV_EPERM},
    {"loop1", LAST, WV_ELOOP},
    {"dir/../loop2", LAST, WV_ELOOP},
};

static uint32_t dir_fd; /* root, preopened as /w */
static uint32_t other_fd;

static void make_tree(void) {
  char target[200];
  char path[200];
  size_t i;

  make_outside();
  make_dir("root");
  make_dir("root/dir");
  make_dir("root/dir/sub");
  make_dir("other");
  make_file("root/file", 7);
  make_file("other/file", 8);
  make_link("..", "other/up");
  make_link("loop2", "root/loop1");
  make_link("loop1", "root/loop2");
  for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
    const char *text = links[i][1];

    snprintf(path, sizeof(path), "root/%s", links[i][0]);
    if (strncmp(text, "%s", 2) == 0)
      snprintf(target, sizeof(target), "%s%s", base_path, text + 2);
    else
      snprintf(target, sizeof(target), "%s", text);
    make_link(target, path);
  }
}

static bool follows_anyway(const char *path) {
  return path[strlen(path) - 1] == '/';
}

/* Checks what was opened, and closes it. */
static void check_open(wv_errno error) {
  struct stat st;

  if (error != WV_SUCCESS) return;
  CHECK(fstat(host_fd_of(result_of_call.fd), &st) == 0);
  CHECK(!is_outside(st.st_dev, st.st_ino));
  close_fd(result_of_call.fd);
}

/* `follows`: the call follows a link at the end of the path. */
static void check_error(const way_out *way, bool follows, wv_errno error,
                        const char *call) {
  cases++;
  if ((way->where == MIDDLE || follows) && error != way->wanted)
    fail(__FILE__, __LINE__, "%s of %s is %u, not %u", call, way->path, error,
         way->wanted);
}

static void try_opens(const way_out *way) {
  static const struct {
    uint32_t lookup;
    uint32_t oflags;
    uint64_t rights;
  } opens[] = {
      {0, 0, READ_RIGHTS},
      {FOLLOW, 0, READ_RIGHTS},
      {FOLLOW, 0, WV_RIGHTS_FD_WRITE},
      {FOLLOW, WV_OFLAGS_TRUNC, WV_RIGHTS_FD_WRITE},
      {FOLLOW, WV_OFLAGS_CREAT, WV_RIGHTS_FD_WRITE},
      {FOLLOW, WV_OFLAGS_CREAT | WV_OFLAGS_TRUNC, READ_RIGHTS},
      {0, WV_OFLAGS_CREAT, WV_RIGHTS_FD_WRITE},
      {0, WV_OFLAGS_CREAT | WV_OFLAGS_EXCL, WV_RIGHTS_FD_WRITE},
      {FOLLOW, WV_OFLAGS_CREAT | WV_OFLAGS_EXCL, WV_RIGHTS_FD_WRITE},
      {0, WV_OFLAGS_DIRECTORY, READ_RIGHTS},
      {FOLLOW, WV_OFLAGS_DIRECTORY, READ_RIGHTS},
  };
  const bool slash = follows_anyway(way->path);
  wv_errno error;
  size_t i;

  for (i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
    bool follows = (opens[i].lookup == FOLLOW || slash) &&
                   !(opens[i].oflags & WV_OFLAGS_EXCL) &&
                   !(slash && (opens[i].oflags & WV_OFLAGS_CREAT));

    error = do_open(dir_fd, way->path, opens[i].lookup, opens[i].oflags,
                    opens[i].rights, 0);
    check_open(error);
    check_error(way, follows, error, "path_open");
    CHECK(way->where == MIDDLE || error != WV_SUCCESS);
  }
}

static void try_stats(const way_out *way) {
  const bool slash = follows_anyway(way->path);
  uint32_t lookup;
  wv_errno error;

  for (lookup = 0; lookup <= FOLLOW; lookup++) {
    error = do_stat(dir_fd, way->path, lookup);
    check_error(way, lookup == FOLLOW || slash, error, "path_filestat_get");
    CHECK(error != WV_SUCCESS ||
          !is_outside(result_of_call.dev, result_of_call.ino));
    error = do_set_times(dir_fd, way->path, lookup);
    /* Note: the link's target need not exist, so the walk decides. */
    check_error(way, lookup == FOLLOW || slash, error,
                "path_filestat_set_times");
  }
  check_error(way, slash, do_readlink(dir_fd, way->path, 4096),
              "path_readlink");
}

/* These calls act on the link itself, and some remove it. */
static void try_changes(const way_out *way) {
  const char *path = way->path;

  check_error(way, false, do_mkdir(dir_fd, path), "path_create_directory");
  check_error(way, false, do_symlink("x", dir_fd, path), "path_symlink");
  check_error(way, false, do_link(dir_fd, "file", dir_fd, path), "path_link");
  check_error(way, false, do_link(dir_fd, path, dir_fd, "l1"), "path_link");
  do_unlink(dir_fd, "l1");
  check_error(way, false, do_rmdir(dir_fd, path), "path_remove_directory");
  check_error(way, false, do_rename(dir_fd, path, dir_fd, "new"),
              "path_rename");
  do_rename(dir_fd, "new", dir_fd, path);
  check_error(way, false, do_rename(dir_fd, "dir", dir_fd, path),
              "path_rename");
  do_rename(dir_fd, path, dir_fd, "dir");
  make_file("root/extra", 1);
  check_error(way, false, do_rename(dir_fd, "extra", dir_fd, path),
              "path_rename");
  do_unlink(dir_fd, "extra");
  check_error(way, false, do_unlink(dir_fd, path), "path_unlink_file");
}

/* Absolute links to a preopen are no way out. */
static void test_ways_in(void) {
  static const struct {
    const char *target;
    bool other;
    bool directory;
  } goals[] = {
      {"/w/file", false, false},
      {"/w//./file", false, false},
      {"//w/file", false, false},
      {"/w/dir/../file", false, false},
      {"/v/file", true, false},
      {"/v/sub/../file", true, false},
      {"/v", true, true},
      {"/v/", true, true},
      {"/w/.", false, true},
      {"/w/v/file", true, false},
      {"/w/v/../file", false, false}, /* PERM: see below */
  };
  struct stat st;
  struct stat wanted;
  size_t i;

  make_dir("other/sub");
  preopen("other", "/w/v/");
  preopen("root", "/w/");
  for (i = 0; i < sizeof(goals) / sizeof(goals[0]); i++) {
    const bool out = strcmp(goals[i].target, "/w/v/../file") == 0;

    CHECK(unlinkat(base, "root/in", 0) == 0 || errno == ENOENT);
    make_link(goals[i].target, "root/in");
    CHECK(fstatat(base,
                  goals[i].directory ? goals[i].other ? "other" : "root"
                  : goals[i].other   ? "other/file"
                                     : "root/file",
                  &wanted, 0) == 0);
    EXPECT(out ? WV_EPERM : WV_SUCCESS,
           do_open(dir_fd, "in", FOLLOW, 0, READ_RIGHTS, 0));
    if (out) continue;
    CHECK(fstat(host_fd_of(result_of_call.fd), &st) == 0);
    CHECK(st.st_ino == wanted.st_ino);
    close_fd(result_of_call.fd);
    EXPECT(WV_SUCCESS, do_stat(dir_fd, "dir/../in", FOLLOW));
    CHECK(result_of_call.ino == wanted.st_ino);
    EXPECT(WV_SUCCESS, do_stat(dir_fd, "in", 0));
    CHECK(result_of_call.filetype == WV_FILETYPE_SYMBOLIC_LINK);
    EXPECT(WV_SUCCESS, do_set_times(dir_fd, "in", FOLLOW));
    EXPECT(goals[i].directory ? WV_SUCCESS : WV_ENOTDIR,
           do_stat(dir_fd, "in/", FOLLOW));
    EXPECT(goals[i].directory ? WV_SUCCESS : WV_ENOTDIR,
           do_stat(dir_fd, "in/.", 0));
    if (!goals[i].directory) continue;
    EXPECT(WV_SUCCESS, do_mkdir(dir_fd, "in/made"));
    EXPECT(WV_SUCCESS, do_rmdir(dir_fd, "in/made/"));
    EXPECT(WV_EPERM, do_stat(dir_fd, "in/..", 0));
  }
  /* A preopen's name is no way in once the preopen is closed. */
  CHECK(unlinkat(base, "root/in", 0) == 0);
  make_link("/v/file", "root/in");
  EXPECT(WV_SUCCESS, do_stat(dir_fd, "in", FOLLOW));
  EXPECT(WV_SUCCESS, wv_fd_close(&guest, other_fd));
  EXPECT(WV_EPERM, do_stat(dir_fd, "in", FOLLOW));
}

/* `/` and `.` name the same preopen. */
static void test_root_names(void) {
  static const char *const root_names[] = {"/", ".", "//", "./"};
  size_t i;

  make_link("/file", "root/root-file");
  make_link("/", "root/root-dir");
  for (i = 0; i < 3; i++) {
    uint32_t fd = preopen("root", root_names[i]);

    EXPECT(WV_SUCCESS, do_stat(fd, "root-file", FOLLOW));
    CHECK(result_of_call.size == 7);
    EXPECT(WV_SUCCESS, do_stat(fd, "dir/../root-dir/root-dir/file", 0));
    EXPECT(WV_EPERM, do_stat(fd, "root-dir/..", 0));
    close_fd(fd);
  }
}

/* A directory is moved out while the guest has it open: `..` stays inside it.
 */
static void test_moved(void) {
  uint32_t moved;

  make_dir("root/move");
  make_dir("root/move/sub");
  EXPECT(WV_SUCCESS,
         do_open(dir_fd, "move", 0, WV_OFLAGS_DIRECTORY, READ_RIGHTS, 0));
  moved = result_of_call.fd;
  EXPECT(WV_EPERM, do_stat(moved, "..", 0));
  EXPECT(WV_EPERM, do_stat(moved, "sub/../../file", 0));
  CHECK(renameat(base, "root/move", base, "outside/move") == 0);
  EXPECT(WV_EPERM, do_stat(moved, "..", 0));
  EXPECT(WV_EPERM, do_open(moved, "sub/../..", 0, 0, READ_RIGHTS, 0));
  EXPECT(WV_EPERM, do_mkdir(moved, "../new"));
  EXPECT(WV_SUCCESS, do_stat(moved, "sub/..", 0));
  close_fd(moved);
}

void test_ways_out(void) {
  uint64_t before;
  size_t i;

  make_base();
  for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
    make_tree();
    new_guest();
    dir_fd = preopen("root", "/w");
    other_fd = preopen("other", "/v/");
    preopen("root", "rel");
    before = outside_state();
    try_opens(&ways[i]);
    try_stats(&ways[i]);
    try_changes(&ways[i]);
    if (outside_state() != before)
      fail(__FILE__, __LINE__, "an effect outside by %s", ways[i].path);
    end_guest();
    clear_base();
  }
  make_tree();
  new_guest();
  dir_fd = preopen("root", "/w");
  other_fd = preopen("other", "/v/");
  before = outside_state();
  test_ways_in();
  test_root_names();
  CHECK(outside_state() == before);
  test_moved();
  end_guest();
  remove_base();
}
