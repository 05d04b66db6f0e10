/* Random calls in random trees. Each call records its outcome, which must not
 * depend on the resolver, nor reveal or change anything outside. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"

#define CALLS 60u
#define DIRS 64u

/* Few names, so that paths meet existing files. */
static const char *const alphabet[] = {"a", "b", "c", "d", "e"};
#define ALPHABET 5u

static const char *const guest_names[] = {"/",    "/a",  "/a/b/", ".",
                                          "//b/", "rel", "./c",   "/c"};

static uint32_t dirs[DIRS]; /* fds of the guest */
static uint32_t dir_count;

static const char *any_name(void) {
  return alphabet[random_below(ALPHABET)];
}

/* Up to `most` components, about as many upwards as downwards. */
static void random_path(char *path, size_t size, uint32_t most) {
  uint32_t count = 1 + random_below(most);
  size_t len = 0;
  uint32_t i;

  for (i = 0; i < count; i++) {
    uint32_t kind = random_below(12);

    len += (size_t)snprintf(path + len, size - len, "%s%s",
                            i == 0                  ? ""
                            : random_below(12) == 0 ? "//"
                                                    : "/",
                            kind < 3    ? ".."
                            : kind == 3 ? "."
                                        : any_name());
  }
  if (random_below(6) == 0) snprintf(path + len, size - len, "/");
}

static void random_target(char *target, size_t size) {
  char path[64];

  random_path(path, sizeof(path), 4);
  switch (random_below(10)) {
    case 0:
    case 1:
      snprintf(target, size, "/%s", path);
      break;
    case 2:
      snprintf(target, size, "%s/%s", base_path, path);
      break;
    case 3:
      snprintf(target, size, "../../outside/%s", path);
      break;
    case 4:
      snprintf(target, size, "/");
      break;
    default:
      snprintf(target, size, "%s", path);
  }
}

