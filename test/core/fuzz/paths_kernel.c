/* The kernel's answers about paths.
 *
 * Each handle knows its object, and each object whether it is below a preopen.
 * No call may reach an object that is not, and a name must be a single
 * component that does not lead upwards. */
#include "paths_kernel.h"

#include <errno.h>
#include <string.h>

struct paths paths;

static const char *const names[] = {"a", "b", "c", "d", "..f"};

const char *take_name(void) {
  static char longest[NAME_SIZE];
  const uint8_t which = take_u8() % 6;

  memset(longest, 'x', sizeof(longest) - 1);
  return which == 5 ? longest : names[which];
}

const char *take_guest_name(void) {
  static const char *const guest_names[] = {"/",     ".", "/a",   "/a/b",
                                            "/./b/", "c", "/out", "/p"};

  return guest_names[take_u8() % 8];
}

uint32_t take_path(char *path, uint32_t size) {
  static const char *const parts[] = {"..", ".", "", "a", "b", "c", "d"};
  static char too_long[NAME_SIZE + 1];
  const uint8_t how = take_u8();
  const uint8_t count = how % 8;
  uint32_t len = 0;

  memset(too_long, 'x', NAME_SIZE);
  if (how >= 248) path[len++] = '/';
  for (int i = 0; i < count; i++) {
    const uint8_t what = take_u8();
    const char *part = what % 16 < 14    ? parts[what % 7]
                       : what % 16 == 14 ? take_name()
                                         : too_long;
    int times = what >= 240 ? take_u8() : 1;

    for (; times > 0 && len + strlen(part) + 2 < size; times--) {
      if (len > 0 && (times > 1 || path[len - 1] != '/' || *part == 0))
        path[len++] = '/';
      memcpy(path + len, part, strlen(part));
      len += (uint32_t)strlen(part);
    }
  }
  if (how & 8 && (how & 16)) path[len++] = '/';
  if ((how & 0xe0) == 0xc0 && len > 0) path[take_u8() % len] = (char)take_u8();
  path[len] = 0;
  return len;
}

static int take_handle(int node, int flags) {
  int i = 0;

  while (i < HANDLES && paths.handles[i].open) i++;
  CHECK(i < HANDLES && ++paths.open <= paths.most);
  paths.handles[i] =
      (struct handle){.open = true, .node = node, .flags = flags};
  return FIRST_HANDLE + i;
}

int open_for_host(int node, int flags) {
  paths.most = paths.open + 1;
  return take_handle(node, flags);
}

struct handle *handle_of(int host_fd) {
  struct handle *found = &paths.handles[host_fd - FIRST_HANDLE];

  CHECK(host_fd >= FIRST_HANDLE && host_fd < FIRST_HANDLE + HANDLES);
  CHECK(found->open);
  return found;
}

void stat_node(const struct tree *tree, int node, wv_sys_stat *stat) {
  static const wv_filetype types[] = {
      [DIRECTORY] = WV_FILETYPE_DIRECTORY,
      [REGULAR] = WV_FILETYPE_REGULAR_FILE,
      [SYMLINK] = WV_FILETYPE_SYMBOLIC_LINK,
      [FIFO] = WV_FILETYPE_SOCKET_STREAM,
  };

  memset(stat, 0, sizeof(*stat));
  stat->dev = 7;
  stat->ino = (uint64_t)node + 1;
  stat->mtim = tree->nodes[node].touched;
  stat->filetype = types[tree->nodes[node].type];
  stat->is_pipe = tree->nodes[node].type == FIFO;
}

/* The other thread of the guest, which renames. */

static struct entry *take_entry(void) {
  struct entry *found = &paths.tree.entries[take_u8() % 32];

  return found->dir >= 0 && paths.tree.nodes[found->dir].inside ? found : NULL;
}

