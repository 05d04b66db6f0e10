/* The calls about a path, but for path_open.
 *
 * A slash behind a path never goes to the system, which would follow a link
 * there: the calls look for themselves whether it is a directory. */
#include "path.h"

#include <errno.h>

#include "../calls.h"
#include "../errno_map.h"
#include "filestat.h"

wv_errno wv_path_directory(const wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry) {
  wv_errno error;

  *entry = wv_fd_get(&guest->fds, fd);
  if (*entry == NULL) return WV_EBADF;
  error = wv_fd_learn_kind(*entry);
  if (error != WV_SUCCESS) return error;
  if ((*entry)->kind != WV_KIND_DIRECTORY) return WV_ENOTDIR;
  return ((*entry)->rights & rights) == rights ? WV_SUCCESS : WV_ENOTCAPABLE;
}

static wv_errno result_of(int result) {
  return result < 0 ? wv_errno_from_host(errno) : WV_SUCCESS;
}

static wv_errno stat_name(const wv_parent *parent, wv_sys_stat *stat) {
  return result_of(wv_sys_stat_at(parent->dir, parent->name, stat));
}

/* For a path that had a slash: ENOTDIR unless it is a directory. */
static wv_errno check_directory(const wv_parent *parent) {
  wv_sys_stat stat;
  wv_errno error = stat_name(parent, &stat);

  if (error != WV_SUCCESS) return error;
  return stat.filetype == WV_FILETYPE_DIRECTORY ? WV_SUCCESS : WV_ENOTDIR;
}

/* The same for the path of what is to be created, and is no directory: always
 * an error. */
static wv_errno refuse_slash(const wv_parent *parent) {
  wv_errno error = check_directory(parent);

  return error == WV_SUCCESS ? WV_EEXIST : error;
}

/* The checks that the calls with one path share, up to the first system call.
 */
static wv_errno load(wv_guest *guest, uint32_t fd, uint32_t at, uint32_t len,
                     wv_fd **dir, wv_path *path) {
  wv_errno error = wv_path_directory(guest, fd, 0, dir);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, at, len)) return WV_EFAULT;
  return wv_load_path(&guest->memory, at, len, path);
}

/* The same for those without another value, and where the last component is. */
static wv_errno find(wv_guest *guest, uint32_t fd, uint32_t at, uint32_t len,
                     wv_parent *parent) {
  wv_fd *dir;
  wv_path path;
  wv_errno error = load(guest, fd, at, len, &dir, &path);

  if (error != WV_SUCCESS) return error;
  return wv_open_parent(guest, dir, &path, false, parent);
}

wv_errno wv_path_create_directory(wv_guest *guest, uint32_t fd, uint32_t at,
                                  uint32_t len) {
  wv_parent parent;
  wv_errno error = find(guest, fd, at, len, &parent);

  if (error != WV_SUCCESS) return error;
  error = result_of(wv_sys_mkdir_at(parent.dir, parent.name));
  wv_parent_close(&parent);
  return error;
}

wv_errno wv_path_remove_directory(wv_guest *guest, uint32_t fd, uint32_t at,
                                  uint32_t len) {
  wv_parent parent;
  wv_errno error = find(guest, fd, at, len, &parent);

  if (error != WV_SUCCESS) return error;
  error = result_of(wv_sys_rmdir_at(parent.dir, parent.name));
  wv_parent_close(&parent);
  return error;
}

/* Some systems let a superuser unlink a directory, others say EPERM of it. */
static wv_errno unlink_file(const wv_parent *parent) {
  wv_errno error = WV_SUCCESS;
  wv_sys_stat stat;

  if (parent->slash) error = check_directory(parent);
  if (error != WV_SUCCESS) return error;
  if (parent->slash) return WV_EISDIR;
#ifndef __linux__
  if (stat_name(parent, &stat) == WV_SUCCESS &&
      stat.filetype == WV_FILETYPE_DIRECTORY)
    return WV_EISDIR;
#endif
  (void)stat;
  return result_of(wv_sys_unlink_at(parent->dir, parent->name));
}

wv_errno wv_path_unlink_file(wv_guest *guest, uint32_t fd, uint32_t at,
                             uint32_t len) {
  wv_parent parent;
  wv_errno error = find(guest, fd, at, len, &parent);

  if (error != WV_SUCCESS) return error;
  error = unlink_file(&parent);
  wv_parent_close(&parent);
  return error;
}

