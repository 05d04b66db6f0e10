/* The effect of a call on a path without races: the checks in their order, then
 * the path resolved as a whole, then the call itself as on Linux. */
#include "paths_oracle.h"

#include <errno.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

struct path {
  int root;
  bool slash;
  char text[PATH_SIZE + 1]; /* without trailing slashes */
};

static const char *skip(const char *text) {
  while (*text == '/' || (*text == '.' && (text[1] == '/' || text[1] == 0)))
    text++;
  return text;
}

/* How many components of `target` belong to `name`; -1 unless it has all of
 * them. */
static int common(const char *target, const char *name, const char **rest) {
  int count = 0;

  *rest = target;
  if (*name != '/' && strcmp(name, ".") != 0) return -1;
  for (name = skip(name); *name != 0; name = skip(name), count++) {
    const size_t len = strcspn(name, "/");

    target = skip(target);
    if (strcspn(target, "/") != len || strncmp(target, name, len) != 0)
      return -1;
    name += len;
    *rest = target += len;
  }
  return count;
}

static int longest_preopen(const char *target, const char **rest) {
  const char *text = target;
  int most = -1, node = -1;

  for (uint32_t fd = 0; fd < guest.fds->size; fd++) {
    const wv_fd *entry = wv_fd_get(guest.fds, fd);
    const char *behind;
    int count;

    if (entry == NULL || entry->preopen == NULL) continue;
    count = common(text, entry->preopen, &behind);
    if (count <= most) continue;
    most = count;
    *rest = behind;
    node = handle_of(entry->host_fd)->node;
  }
  return node;
}

static wv_errno from_host(int error) {
  return error == 0 ? WV_SUCCESS : namesake(error);
}

/* The parts of calls. */

static wv_errno check_directory(const wv_fd *entry, uint64_t rights) {
  if (paths.tree.nodes[handle_of(entry->host_fd)->node].type != DIRECTORY)
    return WV_ENOTDIR;
  return (entry->rights & rights) == rights ? WV_SUCCESS : WV_ENOTCAPABLE;
}

static wv_errno load_text(uint32_t at, uint32_t len, char *text) {
  if (len == 0) return WV_ENOENT;
  if (len >= PATH_SIZE) return WV_ENAMETOOLONG;
  memcpy(text, guest.memory.base + at, len);
  text[len] = 0;
  if (memchr(text, 0, len) != NULL) return WV_EINVAL;
  return *text == '/' ? WV_EPERM : WV_SUCCESS;
}

static wv_errno load_path(uint32_t fd, uint32_t at, uint32_t len,
                          struct path *path) {
  wv_errno error = load_text(at, len, path->text);
  size_t end = len;

  if (error != WV_SUCCESS) return error;
  path->root = handle_of(wv_fd_get(guest.fds, fd)->host_fd)->node;
  while (path->text[end - 1] == '/') end--;
  path->slash = end < len;
  path->text[end] = 0;
  return WV_SUCCESS;
}

/* The place of the last component, which is not followed. */
static int parent_of(const struct tree *tree, const struct path *path,
                     struct place *found) {
  int error = tree_resolve(tree, path->root, path->text, RESOLVE_GUEST,
                           longest_preopen, found);

  found->slash = path->slash;
  return error;
}

/* The place of the last component, or of its link's target. */
static int end_of(const struct tree *tree, const struct path *path, bool follow,
                  struct place *found) {
  char text[PATH_SIZE + 1];

  strcpy(text, path->text);
  if (path->slash) strcat(text, "/");
  return tree_resolve(tree, path->root, text,
                      RESOLVE_GUEST | (follow ? RESOLVE_FOLLOW : 0),
                      longest_preopen, found);
}

static int directory_at(const struct tree *tree, const struct place *at) {
  int node;
  int error = tree_lookup(tree, at->dir, at->name, &node);

  if (error != 0) return error;
  return tree->nodes[node].type == DIRECTORY ? 0 : ENOTDIR;
}

/* The object at a path; a trailing slash requires a directory. */
static int object_at(const struct tree *tree, const struct path *path,
                     bool follow, struct place *at, int *node) {
  int error = end_of(tree, path, follow, at);

  if (error == 0) error = tree_lookup(tree, at->dir, at->name, node);
  if (error == 0 && at->slash) error = directory_at(tree, at);
  return error;
}

/* The calls, after the checks. */

static void store_stat(uint8_t *to, const struct tree *tree, int node) {
  wv_sys_stat stat;

  stat_node(tree, node, &stat);
  memset(to, 0, 64);
  to[0] = (uint8_t)stat.dev;
  wv_store_u64(to + 8, stat.ino);
  to[16] = (uint8_t)stat.filetype;
  wv_store_u64(to + 48, stat.mtim);
}

static int read_link(const path_call *call, const struct tree *tree,
                     const struct path *path) {
  struct place at;
  int node;
  int error = object_at(tree, path, false, &at, &node);
  const char *target;
  uint32_t len;

  if (error == 0 && tree->nodes[node].type != SYMLINK) error = EINVAL;
  if (error != 0) return error;
  target = tree_target(tree, node);
  len = (uint32_t)strlen(target);
  if (len > call->buf_len) len = call->buf_len;
  memcpy(shadow + call->buf, target, len);
  wv_store_u32(shadow + call->result, len);
  return 0;
}

