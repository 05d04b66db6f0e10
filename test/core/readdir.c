/* fd_readdir. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"

#ifndef __linux__
/* On macOS telldir takes the longer the more often it was called. */
static int tells;
long __real_telldir(DIR *dir);
long __wrap_telldir(DIR *dir);
long __wrap_telldir(DIR *dir) {
  tells++;
  return __real_telldir(dir);
}
#endif

#define BUF 1024u
#define USED 512u
#define FILES 10000

static char root[64];
static int root_fd;

static void create(const char *name) {
  int fd = openat(root_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

  CHECK(fd >= 0);
  close(fd);
}

static uint32_t read_entries(uint32_t fd, uint32_t len, uint64_t cookie) {
  wv_store_u32(M(USED), UINT32_MAX);
  EXPECT(WV_SUCCESS, wv_fd_readdir(&guest, fd, BUF, len, cookie, USED));
  return wv_load_u32(M(USED));
}

/* Reads the whole directory as a libc does, and calls `visit` with each name.
 * Returns how many calls it took. */
static int read_all(uint32_t fd, uint32_t len,
                    void (*visit)(const char *name, uint64_t ino)) {
  char name[256];
  uint64_t cookie = 0;
  uint32_t used;
  uint32_t at;
  uint32_t name_len;
  int calls = 0;

  do {
    used = read_entries(fd, len, cookie);
    CHECK(used <= len);
    calls++;
    for (at = 0; at + WV_DIRENT_SIZE <= used; at += 24 + name_len) {
      name_len = wv_load_u32(M(BUF + at + 16));
      CHECK(name_len < 256);
      if (name_len > 255 || at + 24 + name_len > used) break;
      memcpy(name, M(BUF + at + 24), name_len);
      name[name_len] = 0;
      visit(name, wv_load_u64(M(BUF + at + 8)));
      cookie = wv_load_u64(M(BUF + at));
    }
  } while (used == len && calls < 5 * FILES);
  return calls;
}

static int seen[FILES];
static int others;
static int dots;
static uint64_t dot_inodes[2];
static bool removing;

static void visit(const char *name, uint64_t ino) {
  char *end;
  long n;

  if (name[0] == '.') {
    dots++;
    dot_inodes[name[1] == '.'] = ino;
    return;
  }
  n = strtol(name, &end, 10);
  if (*end != 0 || end == name || n < 0 || n >= FILES) {
    others++;
    return;
  }
  seen[n]++;
  if (removing && n % 2 == 0) CHECK(unlinkat(root_fd, name, 0) == 0);
}

static void forget(void) {
  memset(seen, 0, sizeof(seen));
  others = dots = 0;
}

static int count_of(int remainder, int times) {
  int count = 0;
  int i;

  for (i = remainder; i < FILES; i += 2) count += seen[i] == times;
  return count;
}

/* Each cookie leads back to the entry after it, from anywhere. */
static void test_cookies(uint32_t fd, uint32_t count) {
  static uint64_t cookies[FILES + 2];
  static uint64_t inodes[FILES + 2];
  uint32_t entries = 0;
  uint32_t from = 0;
  uint32_t i;

  for (i = 0; i < count; i++) {
    if (read_entries(fd, 24, i == 0 ? 0 : cookies[i - 1]) < 24) break;
    cookies[i] = wv_load_u64(M(BUF));
    inodes[i] = wv_load_u64(M(BUF + 8));
    CHECK(cookies[i] != 0);
    entries++;
  }
  CHECK(entries == count);
  for (i = 0; i < 1000; i++) {
    from = (from * 31 + 17) % (count - 1);
    CHECK(read_entries(fd, 24, cookies[from]) == 24);
    CHECK(wv_load_u64(M(BUF + 8)) == inodes[from + 1]);
  }
  CHECK(read_entries(fd, 24, cookies[count - 1]) == 0);
}

/* Removes half of the entries while it reads them with a small buffer. */
static void test_many(uint32_t fd) {
  char name[16];
  int i;

  for (i = 0; i < FILES; i++) {
    snprintf(name, sizeof(name), "%d", i);
    create(name);
  }
  test_cookies(fd, FILES + 2);
  forget();
  removing = true;
#ifndef __linux__
  tells = 0;
#endif
  /* 256 bytes hold 8 entries of at most 28. */
  CHECK(read_all(fd, 256, visit) <= FILES / 7);
#ifndef __linux__
  CHECK(tells > 0 && tells < FILES / 50);
#endif
  removing = false;
  CHECK(count_of(0, 1) == FILES / 2 && count_of(1, 1) == FILES / 2);
  CHECK(dots == 2 && others == 0);

  forget();
  read_all(fd, 32768, visit);
  CHECK(count_of(0, 0) == FILES / 2 && count_of(1, 1) == FILES / 2);
  for (i = 1; i < FILES; i += 2) {
    snprintf(name, sizeof(name), "%d", i);
    unlinkat(root_fd, name, 0);
  }
}

/* Three entries: one, `.` and `..`. */
static void test_small(uint32_t fd) {
  uint8_t whole[WV_DIRENT_SIZE];
  uint32_t first_len;
  uint64_t cookie;
  uint32_t len;

  create("only");
  CHECK(read_entries(fd, 4096, 0) > 3 * WV_DIRENT_SIZE);
  memcpy(whole, M(BUF), sizeof(whole));
  first_len = WV_DIRENT_SIZE + wv_load_u32(M(BUF + 16));
  cookie = wv_load_u64(whole);
  for (len = 0; len < first_len; len++) {
    memset(M(BUF), 0xa5, 64);
    CHECK(read_entries(fd, len, 0) == len);
    CHECK(memcmp(M(BUF), whole, len < 24 ? len : 24) == 0);
    CHECK(M(BUF)[len] == 0xa5);
  }
  /* Exactly one entry, then the next by its cookie, then back. */
  CHECK(read_entries(fd, first_len, 0) == first_len);
  CHECK(read_entries(fd, 24, cookie) == 24);
  cookie = wv_load_u64(M(BUF));
  CHECK(read_entries(fd, 24, cookie) == 24);
  CHECK(read_entries(fd, 24, wv_load_u64(whole)) == 24);
  CHECK(wv_load_u64(M(BUF)) == cookie);

  /* Cookie 0 reads the directory anew, with a new file. */
  read_entries(fd, 10, 0);
  create("late");
  forget();
  read_all(fd, 4096, visit);
  CHECK(others == 2 && dots == 2);
  EXPECT(WV_EINVAL, wv_fd_readdir(&guest, fd, BUF, 100, UINT64_MAX, USED));
  EXPECT(WV_EINVAL,
         wv_fd_readdir(&guest, fd, BUF, 100, UINT64_C(1) << 63, USED));
  forget();
  read_all(fd, 4096, visit);
  CHECK(others == 2 && dots == 2);
  unlinkat(root_fd, "only", 0);
  unlinkat(root_fd, "late", 0);
}

static void test_types(uint32_t fd) {
  uint32_t used;
  uint32_t at;
  uint32_t found = 0;

  CHECK(mkdirat(root_fd, "d", 0700) == 0);
  CHECK(symlinkat("nowhere", root_fd, "l") == 0);
  CHECK(mkfifoat(root_fd, "p", 0600) == 0);
  create("f");
  used = read_entries(fd, 4096, 0);
  for (at = 0; at < used; at += 24 + wv_load_u32(M(BUF + at + 16))) {
    switch (M(BUF + at + 24)[0]) {
      case 'd':
        CHECK(M(BUF + at)[20] == 3);
        found++;
        break;
      case 'f':
        CHECK(M(BUF + at)[20] == 4);
        found++;
        break;
      case 'l':
        CHECK(M(BUF + at)[20] == 7);
        found++;
        break;
      case 'p':
        CHECK(M(BUF + at)[20] == 6);
        found++;
        break;
      default:
        CHECK(M(BUF + at)[20] == 3);
    }
  }
  CHECK(found == 4);
  unlinkat(root_fd, "d", AT_REMOVEDIR);
  unlinkat(root_fd, "l", 0);
  unlinkat(root_fd, "p", 0);
  unlinkat(root_fd, "f", 0);
}

/* `..` of a preopen reveals nothing. A renumbered fd reads on. A removed
 * directory is at its end. */
static void test_preopen_and_removed(void) {
  uint32_t fd = insert((wv_fd){
      .host_fd = root_fd, .kind = WV_KIND_DIRECTORY, .preopen = strdup("/")});
  uint32_t sub;
  uint32_t to = insert((wv_fd){.host_fd = 0});
  struct stat st;
  uint64_t cookie;

  forget();
  read_all(fd, 100, visit);
  CHECK(fstat(root_fd, &st) == 0);
  CHECK(dot_inodes[0] == st.st_ino && dot_inodes[1] == st.st_ino);

  read_entries(fd, 25, 0);
  cookie = wv_load_u64(M(BUF));
  EXPECT(WV_SUCCESS, wv_fd_renumber(&guest, fd, to));
  CHECK(read_entries(to, 4096, cookie) < 4096);
  EXPECT(WV_EBADF, wv_fd_readdir(&guest, fd, BUF, 100, 0, USED));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, to));

  CHECK(mkdirat(root_fd, "sub", 0700) == 0);
  sub = insert((wv_fd){.host_fd = openat(root_fd, "sub", O_RDONLY | O_CLOEXEC),
                       .flags = WV_FD_OWNED});
  forget();
  read_all(sub, 4096, visit);
  CHECK(dot_inodes[1] == st.st_ino && dots == 2);
  unlinkat(root_fd, "sub", AT_REMOVEDIR);
  CHECK(read_entries(sub, 100, 0) == 0);
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, sub));
}