wv_errno wv_path_filestat_get(wv_guest *guest, uint32_t fd, uint32_t flags,
                              uint32_t at, uint32_t len, uint32_t result) {
  wv_fd *dir;
  wv_path path;
  wv_sys_stat stat;
  wv_errno error = wv_path_directory(guest, fd, 0, &dir);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, at, len) ||
      !wv_in_bounds(&guest->memory, result, WV_FILESTAT_SIZE))
    return WV_EFAULT;
  if (flags & ~(uint32_t)WV_LOOKUP_SYMLINK_FOLLOW) return WV_EINVAL;
  error = wv_load_path(&guest->memory, at, len, &path);
  if (error == WV_SUCCESS)
    error = wv_stat_beneath(guest, dir, &path, flags != 0, &stat);
  if (error == WV_SUCCESS)
    wv_store_filestat(guest->memory.base + result, &stat);
  return error;
}

wv_errno wv_path_filestat_set_times(wv_guest *guest, uint32_t fd,
                                    uint32_t flags, uint32_t at, uint32_t len,
                                    uint64_t atim, uint64_t mtim,
                                    uint32_t fstflags) {
  wv_fd *dir;
  wv_path path;
  wv_parent parent;
  wv_errno error = wv_path_directory(guest, fd, 0, &dir);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, at, len)) return WV_EFAULT;
  if (flags & ~(uint32_t)WV_LOOKUP_SYMLINK_FOLLOW) return WV_EINVAL;
  error = wv_check_times(atim, mtim, fstflags, &atim, &mtim);
  if (error == WV_SUCCESS) error = wv_load_path(&guest->memory, at, len, &path);
  if (error == WV_SUCCESS)
    error =
        wv_open_parent(guest, dir, &path, flags != 0 || path.slash, &parent);
  if (error != WV_SUCCESS) return error;
  if (parent.slash) error = check_directory(&parent);
  if (error == WV_SUCCESS)
    error = result_of(wv_sys_set_times_at(parent.dir, parent.name, atim, mtim));
  wv_parent_close(&parent);
  return error;
}

/* A link behind which a slash stands is followed: what is there is no link. */
static wv_errno read_link(const wv_guest *guest, const wv_fd *dir,
                          const wv_path *path, char *text, size_t size,
                          size_t *len) {
  wv_parent parent;
  wv_sys_stat stat;
  wv_errno error;
  ssize_t n;

  if (path->slash) {
    error = wv_stat_beneath(guest, dir, path, true, &stat);
    return error == WV_SUCCESS ? WV_EINVAL : error;
  }
  error = wv_open_parent(guest, dir, path, false, &parent);
  if (error != WV_SUCCESS) return error;
  n = wv_sys_readlink_at(parent.dir, parent.name, text, size);
  if (n < 0) error = wv_errno_from_host(errno);
  *len = (size_t)n;
  wv_parent_close(&parent);
  return error;
}

/* The system has no truncation to nothing, so that the text comes by a buffer
 * of ours. */
wv_errno wv_path_readlink(wv_guest *guest, uint32_t fd, uint32_t at,
                          uint32_t len, uint32_t buf, uint32_t buf_len,
                          uint32_t result) {
  const wv_memory *memory = &guest->memory;
  char text[WV_PATH_SIZE];
  size_t text_len = 0;
  wv_fd *dir;
  wv_path path;
  wv_errno error = wv_path_directory(guest, fd, 0, &dir);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(memory, at, len) || !wv_in_bounds(memory, buf, buf_len) ||
      !wv_in_bounds(memory, result, sizeof(uint32_t)))
    return WV_EFAULT;
  error = wv_load_path(memory, at, len, &path);
  if (error == WV_SUCCESS)
    error = read_link(guest, dir, &path, text, sizeof(text), &text_len);
  if (error != WV_SUCCESS) return error;
  if (text_len > buf_len) text_len = buf_len;
  memcpy(memory->base + buf, text, text_len);
  wv_store_u32(memory->base + result, (uint32_t)text_len);
  return WV_SUCCESS;
}

/* What calls with two paths are about. */
typedef struct pair {
  wv_fd *from_dir;
  wv_fd *to_dir;
  wv_path from_path;
  wv_path to_path;
  wv_parent from;
  wv_parent to;
} pair;

static wv_errno get_directories(const wv_guest *guest, uint32_t from_fd,
                                uint32_t to_fd, pair *pair) {
  wv_errno error;

  if (wv_fd_get(&guest->fds, to_fd) == NULL) {
    return WV_EBADF;
  }
  error = wv_path_directory(guest, from_fd, 0, &pair->from_dir);
  if (error != WV_SUCCESS) return error;
  return wv_path_directory(guest, to_fd, 0, &pair->to_dir);
}