static int touch(const path_call *call, struct tree *tree,
                 const struct path *path) {
  struct place at;
  int error = end_of(tree, path, call->flags != 0, &at);
  const uint64_t omit = WV_SYS_TIME_OMIT, now = WV_SYS_TIME_NOW;
  const uint32_t set = call->fstflags;

  if (error == 0 && at.slash) error = directory_at(tree, &at);
  if (error != 0) return error;
  return tree_touch(tree, at.dir, at.name,
                    (set & 1   ? call->rights
                     : set & 2 ? now
                               : omit) ^
                        (set & 4   ? call->inheriting
                         : set & 8 ? now
                                   : omit));
}

static int unlink_file(struct tree *tree, const struct place *at) {
  int error = at->slash ? directory_at(tree, at) : 0;

  if (at->slash) return error == 0 ? EISDIR : error;
  return tree_unlink(tree, at->dir, at->name);
}

static wv_errno one_path(const path_call *call, struct tree *tree,
                         const struct path *path) {
  struct place at;
  int node;
  int error;

  switch (call->op) {
    case WV_OP_PATH_FILESTAT_GET:
      error = object_at(tree, path, call->flags != 0, &at, &node);
      if (error == 0) store_stat(shadow + call->result, tree, node);
      return from_host(error);
    case WV_OP_PATH_FILESTAT_SET_TIMES:
      return from_host(touch(call, tree, path));
    case WV_OP_PATH_READLINK:
      return from_host(read_link(call, tree, path));
    default:
      break;
  }
  error = parent_of(tree, path, &at);
  if (error != 0) return from_host(error);
  if (call->op == WV_OP_PATH_CREATE_DIRECTORY)
    return from_host(tree_mkdir(tree, at.dir, at.name));
  if (call->op == WV_OP_PATH_REMOVE_DIRECTORY)
    return from_host(tree_rmdir(tree, at.dir, at.name));
  return from_host(unlink_file(tree, &at));
}

static int two_paths(const path_call *call, struct tree *tree,
                     const struct path *from, const struct path *to) {
  struct place source, target;
  int error = parent_of(tree, from, &source);

  if (error == 0) error = parent_of(tree, to, &target);
  if (error != 0) return error;
  if (call->op == WV_OP_PATH_RENAME) {
    if (source.slash || target.slash) error = directory_at(tree, &source);
    return error != 0 ? error
                      : tree_rename(tree, source.dir, source.name, target.dir,
                                    target.name);
  }
  if (source.slash) error = directory_at(tree, &source);
  if (error != 0) return error;
  if (target.slash) {
    error = directory_at(tree, &target);
    return error == 0 ? EEXIST : error;
  }
  return tree_link(tree, source.dir, source.name, target.dir, target.name);
}

static int make_link(struct tree *tree, const struct path *path,
                     const char *target) {
  struct place at;
  int error = parent_of(tree, path, &at);

  if (error != 0) return error;
  if (!at.slash) return tree_symlink(tree, target, at.dir, at.name);
  error = directory_at(tree, &at);
  return error == 0 ? EEXIST : error;
}

static int access_of(uint64_t rights) {
  const uint64_t read = WV_RIGHTS_FD_READ | WV_RIGHTS_FD_READDIR;
  const uint64_t write = WV_RIGHTS_FD_WRITE | WV_RIGHTS_FD_DATASYNC |
                         WV_RIGHTS_FD_ALLOCATE | WV_RIGHTS_FD_FILESTAT_SET_SIZE;

  if (!(rights & write)) return WV_SYS_OPEN_READ;
  return WV_SYS_OPEN_WRITE | (rights & read ? WV_SYS_OPEN_READ : 0);
}

static int open_path(const path_call *call, struct tree *tree,
                     const struct path *path, struct opened *opened) {
  const bool create = call->oflags & WV_OFLAGS_CREAT;
  const bool exclusive = create && call->oflags & WV_OFLAGS_EXCL;
  int flags = access_of(call->rights);
  struct place at;
  int error;

  opened->access = flags;
  if (create && path->slash) {
    error = parent_of(tree, path, &at);
    return error == 0 ? EISDIR : error;
  }
  if (create) flags |= WV_SYS_OPEN_CREATE;
  if (exclusive) flags |= WV_SYS_OPEN_EXCLUSIVE;
  if (call->oflags & WV_OFLAGS_DIRECTORY) flags |= WV_SYS_OPEN_DIRECTORY;
  if (call->oflags & WV_OFLAGS_TRUNC) flags |= WV_SYS_OPEN_TRUNCATE;
  error = create ? tree_resolve(
                       tree, path->root, path->text,
                       RESOLVE_GUEST | RESOLVE_CREATE |
                           (call->flags && !exclusive ? RESOLVE_FOLLOW : 0),
                       longest_preopen, &at)
                 : end_of(tree, path, call->flags != 0, &at);
  if (error == 0)
    error = tree_open(tree, at.dir, at.name, at.slash, flags, &opened->node);
  if (error == 0)
    opened->pauses = tree->nodes[opened->node].type == FIFO &&
                     opened->access == WV_SYS_OPEN_WRITE;
  return error;
}