static void test_errors(uint32_t fd) {
  uint32_t file = insert_host(open("/dev/null", O_RDONLY | O_CLOEXEC));
  uint32_t at;

  EXPECT(WV_EBADF, wv_fd_readdir(&guest, 99, PAGE, 99, 0, PAGE));
  EXPECT(WV_ENOTDIR, wv_fd_readdir(&guest, file, PAGE, 99, 0, PAGE));
  EXPECT_FAULTS(at, 100, wv_fd_readdir(&guest, fd, at, 100, 0, USED));
  EXPECT_FAULTS(at, 4, wv_fd_readdir(&guest, fd, BUF, 100, 0, at));
  EXPECT(WV_EFAULT, wv_fd_readdir(&guest, fd, 8, UINT32_MAX, 0, USED));
  EXPECT(WV_EFAULT, wv_fd_readdir(&guest, fd, PAGE, 1, UINT64_MAX, USED));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, file));
}

void test_readdir(void) {
  uint32_t fd;

  snprintf(root, sizeof(root), "/tmp/wv-core-XXXXXX");
  CHECK(mkdtemp(root) != NULL);
  root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fd = insert((wv_fd){.host_fd = root_fd}); /* of unknown kind */
  test_errors(fd);
  test_small(fd);
  test_types(fd);
  test_many(fd);
  test_preopen_and_removed();
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(root_fd);
  CHECK(rmdir(root) == 0);
}
