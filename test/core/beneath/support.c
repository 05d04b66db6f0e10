/* A guest, and a tree with an outside. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"

#define MEMORY_SIZE 65536u
#define FROM 1024u
#define TO 8192u
#define RESULT 16384u
#define BUF 20000u

wv_guest guest;
result result_of_call;
unsigned long cases;
char base_path[64];
int base = -1;

void fail(const char *file, int line, const char *format, ...) {
  va_list arguments;

  va_start(arguments, format);
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, " (case %lu, in %s)\n", cases, base_path);
  _exit(1);
}

static uint32_t put(uint32_t at, const char *text) {
  size_t len = strlen(text);

  CHECK(len < TO - FROM);
  memcpy(guest.memory.base + at, text, len);
  return (uint32_t)len;
}

static uint8_t *at_result(void) {
  return guest.memory.base + RESULT;
}

wv_errno do_open(uint32_t dir, const char *path, uint32_t lookup,
                 uint32_t oflags, uint64_t rights, uint32_t fdflags) {
  uint32_t len = put(FROM, path);
  wv_errno error;

  guest.resumed = false;
  do {
    error = wv_path_open(&guest, dir, lookup, FROM, len, oflags, rights,
                         WV_RIGHTS_ALL, fdflags, RESULT);
    guest.resumed = true;
  } while (error == WV_RESUME);
  guest.resumed = false;
  result_of_call.fd = error == WV_SUCCESS ? wv_load_u32(at_result()) : 0;
  return error;
}

wv_errno do_stat(uint32_t dir, const char *path, uint32_t lookup) {
  uint32_t len = put(FROM, path);
  wv_errno error = wv_path_filestat_get(&guest, dir, lookup, FROM, len, RESULT);

  if (error == WV_SUCCESS) {
    result_of_call.dev = wv_load_u64(at_result());
    result_of_call.ino = wv_load_u64(at_result() + 8);
    result_of_call.filetype = at_result()[16];
    result_of_call.size = wv_load_u64(at_result() + 32);
  }
  return error;
}

wv_errno do_set_times(uint32_t dir, const char *path, uint32_t lookup) {
  return wv_path_filestat_set_times(&guest, dir, lookup, FROM, put(FROM, path),
                                    1000000001, 2000000002,
                                    WV_FSTFLAGS_ATIM | WV_FSTFLAGS_MTIM);
}

wv_errno do_mkdir(uint32_t dir, const char *path) {
  return wv_path_create_directory(&guest, dir, FROM, put(FROM, path));
}

wv_errno do_rmdir(uint32_t dir, const char *path) {
  return wv_path_remove_directory(&guest, dir, FROM, put(FROM, path));
}

wv_errno do_unlink(uint32_t dir, const char *path) {
  return wv_path_unlink_file(&guest, dir, FROM, put(FROM, path));
}

wv_errno do_readlink(uint32_t dir, const char *path, uint32_t room) {
  uint32_t len = put(FROM, path);
  wv_errno error = wv_path_readlink(&guest, dir, FROM, len, BUF, room, RESULT);

  if (error == WV_SUCCESS) {
    result_of_call.len = wv_load_u32(at_result());
    CHECK(result_of_call.len < sizeof(result_of_call.text));
    memcpy(result_of_call.text, guest.memory.base + BUF, result_of_call.len);
    result_of_call.text[result_of_call.len] = 0;
  }
  return error;
}

wv_errno do_rename(uint32_t dir, const char *from, uint32_t to_dir,
                   const char *to) {
  uint32_t len = put(FROM, from);

  return wv_path_rename(&guest, dir, FROM, len, to_dir, TO, put(TO, to));
}

wv_errno do_link(uint32_t dir, const char *from, uint32_t to_dir,
                 const char *to) {
  uint32_t len = put(FROM, from);

  return wv_path_link(&guest, dir, 0, FROM, len, to_dir, TO, put(TO, to));
}

wv_errno do_symlink(const char *target, uint32_t dir, const char *path) {
  uint32_t len = put(FROM, target);

  return wv_path_symlink(&guest, FROM, len, dir, TO, put(TO, path));
}

int host_fd_of(uint32_t fd) {
  wv_fd *entry = wv_fd_get(guest.fds, fd);

  CHECK(entry != NULL);
  return entry->host_fd;
}

void close_fd(uint32_t fd) {
  CHECK(wv_fd_remove(guest.fds, fd) == WV_SUCCESS);
}

uint32_t preopen(const char *path, const char *name) {
  wv_fd entry = wv_fd_of_preopen(
      openat(base, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), strdup(name));
  uint32_t fd;

  CHECK(entry.host_fd >= 0);
  CHECK(wv_fd_insert(guest.fds, &entry, &fd) == WV_SUCCESS);
  return fd;
}

void new_guest(void) {
  guest = (wv_guest){.wait_timeout = 0, .fds = wv_fd_table_new(1000)};
  CHECK(guest.fds != NULL);
  guest.memory =
      (wv_memory){.base = calloc(MEMORY_SIZE, 1), .size = MEMORY_SIZE};
}

void end_guest(void) {
  free(guest.memory.base);
  guest.memory.base = NULL;
  wv_guest_free(&guest);
}

void make_base(void) {
  struct stat st;

  /* In memory if possible, which is faster. */
  snprintf(base_path, sizeof(base_path), "%s/wv-beneath-XXXXXX",
           stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0
               ? "/dev/shm"
               : "/tmp");
  CHECK(mkdtemp(base_path) != NULL);
  base = open(base_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CHECK(base >= 0);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw) {
  (void)st, (void)type;
  if (ftw->level > 0) CHECK(remove(path) == 0);
  return 0;
}