static void exchange(struct entry *one, struct entry *other) {
  struct tree *tree = &paths.tree;
  const int16_t first = one->node;

  if (tree_is_above(tree, first, other->dir) ||
      tree_is_above(tree, other->node, one->dir))
    return;
  one->node = other->node;
  other->node = first;
  if (tree->nodes[one->node].type == DIRECTORY)
    tree->nodes[one->node].parent = one->dir;
  if (tree->nodes[first].type == DIRECTORY)
    tree->nodes[first].parent = other->dir;
}

/* Gives the name to another object. */
static void replace(const struct entry *one, node_type type) {
  static const char *const targets[] = {
      "..", "../..", "../../out", "../out/b", "/out", "a", ".", "/a/b/"};
  const char *name = paths.tree.pool + one->name;
  const int dir = one->dir;

  paths.tree.entries[one - paths.tree.entries].dir = -1;
  tree_add(&paths.tree, dir, name, type,
           type == SYMLINK ? targets[take_u8() % 8] : NULL);
}

/* Runs between two system calls. True: the next one fails. */
static bool race(void) {
  const uint8_t what = paths.races ? take_u8() : 0;
  struct entry *one = what < 16 ? NULL : take_entry();
  struct entry *other = what < 16 || what >= 128 ? NULL : take_entry();

  if (what < 8) return false;
  if (what < 16) {
    errno = take_u8() % 132;
    if (errno == 0 || errno == EINTR) errno = EIO;
    return true;
  }
  if (one != NULL && other != NULL) exchange(one, other);
  if (one != NULL && what >= 128)
    replace(one, what < 200 ? SYMLINK : what < 224 ? DIRECTORY : REGULAR);
  return false;
}

static int result_of(int error) {
  errno = error;
  return error == 0 ? 0 : -1;
}

static int directory_of(int host_fd) {
  const int dir = handle_of(host_fd)->node;

  CHECK(paths.tree.nodes[dir].type == DIRECTORY);
  CHECK(paths.tree.nodes[dir].inside);
  return dir;
}

/* Finds the directory of a call with a name. -1: the call fails. */
static int begin_call(int host_fd, const char *name) {
  const int dir = directory_of(host_fd);

  CHECK(*name != 0 && strchr(name, '/') == NULL && strcmp(name, "..") != 0);
  return race() ? -1 : dir;
}

/* O_NONBLOCK: ENXIO for a FIFO without a reader. */
static int open_node(int node, int flags) {
  const int access = flags & (WV_SYS_OPEN_READ | WV_SYS_OPEN_WRITE);

  CHECK(paths.tree.nodes[node].inside);
  if (paths.tree.nodes[node].type == FIFO && access == WV_SYS_OPEN_WRITE &&
      paths.looks != 0) {
    if (paths.looks > 0) paths.looks--;
    return result_of(ENXIO);
  }
  return take_handle(node, flags);
}

int wv_sys_open_at(int host_fd, const char *name, int flags) {
  const int dir = begin_call(host_fd, name);
  int node, error;

  if (dir < 0) return -1;
  if (flags & WV_SYS_OPEN_HANDLE) CHECK(flags & WV_SYS_OPEN_DIRECTORY);
  error = tree_open(&paths.tree, dir, name, false, flags, &node);
  return error != 0 ? result_of(error) : open_node(node, flags);
}

int wv_sys_open_beneath(int host_fd, const char *path, int flags) {
  const int dir = directory_of(host_fd);
  const bool exclusive = (flags & WV_SYS_OPEN_EXCLUSIVE) != 0;
  struct place place;
  int node, error;

  if (!paths.has_openat2) return result_of(ENOSYS);
  if (paths.hesitant) {
    const uint8_t why = take_u8() % 4;

    if (why > 1) return result_of(why == 2 ? EAGAIN : EXDEV);
  }
  if (race()) return -1;
  error = strlen(path) >= 4096 ? ENAMETOOLONG : *path == 0 ? ENOENT : 0;
  if (*path == '/') error = EXDEV;
  if (error == 0)
    error = tree_resolve(
        &paths.tree, dir, path,
        (flags & WV_SYS_OPEN_FOLLOW && !exclusive ? RESOLVE_FOLLOW : 0) |
            (flags & WV_SYS_OPEN_CREATE ? RESOLVE_CREATE : 0),
        NULL, &place);
  if (error == 0)
    error = tree_open(&paths.tree, place.dir, place.name, place.slash, flags,
                      &node);
  return error != 0 ? result_of(error) : open_node(node, flags);
}

