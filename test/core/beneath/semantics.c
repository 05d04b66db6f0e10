/* The answers of path calls where nothing leads outside. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beneath.h"
#include "walk.h"

#define CREAT WV_OFLAGS_CREAT
#define EXCL WV_OFLAGS_EXCL
#define DIRECTORY WV_OFLAGS_DIRECTORY
#define TRUNC WV_OFLAGS_TRUNC
#define WRITE WV_RIGHTS_FD_WRITE

static uint32_t root;

static wv_errno open_close(const char *path, uint32_t lookup, uint32_t oflags,
                           uint64_t rights) {
  wv_errno error = do_open(root, path, lookup, oflags, rights, 0);

  if (error == WV_SUCCESS) close_fd(result_of_call.fd);
  return error;
}

static void test_open(void) {
  static const char *const files[] = {"file", "./file", "dir/../file",
                                      "dir/sub/..//../file"};
  size_t i;

  for (i = 0; i < 4; i++)
    EXPECT(WV_SUCCESS, open_close(files[i], 0, 0, READ_RIGHTS));
  EXPECT(WV_ENOENT, open_close("none", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ENOENT, open_close("none/", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ENOENT, open_close("dir/none/x", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("file/", 0, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("dir/file//", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("file/x", 0, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("file/.", 0, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("file/..", 0, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("file", FOLLOW, DIRECTORY, READ_RIGHTS));
  EXPECT(WV_SUCCESS, open_close("dir/", 0, 0, READ_RIGHTS));
  EXPECT(WV_SUCCESS, open_close(".", 0, 0, READ_RIGHTS));
  EXPECT(WV_SUCCESS, open_close("dir/..", 0, DIRECTORY, READ_RIGHTS));
  EXPECT(WV_EISDIR, open_close("dir", 0, DIRECTORY, READ_RIGHTS | WRITE));
  EXPECT(WV_EISDIR, open_close("dir/sub", 0, 0, WRITE));
  EXPECT(WV_EISDIR, open_close("dir", 0, CREAT, READ_RIGHTS));
  EXPECT(WV_EISDIR, open_close("dir/", 0, CREAT, READ_RIGHTS));
  EXPECT(WV_EISDIR, open_close("new/", 0, CREAT, WRITE));
  EXPECT(WV_EISDIR, open_close("file/", FOLLOW, CREAT, WRITE));
  EXPECT(WV_ENOENT, open_close("none/new/", 0, CREAT, WRITE));
  EXPECT(WV_ENOTDIR, open_close("file/new/", 0, CREAT, WRITE));
  EXPECT(WV_EEXIST, open_close("file", FOLLOW, CREAT | EXCL, WRITE));
  EXPECT(WV_EINVAL, open_close("new", 0, CREAT | DIRECTORY, WRITE));
  EXPECT(WV_EINVAL, open_close("file", 2, 0, READ_RIGHTS));
  EXPECT(WV_EINVAL, open_close("file", 0, 16, READ_RIGHTS));
  EXPECT(WV_EINVAL, do_open(root, "file", 0, 0, READ_RIGHTS, 32));
  EXPECT(WV_ENOENT, do_stat(root, "new", 0));
}

static void test_links(void) {
  EXPECT(WV_ELOOP, open_close("link", 0, 0, READ_RIGHTS));
  EXPECT(WV_ELOOP, open_close("dir/../link", 0, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("dirlink", 0, DIRECTORY, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("./dirlink", 0, DIRECTORY, READ_RIGHTS));
  EXPECT(WV_SUCCESS, open_close("link", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_SUCCESS, open_close("dirlink", FOLLOW, DIRECTORY, READ_RIGHTS));
  EXPECT(WV_SUCCESS, open_close("dirlink/", 0, 0, READ_RIGHTS));
  EXPECT(WV_SUCCESS, open_close("dirlink/file", 0, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("link/", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ENOTDIR, open_close("slashlink", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ENOENT, open_close("dangling", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ELOOP, open_close("dangling", 0, 0, READ_RIGHTS));
  EXPECT(WV_ELOOP, open_close("dangling", 0, CREAT, WRITE));
  EXPECT(WV_EEXIST, open_close("dangling", FOLLOW, CREAT | EXCL, WRITE));
  EXPECT(WV_EISDIR, open_close("dangling/", FOLLOW, CREAT, WRITE));
  EXPECT(WV_EISDIR, open_close("newslash", FOLLOW, CREAT, WRITE));
  EXPECT(WV_ENOENT, do_stat(root, "dir/created", 0));
  EXPECT(WV_SUCCESS, open_close("dangling", FOLLOW, CREAT, WRITE));
  EXPECT(WV_SUCCESS, do_stat(root, "dir/created", 0));
  EXPECT(WV_SUCCESS, do_unlink(root, "dir/created"));
  EXPECT(WV_SUCCESS, open_close("./dangling", FOLLOW, CREAT, WRITE));
  EXPECT(WV_SUCCESS, do_unlink(root, "dir/created"));
  EXPECT(WV_ELOOP, open_close("loop", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ELOOP, open_close("loop/x", FOLLOW, 0, READ_RIGHTS));
  EXPECT(WV_ELOOP, do_stat(root, "loop", FOLLOW));
  EXPECT(WV_SUCCESS, do_stat(root, "loop", 0));
}

static void test_stat(void) {
  struct stat st;

  EXPECT(WV_SUCCESS, do_stat(root, "link", 0));
  CHECK(result_of_call.filetype == WV_FILETYPE_SYMBOLIC_LINK);
  EXPECT(WV_SUCCESS, do_stat(root, "link", FOLLOW));
  CHECK(result_of_call.size == 5);
  EXPECT(WV_SUCCESS, do_stat(root, "dirlink/", 0));
  CHECK(result_of_call.filetype == WV_FILETYPE_DIRECTORY);
  EXPECT(WV_ENOTDIR, do_stat(root, "file/", 0));
  EXPECT(WV_ENOTDIR, do_stat(root, "link/", 0));
  EXPECT(WV_ENOTDIR, do_stat(root, "slashlink", FOLLOW));
  EXPECT(WV_ENOENT, do_stat(root, "dangling", FOLLOW));
  EXPECT(WV_EINVAL, do_stat(root, "file", 2));
  EXPECT(WV_SUCCESS, do_set_times(root, "link", FOLLOW));
  CHECK(fstatat(base, "root/file", &st, 0) == 0);
  CHECK(st.st_atim.tv_sec == 1 && st.st_atim.tv_nsec == 1);
  CHECK(st.st_mtim.tv_sec == 2 && st.st_mtim.tv_nsec == 2);
  CHECK(fstatat(base, "root/link", &st, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(st.st_mtim.tv_sec > 2);
  EXPECT(WV_SUCCESS, do_set_times(root, "link", 0));
  CHECK(fstatat(base, "root/link", &st, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(st.st_mtim.tv_sec == 2);
  EXPECT(WV_ENOTDIR, do_set_times(root, "file/", 0));
  EXPECT(WV_SUCCESS, do_set_times(root, "dirlink/", 0));
  EXPECT(WV_SUCCESS, do_set_times(root, ".", 0));
  EXPECT(WV_ENOENT, do_set_times(root, "dangling", FOLLOW));
  EXPECT(WV_ELOOP, do_set_times(root, "loop", FOLLOW));
}

static void test_make_and_remove(void) {
  EXPECT(WV_SUCCESS, do_mkdir(root, "new/"));
  EXPECT(WV_EEXIST, do_mkdir(root, "new"));
  EXPECT(WV_EEXIST, do_mkdir(root, "file/"));
  EXPECT(WV_EEXIST, do_mkdir(root, "dangling/"));
  EXPECT(WV_EEXIST, do_mkdir(root, "."));
  EXPECT(WV_EEXIST, do_mkdir(root, "dir/.."));
  EXPECT(WV_ENOENT, do_mkdir(root, "none/new"));
  EXPECT(WV_ENOENT, do_mkdir(root, ""));
  EXPECT(WV_EISDIR, do_unlink(root, "new"));
  EXPECT(WV_EISDIR, do_unlink(root, "new/"));
  EXPECT(WV_EISDIR, do_unlink(root, "."));
  EXPECT(WV_ENOTDIR, do_unlink(root, "file/"));
  EXPECT(WV_ENOTDIR, do_unlink(root, "dirlink/"));
  EXPECT(WV_ENOENT, do_unlink(root, "none/"));
  EXPECT(WV_EINVAL, do_rmdir(root, "."));
  EXPECT(WV_ENOTDIR, do_rmdir(root, "file"));
  EXPECT(WV_ENOTDIR, do_rmdir(root, "dirlink/"));
  EXPECT(WV_ENOTEMPTY, do_rmdir(root, "dir"));
  EXPECT(WV_SUCCESS, do_rmdir(root, "new/"));
  EXPECT(WV_SUCCESS, do_symlink("x/../y/", root, "dir/l"));
  EXPECT(WV_SUCCESS, do_readlink(root, "dir/l", 100));
  CHECK(strcmp(result_of_call.text, "x/../y/") == 0);
  EXPECT(WV_SUCCESS, do_readlink(root, "dir/l", 3));
  CHECK(strcmp(result_of_call.text, "x/.") == 0);
  EXPECT(WV_SUCCESS, do_readlink(root, "dir/l", 0));
  CHECK(result_of_call.len == 0);
  EXPECT(WV_EINVAL, do_readlink(root, "file", 100));
  EXPECT(WV_EINVAL, do_readlink(root, "dirlink/", 100));
  EXPECT(WV_ENOTDIR, do_readlink(root, "link/", 100));
  EXPECT(WV_EEXIST, do_symlink("x", root, "dir/l"));
  EXPECT(WV_EPERM, do_symlink("/x", root, "new"));
  EXPECT(WV_ENOENT, do_symlink("", root, "new"));
  EXPECT(WV_ENOENT, do_symlink("x", root, "new/"));
  EXPECT(WV_EEXIST, do_symlink("x", root, "dir/"));
  EXPECT(WV_ENOTDIR, do_symlink("x", root, "file/"));
  EXPECT(WV_SUCCESS, do_unlink(root, "dir/l"));
}

static void test_two_paths(void) {
  EXPECT(WV_SUCCESS, do_link(root, "file", root, "dir/hard"));
  EXPECT(WV_EEXIST, do_link(root, "file", root, "dir/hard"));
  EXPECT(WV_ENOENT, do_link(root, "file", root, "new/"));
  EXPECT(WV_ENOTDIR, do_link(root, "file", root, "dir/hard/"));
  EXPECT(WV_ENOTDIR, do_link(root, "file/", root, "new"));
  EXPECT(WV_EPERM, do_link(root, "dir", root, "new"));
  EXPECT(WV_SUCCESS, do_link(root, "link", root, "new"));
  EXPECT(WV_SUCCESS, do_readlink(root, "new", 10));
  EXPECT(WV_SUCCESS, do_unlink(root, "new"));
  EXPECT(WV_EINVAL, wv_path_link(&guest, root, FOLLOW, 0, 1, root, 0, 1));
  EXPECT(WV_ENOTDIR, do_rename(root, "file/", root, "new"));
  EXPECT(WV_ENOTDIR, do_rename(root, "file", root, "new/"));
  EXPECT(WV_ENOTDIR, do_rename(root, "dirlink/", root, "new"));
  EXPECT(WV_ENOENT, do_rename(root, "none/", root, "new"));
  EXPECT(WV_ENOTDIR, do_rename(root, "dir", root, "file/"));
  EXPECT(WV_EBUSY, do_rename(root, ".", root, "new"));
  EXPECT(WV_EINVAL, do_rename(root, "dir", root, "dir/sub/new"));
  EXPECT(WV_SUCCESS, do_rename(root, "dir/", root, "new/"));
  EXPECT(WV_SUCCESS, do_rename(root, "new", root, "dir/"));
  EXPECT(WV_SUCCESS, do_rename(root, "dir/hard", root, "new"));
  EXPECT(WV_SUCCESS, do_unlink(root, "new"));
}

static void test_values(void) {
  uint8_t *memory = guest.memory.base;
  uint32_t size = (uint32_t)guest.memory.size;
  char path[WV_PATH_SIZE + 1];

  memcpy(memory, "fi\0e", 4);
  EXPECT(WV_EINVAL, wv_path_unlink_file(&guest, root, 0, 4));
  EXPECT(WV_EINVAL, wv_path_symlink(&guest, 0, 4, root, 1, 1));
  EXPECT(WV_EFAULT, wv_path_unlink_file(&guest, root, size, 1));
  EXPECT(WV_EFAULT, wv_path_unlink_file(&guest, root, 1, UINT32_MAX));
  EXPECT(WV_EFAULT, wv_path_rename(&guest, root, 0, 1, root, size - 1, 2));
  EXPECT(WV_EFAULT, wv_path_readlink(&guest, root, 0, 4, size, 1, 0));
  EXPECT(WV_EFAULT, wv_path_readlink(&guest, root, 0, 4, 0, 1, size - 3));
  EXPECT(WV_EFAULT, wv_path_filestat_get(&guest, root, 9, 0, 4, size - 63));
  EXPECT(WV_EFAULT,
         wv_path_open(&guest, root, 9, 0, 4, CREAT, 0, 0, 0, 0x80000000));
  EXPECT(WV_ENOENT, wv_path_unlink_file(&guest, root, size, 0));
  EXPECT(WV_EBADF, wv_path_unlink_file(&guest, 77, size, 9));
  EXPECT(WV_EBADF, wv_path_rename(&guest, root, 0, 1, 77, size, 2));
  EXPECT(WV_EBADF, wv_path_rename(&guest, 77, 0, 1, root, size, 2));
  memset(path, 'x', sizeof(path));
  path[WV_PATH_SIZE] = 0;
  EXPECT(WV_ENAMETOOLONG, do_stat(root, path, 0));
  path[WV_PATH_SIZE - 1] = 0;
  EXPECT(WV_ENAMETOOLONG, do_stat(root, path, 0));
  path[256] = 0;
  EXPECT(WV_ENAMETOOLONG, do_stat(root, path, FOLLOW));
  EXPECT(WV_ENAMETOOLONG, open_close(path, 0, CREAT, WRITE));
  path[255] = 0;
  EXPECT(WV_ENOENT, do_stat(root, path, FOLLOW));
}

static void test_rights(void) {
  wv_fd *entry = wv_fd_get(guest.fds, root);
  uint32_t fd;

  entry->inheriting &= ~WRITE;
  EXPECT(WV_ENOTCAPABLE, open_close("file", 0, 0, WRITE));
  EXPECT(WV_SUCCESS, do_open(root, "file", 0, 0, READ_RIGHTS, 0));
  fd = result_of_call.fd;
  CHECK(wv_fd_get(guest.fds, fd)->inheriting ==
        (WV_RIGHTS_ALL & ~(uint64_t)WRITE));
  EXPECT(WV_ENOTDIR, do_stat(fd, "x", 0));
  close_fd(fd);
  entry->inheriting = WV_RIGHTS_ALL;
  entry->rights &= ~WV_RIGHTS_PATH_FILESTAT_SET_SIZE;
  EXPECT(WV_ENOTCAPABLE, open_close("file", 0, TRUNC, WRITE));
  entry->rights = WV_RIGHTS_ALL;
  EXPECT(WV_SUCCESS, open_close("dir/hard2", 0, CREAT | TRUNC, WRITE));
  EXPECT(WV_SUCCESS, do_unlink(root, "dir/hard2"));
  EXPECT(WV_SUCCESS, do_open(root, "file", 0, 0, READ_RIGHTS | WRITE,
                             WV_FDFLAGS_APPEND | WV_FDFLAGS_NONBLOCK));
  fd = result_of_call.fd;
  CHECK(fcntl(host_fd_of(fd), F_GETFL) & O_APPEND);
  CHECK(fcntl(host_fd_of(fd), F_GETFD) & FD_CLOEXEC);
  CHECK(wv_fd_get(guest.fds, fd)->fdflags == 5);
  close_fd(fd);
  guest.fds->limit = guest.fds->count;
  EXPECT(WV_EMFILE, open_close("new", 0, CREAT, WRITE));
  guest.fds->limit = 1000;
  EXPECT(WV_ENOENT, do_stat(root, "new", 0));
}

/* A FIFO without a reader, and a file on which another process has a lease. */
static void test_waits(void) {
  uint64_t start;
  pid_t child;
  int status;
  int ends[2];
  char byte;

  CHECK(mkfifoat(base, "root/fifo", 0600) == 0);
  EXPECT(WV_ENXIO, do_open(root, "fifo", 0, 0, WRITE, WV_FDFLAGS_NONBLOCK));
  EXPECT(WV_EAGAIN, open_close("fifo", 0, 0, WRITE));
  EXPECT(WV_SUCCESS, open_close("fifo", 0, 0, READ_RIGHTS));
  guest.wait_timeout = -1;
  start = milliseconds();
  child = fork();
  if (child == 0) {
    usleep(100000);
    _exit(openat(base, "root/fifo", O_RDONLY | O_CLOEXEC) < 0);
  }
  EXPECT(WV_SUCCESS, open_close("fifo", 0, 0, WRITE));
  CHECK(milliseconds() - start >= 90);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(unlinkat(base, "root/fifo", 0) == 0);

  CHECK(pipe(ends) == 0);
  start = milliseconds();
  child = fork();
  if (child == 0) {
    int fd = openat(base, "root/file", O_RDONLY | O_CLOEXEC);

    signal(SIGIO, SIG_IGN);
    byte = fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
    if (write(ends[1], &byte, 1) != 1) _exit(1);
    usleep(100000);
    _exit(0);
  }
  CHECK(read(ends[0], &byte, 1) == 1);
  if (byte) {
    EXPECT(WV_EAGAIN,
           do_open(root, "file", 0, 0, READ_RIGHTS, WV_FDFLAGS_NONBLOCK));
    EXPECT(WV_SUCCESS, open_close("dir/../file", 0, 0, READ_RIGHTS));
    CHECK(milliseconds() - start >= 90);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  close(ends[0]);
  close(ends[1]);
  guest.wait_timeout = 0;
}

void test_semantics(void) {
  make_base();
  make_dir("root");
  make_dir("root/dir");
  make_dir("root/dir/sub");
  make_file("root/file", 5);
  make_file("root/dir/file", 6);
  make_link("file", "root/link");
  make_link("dir", "root/dirlink");
  make_link("file/", "root/slashlink");
  make_link("dir/created", "root/dangling");
  make_link("dir/created/", "root/newslash");
  make_link("./loop", "root/loop");
  new_guest();
  root = preopen("root", "/");
  test_open();
  test_links();
  test_stat();
  test_make_and_remove();
  test_two_paths();
  test_values();
  test_rights();
  test_waits();
  end_guest();
  remove_base();
}

/* A path of 1,000 levels and back, with no more descriptors than a walk may
 * hold; 40 links, but not 41. */
void test_walk_bounds(void) {
  const uint32_t levels = 1000;
  char path[WV_PATH_SIZE] = "";
  char name[32];
  struct rlimit limit;
  struct rlimit few;
  uint32_t i;
  int dir;
  int next;

  make_base();
  make_dir("root");
  dir = openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (i = 0; i < levels; i++) {
    CHECK(mkdirat(dir, "d", 0700) == 0);
    next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(dir);
    dir = next;
  }
  close(dir);
  make_file("root/file", 3);
  make_link("file", "root/l0");
  for (i = 1; i <= WV_WALK_LINKS; i++) {
    snprintf(path, sizeof(path), "root/l%u", i);
    snprintf(name, sizeof(name), "l%u", i - 1);
    make_link(name, path);
  }
  new_guest();
  root = preopen("root", "/");
  snprintf(name, sizeof(name), "l%d", WV_WALK_LINKS - 1);
  EXPECT(WV_SUCCESS, do_stat(root, name, FOLLOW));
  EXPECT(WV_SUCCESS, open_close(name, FOLLOW, 0, READ_RIGHTS));
  snprintf(name, sizeof(name), "l%d", WV_WALK_LINKS);
  EXPECT(WV_ELOOP, do_stat(root, name, FOLLOW));
  EXPECT(WV_ELOOP, open_close(name, FOLLOW, 0, READ_RIGHTS));

  /* Down 800 levels, up 790, down again, up to the file. */
  path[0] = 0;
  for (i = 0; i < 700; i++) strcat(path, "d/");
  for (i = 0; i < 690; i++) strcat(path, "../");
  for (i = 0; i < 100; i++) strcat(path, "d/");
  for (i = 0; i < 110; i++) strcat(path, "../");
  strcat(path, "file");
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  few = limit;
  few.rlim_cur = count_open_fds() + 64;
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  EXPECT(WV_SUCCESS, do_stat(root, path, 0));
  CHECK(result_of_call.size == 3);
  strcpy(path + strlen(path) - 4, "../x");
  EXPECT(WV_EPERM, do_stat(root, path, 0));
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  end_guest();
  remove_base();
}