void clear_base(void) {
  CHECK(nftw(base_path, remove_one, 20, FTW_DEPTH | FTW_PHYS) == 0);
}

void remove_base(void) {
  clear_base();
  CHECK(rmdir(base_path) == 0);
  close(base);
  base = -1;
}

void make_dir(const char *path) {
  CHECK(mkdirat(base, path, 0755) == 0);
}

void make_file(const char *path, size_t size) {
  int fd = openat(base, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

  CHECK(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
  close(fd);
}

void make_link(const char *target, const char *path) {
  CHECK(symlinkat(target, base, path) == 0);
}

void make_outside(void) {
  static const char *const dirs[] = {"outside", "outside/dir", "outside/a",
                                     "outside/empty", "outside/a/b"};
  static const char *const files[] = {"outside/file", "outside/dir/file",
                                      "outside/b", "outside/a/c",
                                      "outside/victim"};
  size_t i;

  for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) make_dir(dirs[i]);
  for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
    make_file(files[i], 1000 + i);
  make_link("dir", "outside/link");
}

static uint64_t state;
static dev_t wanted_dev;
static ino_t wanted_ino;

static void add(const void *bytes, size_t len) {
  const uint8_t *at = bytes;

  while (len-- > 0) state = (state ^ *at++) * 1099511628211u;
}

/* Everything that a change would affect, so not the access time. */
static void add_stat(const struct stat *st) {
  uint64_t words[] = {st->st_ino,
                      st->st_mode,
                      st->st_nlink,
                      (uint64_t)st->st_size,
                      (uint64_t)st->st_mtim.tv_sec,
                      (uint64_t)st->st_mtim.tv_nsec,
                      (uint64_t)st->st_ctim.tv_sec,
                      (uint64_t)st->st_ctim.tv_nsec};

  add(words, sizeof(words));
}

static int add_one(const char *path, const struct stat *st, int type,
                   struct FTW *ftw) {
  (void)type, (void)ftw;
  add(path, strlen(path));
  add_stat(st);
  return 0;
}

static void outside_path(char *path, size_t size) {
  snprintf(path, size, "%s/outside", base_path);
}

uint64_t outside_state(void) {
  char path[100];
  struct stat st;

  state = 14695981039346656037u;
  CHECK(fstat(base, &st) == 0);
  add_stat(&st);
  outside_path(path, sizeof(path));
  CHECK(nftw(path, add_one, 20, FTW_PHYS) == 0);
  return state;
}

static int compare_one(const char *path, const struct stat *st, int type,
                       struct FTW *ftw) {
  (void)path, (void)type, (void)ftw;
  return st->st_dev == wanted_dev && st->st_ino == wanted_ino;
}

bool is_outside(uint64_t dev, uint64_t ino) {
  char path[100];
  struct stat st;
  static const char *const others[] = {"/", "/etc", "/tmp", "/proc"};
  size_t i;

  wanted_dev = (dev_t)dev;
  wanted_ino = (ino_t)ino;
  for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    if (stat(others[i], &st) == 0 && compare_one(NULL, &st, 0, NULL))
      return true;
  CHECK(fstat(base, &st) == 0);
  if (compare_one(NULL, &st, 0, NULL)) return true;
  outside_path(path, sizeof(path));
  return nftw(path, compare_one, 20, FTW_PHYS) != 0;
}

unsigned count_open_fds(void) {
  DIR *dir = opendir("/proc/self/fd");
  unsigned count = 0;

  if (dir == NULL) return 0;
  while (readdir(dir) != NULL) count++;
  closedir(dir);
  return count - 3; /* without `.`, `..` and the descriptor that lists them */
}

static uint64_t random_state = 1;

void seed_random(uint64_t seed) {
  random_state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t random_below(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)((random_state >> 32) % limit);
}

uint64_t milliseconds(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