int wv_sys_stat_at(int host_fd, const char *name, wv_sys_stat *stat) {
  const int dir = begin_call(host_fd, name);
  int node, error;

  if (dir < 0) return -1;
  error = tree_lookup(&paths.tree, dir, name, &node);
  if (error == 0) stat_node(&paths.tree, node, stat);
  return result_of(error);
}

ssize_t wv_sys_readlink_at(int host_fd, const char *name, char *buf,
                           size_t size) {
  const int dir = begin_call(host_fd, name);
  const char *target;
  size_t len;
  int node, error;

  if (dir < 0) return -1;
  error = tree_lookup(&paths.tree, dir, name, &node);
  if (error == 0 && paths.tree.nodes[node].type != SYMLINK) error = EINVAL;
  if (error != 0) return result_of(error);
  target = tree_target(&paths.tree, node);
  len = strlen(target) < size ? strlen(target) : size;
  memcpy(buf, target, len);
  return (ssize_t)len;
}

int wv_sys_mkdir_at(int host_fd, const char *name) {
  const int dir = begin_call(host_fd, name);

  return dir < 0 ? -1 : result_of(tree_mkdir(&paths.tree, dir, name));
}

int wv_sys_rmdir_at(int host_fd, const char *name) {
  const int dir = begin_call(host_fd, name);

  return dir < 0 ? -1 : result_of(tree_rmdir(&paths.tree, dir, name));
}

int wv_sys_unlink_at(int host_fd, const char *name) {
  const int dir = begin_call(host_fd, name);

  return dir < 0 ? -1 : result_of(tree_unlink(&paths.tree, dir, name));
}

int wv_sys_rename_at(int from_fd, const char *from, int to_fd, const char *to) {
  const int from_dir = begin_call(from_fd, from);
  const int to_dir = from_dir < 0 ? -1 : begin_call(to_fd, to);

  return to_dir < 0
             ? -1
             : result_of(tree_rename(&paths.tree, from_dir, from, to_dir, to));
}

int wv_sys_link_at(int from_fd, const char *from, int to_fd, const char *to) {
  const int from_dir = begin_call(from_fd, from);
  const int to_dir = from_dir < 0 ? -1 : begin_call(to_fd, to);

  return to_dir < 0
             ? -1
             : result_of(tree_link(&paths.tree, from_dir, from, to_dir, to));
}

int wv_sys_symlink_at(const char *target, int host_fd, const char *name) {
  const int dir = begin_call(host_fd, name);

  CHECK(*target != 0 && *target != '/');
  return dir < 0 ? -1 : result_of(tree_symlink(&paths.tree, target, dir, name));
}

int wv_sys_set_times_at(int host_fd, const char *name, uint64_t atim,
                        uint64_t mtim) {
  const int dir = begin_call(host_fd, name);

  return dir < 0 ? -1
                 : result_of(tree_touch(&paths.tree, dir, name, atim ^ mtim));
}

static int answer_fstat(int host_fd, wv_sys_stat *stat) {
  const int node = handle_of(host_fd)->node;

  CHECK(paths.tree.nodes[node].inside);
  stat_node(&paths.tree, node, stat);
  return 0;
}

static int answer_close(int host_fd) {
  handle_of(host_fd)->open = false;
  paths.open--;
  errno = EBADF; /* must not be the call's errno */
  return 0;
}

/* A pause before the next try to open a FIFO, never longer than the slice. */
static int answer_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  CHECK(fds == NULL && count == 0 && timeout > 0);
  CHECK(kernel.slice_start >= 0);
  CHECK(timeout <= kernel.slice_start + SLICE - kernel.now);
  kernel.now += timeout;
  return 0;
}

const struct answers path_answers = {
    .poll = answer_poll,
    .fstat = answer_fstat,
    .close = answer_close,
};