static wv_errno load_pair(const wv_guest *guest, uint32_t from,
                          uint32_t from_len, uint32_t to, uint32_t to_len,
                          pair *pair) {
  wv_errno error =
      wv_load_path(&guest->memory, from, from_len, &pair->from_path);

  if (error != WV_SUCCESS) return error;
  return wv_load_path(&guest->memory, to, to_len, &pair->to_path);
}

static wv_errno open_parents(const wv_guest *guest, pair *pair) {
  wv_errno error = wv_open_parent(guest, pair->from_dir, &pair->from_path,
                                  false, &pair->from);

  if (error != WV_SUCCESS) return error;
  error = wv_open_parent(guest, pair->to_dir, &pair->to_path, false, &pair->to);
  if (error != WV_SUCCESS) wv_parent_close(&pair->from);
  return error;
}

static void close_parents(pair *pair) {
  wv_parent_close(&pair->from);
  wv_parent_close(&pair->to);
}

/* A slash behind either name says that a directory is renamed. */
static wv_errno rename_pair(const pair *pair) {
  wv_errno error = WV_SUCCESS;

  if (pair->from.slash || pair->to.slash) error = check_directory(&pair->from);
  if (error != WV_SUCCESS) return error;
  return result_of(wv_sys_rename_at(pair->from.dir, pair->from.name,
                                    pair->to.dir, pair->to.name));
}

wv_errno wv_path_rename(wv_guest *guest, uint32_t from_fd, uint32_t from,
                        uint32_t from_len, uint32_t to_fd, uint32_t to,
                        uint32_t to_len) {
  pair pair;
  wv_errno error = get_directories(guest, from_fd, to_fd, &pair);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, from, from_len) ||
      !wv_in_bounds(&guest->memory, to, to_len))
    return WV_EFAULT;
  error = load_pair(guest, from, from_len, to, to_len, &pair);
  if (error == WV_SUCCESS) error = open_parents(guest, &pair);
  if (error != WV_SUCCESS) return error;
  error = rename_pair(&pair);
  close_parents(&pair);
  return error;
}

static wv_errno link_pair(const pair *pair) {
  wv_errno error = WV_SUCCESS;

  if (pair->from.slash) error = check_directory(&pair->from);
  if (error == WV_SUCCESS && pair->to.slash) error = refuse_slash(&pair->to);
  if (error != WV_SUCCESS) return error;
  return result_of(wv_sys_link_at(pair->from.dir, pair->from.name, pair->to.dir,
                                  pair->to.name));
}

/* The link that is followed may change between two system calls, and linkat(2)
 * has no way to be held below a directory: FOLLOW is EINVAL. */
wv_errno wv_path_link(wv_guest *guest, uint32_t from_fd, uint32_t flags,
                      uint32_t from, uint32_t from_len, uint32_t to_fd,
                      uint32_t to, uint32_t to_len) {
  pair pair;
  wv_errno error = get_directories(guest, from_fd, to_fd, &pair);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, from, from_len) ||
      !wv_in_bounds(&guest->memory, to, to_len))
    return WV_EFAULT;
  if (flags != 0) return WV_EINVAL;
  error = load_pair(guest, from, from_len, to, to_len, &pair);
  if (error == WV_SUCCESS) error = open_parents(guest, &pair);
  if (error != WV_SUCCESS) return error;
  error = link_pair(&pair);
  close_parents(&pair);
  return error;
}

/* Absolute targets are the host's to make: see wv_walk. */
wv_errno wv_path_symlink(wv_guest *guest, uint32_t from, uint32_t from_len,
                         uint32_t fd, uint32_t to, uint32_t to_len) {
  wv_fd *dir;
  wv_path target;
  wv_path path;
  wv_parent parent;
  wv_errno error = wv_path_directory(guest, fd, 0, &dir);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, from, from_len) ||
      !wv_in_bounds(&guest->memory, to, to_len))
    return WV_EFAULT;
  error = wv_load_target(&guest->memory, from, from_len, &target);
  if (error == WV_SUCCESS)
    error = wv_load_path(&guest->memory, to, to_len, &path);
  if (error == WV_SUCCESS)
    error = wv_open_parent(guest, dir, &path, false, &parent);
  if (error != WV_SUCCESS) return error;
  if (parent.slash) error = refuse_slash(&parent);
  if (error == WV_SUCCESS)
    error = result_of(wv_sys_symlink_at(target.bytes, parent.dir, parent.name));
  wv_parent_close(&parent);
  return error;
}