/* Everything wrong about the times. */

static bool bad_times(const path_call *call) {
  const uint32_t set = call->fstflags;

  return set > WV_FSTFLAGS_ALL || (set & 3) == 3 || (set & 12) == 12 ||
         (set & 1 && call->rights > INT64_MAX) ||
         (set & 4 && call->inheriting > INT64_MAX);
}

static wv_errno check_values(const path_call *call) {
  const uint32_t both = WV_OFLAGS_CREAT | WV_OFLAGS_DIRECTORY;

  switch (call->op) {
    case WV_OP_PATH_LINK:
      return call->flags != 0 ? WV_EINVAL : WV_SUCCESS;
    case WV_OP_PATH_FILESTAT_SET_TIMES:
      return call->flags > 1 || bad_times(call) ? WV_EINVAL : WV_SUCCESS;
    case WV_OP_PATH_FILESTAT_GET:
      return call->flags > 1 ? WV_EINVAL : WV_SUCCESS;
    case WV_OP_PATH_OPEN:
      return call->flags > 1 || call->oflags > WV_OFLAGS_ALL ||
                     call->fdflags > WV_FDFLAGS_ALL ||
                     (call->oflags & both) == both
                 ? WV_EINVAL
                 : WV_SUCCESS;
    default:
      return WV_SUCCESS;
  }
}

static bool has_two(const path_call *call) {
  return call->op == WV_OP_PATH_LINK || call->op == WV_OP_PATH_RENAME;
}

static wv_errno check_fds(const path_call *call) {
  const wv_fd *dir = wv_fd_get(guest.fds, call->fd);
  const wv_fd *other = wv_fd_get(guest.fds, call->to_fd);
  const bool open = call->op == WV_OP_PATH_OPEN;
  wv_errno error;

  if (dir == NULL || (has_two(call) && other == NULL)) return WV_EBADF;
  error = check_directory(dir, open && call->oflags & WV_OFLAGS_TRUNC
                                   ? WV_RIGHTS_PATH_FILESTAT_SET_SIZE
                                   : 0);
  if (error == WV_SUCCESS && has_two(call)) error = check_directory(other, 0);
  if (error == WV_SUCCESS && open &&
      call->rights & ~dir->inheriting &
          (WV_RIGHTS_FD_READ | WV_RIGHTS_FD_WRITE))
    error = WV_ENOTCAPABLE;
  return error;
}

static bool check_pointers(const path_call *call) {
  if (!in_memory(call->at, call->len)) return false;
  switch (call->op) {
    case WV_OP_PATH_FILESTAT_GET:
      return in_memory(call->result, 64);
    case WV_OP_PATH_OPEN:
      return in_memory(call->result, 4);
    case WV_OP_PATH_READLINK:
      return in_memory(call->result, 4) && in_memory(call->buf, call->buf_len);
    case WV_OP_PATH_LINK:
    case WV_OP_PATH_RENAME:
    case WV_OP_PATH_SYMLINK:
      return in_memory(call->to, call->to_len);
    default:
      return true;
  }
}

static wv_errno expect_open(const path_call *call, struct tree *tree,
                            const struct path *path, struct opened *opened) {
  uint32_t fd = 0;
  wv_errno error;

  if (guest.fds->count >= guest.fds->limit) return WV_EMFILE;
  error = from_host(open_path(call, tree, path, opened));
  if (error != WV_SUCCESS) return error;
  while (wv_fd_get(guest.fds, fd) != NULL) fd++;
  opened->fd = fd;
  return WV_SUCCESS;
}

wv_errno expect_path_call(const path_call *call, struct tree *tree,
                          struct opened *opened) {
  static struct path one, other;
  char target[PATH_SIZE + 1];
  wv_errno error = check_fds(call);

  memset(opened, 0, sizeof(*opened));
  if (error != WV_SUCCESS) return error;
  if (!check_pointers(call)) return WV_EFAULT;
  error = check_values(call);
  if (error == WV_SUCCESS && call->op == WV_OP_PATH_SYMLINK)
    error = load_text(call->to, call->to_len, target);
  if (error == WV_SUCCESS)
    error = load_path(call->fd, call->at, call->len, &one);
  if (error == WV_SUCCESS && has_two(call))
    error = load_path(call->to_fd, call->to, call->to_len, &other);
  if (error != WV_SUCCESS) return error;
  if (has_two(call)) return from_host(two_paths(call, tree, &one, &other));
  if (call->op == WV_OP_PATH_SYMLINK)
    return from_host(make_link(tree, &one, target));
  if (call->op == WV_OP_PATH_OPEN) return expect_open(call, tree, &one, opened);
  return one_path(call, tree, &one);
}