/* A step that fails has been done before. */
static void make_random_tree(void) {
  char made[40][200];
  uint32_t count = 1;
  char path[300];
  char target[200];
  uint32_t i;

  make_outside();
  strcpy(made[0], "root");
  make_dir("root");
  while (count < 16) {
    snprintf(path, sizeof(path), "%.150s/%s", made[random_below(count)],
             any_name());
    if (strlen(path) < sizeof(made[0]) && mkdirat(base, path, 0755) == 0)
      strcpy(made[count++], path);
    else if (random_below(20) == 0)
      break;
  }
  for (i = 0; i < 40; i++) {
    snprintf(path, sizeof(path), "%s/%s", made[random_below(count)],
             any_name());
    random_target(target, sizeof(target));
    if (i % 3 != 0) {
      if (symlinkat(target, base, path) < 0) continue;
    } else {
      int fd =
          openat(base, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

      if (fd >= 0) close(fd);
    }
  }
  dir_count = 0;
  for (i = 1 + random_below(4); i > 0; i--)
    dirs[dir_count++] =
        preopen(random_below(2) ? "root" : made[random_below(count)],
                guest_names[random_below(8)]);
}

/* The first path below `path`, by sorted names, of the file `dev` and `ino`. */
static bool find(char *path, size_t size, uint64_t dev, uint64_t ino) {
  size_t len = strlen(path);
  struct stat st;
  uint32_t i;

  if (fstatat(base, path, &st, AT_SYMLINK_NOFOLLOW) < 0) return false;
  if (st.st_dev == dev && st.st_ino == ino) return true;
  if (!S_ISDIR(st.st_mode) || len + 3 > size) return false;
  for (i = 0; i < ALPHABET; i++) {
    snprintf(path + len, size - len, "/%s", alphabet[i]);
    if (find(path, size, dev, ino)) return true;
    path[len] = 0;
  }
  return false;
}

/* Describes a file in words that are the same for every tree of this shape. */
static const char *identify(uint64_t dev, uint64_t ino) {
  static char path[100];

  CHECK(!is_outside(dev, ino));
  strcpy(path, "root");
  return find(path, sizeof(path), dev, ino) ? path : "removed";
}

/* A checksum of everything below a path. */
static uint64_t sum_of(const char *path) {
  char below[200];
  char text[300];
  struct stat st;
  uint64_t sum = 14695981039346656037u;
  ssize_t n;
  uint32_t i;

  if (strlen(path) > 150) return 0;
  if (fstatat(base, path, &st, AT_SYMLINK_NOFOLLOW) < 0) return 1;
  sum = (sum ^ st.st_mode) * 1099511628211u;
  if (S_ISREG(st.st_mode)) sum = (sum ^ st.st_nlink) * 1099511628211u;
  sum = (sum ^ (st.st_mtim.tv_sec == 2)) * 1099511628211u;
  if (S_ISLNK(st.st_mode)) {
    n = readlinkat(base, path, text, sizeof(text));
    /* The name of the base differs between processes. */
    if (n > 0 && strncmp(text, base_path, strlen(base_path)) == 0)
      memset(text, 'x', strlen(base_path));
    while (n-- > 0) sum = (sum ^ (uint8_t)text[n]) * 1099511628211u;
  }
  for (i = 0; S_ISDIR(st.st_mode) && i < ALPHABET; i++) {
    snprintf(below, sizeof(below), "%s/%s", path, alphabet[i]);
    sum = (sum ^ sum_of(below)) * 1099511628211u;
  }
  return sum;
}

typedef struct attempt {
  uint32_t kind;
  uint32_t dir;
  uint32_t to_dir;
  uint32_t lookup;
  uint32_t oflags;
  uint64_t rights;
  char path[100];
  char to[100];
} attempt;

static attempt random_call(void) {
  static const uint32_t oflags[] = {0,
                                    0,
                                    WV_OFLAGS_DIRECTORY,
                                    WV_OFLAGS_CREAT,
                                    WV_OFLAGS_TRUNC,
                                    WV_OFLAGS_CREAT | WV_OFLAGS_EXCL};
  attempt call = {.kind = random_below(16),
                  .dir = dirs[random_below(dir_count)],
                  .to_dir = dirs[random_below(dir_count)],
                  .lookup = random_below(2),
                  .oflags = oflags[random_below(6)],
                  .rights = random_below(3) ? READ_RIGHTS : WV_RIGHTS_FD_WRITE};

  random_path(call.path, sizeof(call.path), 7);
  random_path(call.to, sizeof(call.to), 5);
  return call;
}

/* Describes what was opened. A directory stays open for a while. */
static const char *opened(const attempt *call) {
  static char text[128];
  struct stat st;
  int fd = host_fd_of(result_of_call.fd);

  CHECK(fstat(fd, &st) == 0);
  /* Of the flags asked for, the system keeps these two. */
  snprintf(
      text, sizeof(text), "%s, %x", identify(st.st_dev, st.st_ino),
      (unsigned)fcntl(fd, F_GETFL) & ~(unsigned)(O_NOFOLLOW | O_DIRECTORY));
  if (S_ISDIR(st.st_mode) && dir_count < DIRS && call->oflags != 0)
    dirs[dir_count++] = result_of_call.fd;
  else
    close_fd(result_of_call.fd);
  return text;
}

static wv_errno make_call(const attempt *call, const char **what) {
  wv_errno error;

  *what = "";
  switch (call->kind) {
    case 0:
      return do_mkdir(call->dir, call->path);
    case 1:
      return do_rmdir(call->dir, call->path);
    case 2:
      return do_unlink(call->dir, call->path);
    case 3:
      return do_rename(call->dir, call->path, call->to_dir, call->to);
    case 4:
      return do_link(call->dir, call->path, call->to_dir, call->to);
    case 5:
      return do_symlink(call->to, call->dir, call->path);
    case 6:
      return do_set_times(call->dir, call->path, call->lookup);
    case 7:
      error = do_readlink(call->dir, call->path, 4096);
      if (error == WV_SUCCESS &&
          strncmp(result_of_call.text, base_path, strlen(base_path)) != 0)
        *what = result_of_call.text;
      return error;
    case 8:
    case 9:
    case 10:
      error = do_stat(call->dir, call->path, call->lookup);
      if (error == WV_SUCCESS)
        *what = identify(result_of_call.dev, result_of_call.ino);
      return error;
    default:
      error = do_open(call->dir, call->path, call->lookup, call->oflags,
                      call->rights, 0);
      if (error == WV_SUCCESS) *what = opened(call);
      return error;
  }
}

static void write_record(int out, const char *record) {
  CHECK(write(out, record, RECORD_SIZE) == RECORD_SIZE);
}

static void run_tree(int out, uint64_t seed) {
  char record[RECORD_SIZE] = "";
  uint64_t before;
  const char *what;
  wv_errno error;
  uint32_t i;

  seed_random(seed);
  new_guest();
  make_random_tree();
  before = outside_state();
  for (i = 0; i < CALLS; i++) {
    attempt call = random_call();

    cases++;
    error = make_call(&call, &what);
    memset(record, 0, sizeof(record));
    snprintf(record, sizeof(record),
             "seed %lu, %u: call %u (%u, %s; %u, %s; %u %x %lx) %u %.60s",
             (unsigned long)seed, i, call.kind, call.dir, call.path,
             call.to_dir, call.to, call.lookup, call.oflags,
             (unsigned long)call.rights, error, what);
    write_record(out, record);
    if (outside_state() != before) fail(__FILE__, __LINE__, "%s", record);
  }
  memset(record, 0, sizeof(record));
  snprintf(record, sizeof(record), "seed %lu: tree %lx", (unsigned long)seed,
           (unsigned long)sum_of("root"));
  write_record(out, record);
  end_guest();
  clear_base();
}

void write_records(int out, uint64_t seed, unsigned count) {
  unsigned i;

  make_base();
  for (i = 0; i < count; i++) run_tree(out, seed + i);
  remove_base();
}
