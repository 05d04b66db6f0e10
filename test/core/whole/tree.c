/* The directories: two preopens, and one beside them that no guest may see or
 * change. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "whole.h"

#define FEW 16
#define TEXT_MAX 16384u

char inside[2][64];
char outside[64];

static char base[48];
static int roots[2]; /* of `inside` */
static uint64_t device;
static uint64_t inodes[FEW];
static uint32_t inode_count;
static char before[TEXT_MAX];

static void make_file(const char *directory, const char *name,
                      const char *text) {
  char path[160];
  int fd;

  snprintf(path, sizeof(path), "%s/%s", directory, name);
  fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  CHECK(fd >= 0);
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

static void make_directory(const char *directory, const char *name) {
  char path[160];

  snprintf(path, sizeof(path), "%s/%s", directory, name);
  CHECK(mkdir(path, 0755) == 0);
}

static void make_link(const char *directory, const char *name,
                      const char *text) {
  char path[160];

  snprintf(path, sizeof(path), "%s/%s", directory, name);
  CHECK(symlink(text, path) == 0);
}

/* So old that each access would update the access time. */
static void make_old(const char *path) {
  const struct timespec times[] = {{.tv_sec = 1000000000},
                                   {.tv_sec = 1000000000}};

  CHECK(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0);
}

static void add_text(char *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_text(char *text, const char *format, ...) {
  const size_t len = strlen(text);
  va_list arguments;

  va_start(arguments, format);
  CHECK(vsnprintf(text + len, TEXT_MAX - len, format, arguments) <
        (int)(TEXT_MAX - len));
  va_end(arguments);
}

static void describe(char *text, int dir, const char *name, bool deep);

static void describe_entries(char *text, int fd) {
  struct dirent **entries;
  int count = scandirat(fd, ".", &entries, NULL, alphasort);
  int i;

  CHECK(count >= 0);
  for (i = 0; i < count; i++) {
    if (strcmp(entries[i]->d_name, ".") != 0 &&
        strcmp(entries[i]->d_name, "..") != 0)
      describe(text, fd, entries[i]->d_name, true);
    free(entries[i]);
  }
  free(entries);
}

/* Everything about a file that can be found out without changing it. */
static void describe(char *text, int dir, const char *name, bool deep) {
  char bytes[64] = {0};
  struct stat st;
  int fd;

  CHECK(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
  add_text(text, "%s %o %ld %ld %ld.%09ld %ld.%09ld", name, st.st_mode,
           (long)st.st_nlink, (long)st.st_size, (long)st.st_mtim.tv_sec,
           st.st_mtim.tv_nsec, (long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
  /* Listing a directory would be an access. */
  if (!S_ISDIR(st.st_mode))
    add_text(text, " %ld.%09ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec);
  if (inode_count < FEW && before[0] == 0) inodes[inode_count++] = st.st_ino;
  device = st.st_dev;
  if (S_ISREG(st.st_mode)) {
    fd = openat(dir, name, O_RDONLY | O_NOATIME);
    CHECK(fd >= 0 && read(fd, bytes, sizeof(bytes) - 1) >= 0);
    close(fd);
  }
  add_text(text, " %s\n", bytes);
  if (!S_ISDIR(st.st_mode) || !deep) return;
  fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOATIME);
  CHECK(fd >= 0);
  describe_entries(text, fd);
  close(fd);
}

static void describe_outside(char *text) {
  text[0] = 0;
  describe(text, AT_FDCWD, outside, true);
  describe(text, AT_FDCWD, base, false);
}

static void pick_base(void) {
  const char *directory = getenv("TMPDIR");

  /* A place where fsync(2) is fast, if there is one. */
  if (directory == NULL)
    directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  CHECK(snprintf(base, sizeof(base), "%s/whole-XXXXXX", directory) <
        (int)sizeof(base));
  CHECK(mkdtemp(base) != NULL);
}

void make_tree(void) {
  char path[160];
  uint32_t i;

  pick_base();
  for (i = 0; i < 2; i++) {
    snprintf(inside[i], sizeof(inside[i]), "%s/in%u", base, i);
    CHECK(mkdir(inside[i], 0755) == 0);
    roots[i] = open(inside[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  snprintf(outside, sizeof(outside), "%s/out", base);
  CHECK(mkdir(outside, 0755) == 0);
  make_file(outside, "file", SECRET);
  make_file(outside, SECRET, SECRET);
  make_directory(outside, "dir");
  make_link(outside, "link", SECRET);
  snprintf(path, sizeof(path), "%s/dir", outside);
  make_file(path, "file", SECRET);
  make_old(path);
  snprintf(path, sizeof(path), "%s/file", outside);
  make_old(path);
  snprintf(path, sizeof(path), "%s/dir/file", outside);
  make_old(path);
  snprintf(path, sizeof(path), "%s/link", outside);
  make_old(path);
  describe_outside(before);
}

void check_outside(void) {
  static char after[TEXT_MAX];

  describe_outside(after);
  if (strcmp(before, after) != 0)
    fail(__FILE__, __LINE__, "outside was\n%sand is\n%s", before, after);
}

bool is_outside(uint64_t dev, uint64_t ino) {
  uint32_t i;

  for (i = 0; dev == device && i < inode_count; i++)
    if (inodes[i] == ino) return true;
  return false;
}

/* Does not follow the guest's links, which may lead outside. */
bool is_there(uint32_t root, const char *name) {
  int fd = wv_sys_open_beneath(roots[root], name, WV_SYS_OPEN_HANDLE);

  if (fd >= 0) close(fd);
  return fd >= 0;
}

void fill_preopens(void) {
  char path[160];
  uint32_t i;

  for (i = 0; i < 2; i++) {
    make_directory(inside[i], "dir");
    make_directory(inside[i], "d0");
    make_directory(inside[i], "d1");
    make_file(inside[i], "f0", "0123456789");
    make_file(inside[i], "f1", "");
    make_file(inside[i], "f2", "two\n");
    make_file(inside[i], "dir/f0", "in a directory");
    make_directory(inside[i], "dir/d0");
    make_link(inside[i], "s0", "f0");
    make_link(inside[i], "link", "dir");
    make_link(inside[i], "dir/up", "../f0");
    make_link(inside[i], "loop", "loop");
    make_link(inside[i], "out", "../out");
    make_link(inside[i], "out_file", "../out/file");
    make_link(inside[i], "abs", "/w/f0");
    make_link(inside[i], "abs_dir", "/dir");
    make_link(inside[i], "abs_out", outside);
    make_link(inside[i], "proc", "/proc/self/root");
    snprintf(path, sizeof(path), "%s/fifo", inside[i]);
    CHECK(mkfifo(path, 0644) == 0);
    snprintf(path, sizeof(path), "%s/dir/loop", inside[i]);
    CHECK(symlink("../dir/loop", path) == 0);
  }
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw) {
  (void)st;
  if (ftw->level == 0) return 0;
  return type == FTW_DP ? rmdir(path) : unlink(path);
}

void empty_preopens(void) {
  uint32_t i;

  for (i = 0; i < 2; i++)
    CHECK(nftw(inside[i], remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static int remove_any(const char *path, const struct stat *st, int type,
                      struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

void remove_tree(void) {
  nftw(base, remove_any, 16, FTW_DEPTH | FTW_PHYS);
}
