/* The calls on paths, except path_open.
 *
 * The system would follow a link before a trailing slash. So it never gets the
 * slash, and the calls check for a directory. */
#include "path.h"

#include <errno.h>

#include "../calls.h"
#include "../errno_map.h"
#include "filestat.h"

wv_errno wv_path_directory(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry) {
  wv_errno error;

  *entry = wv_guest_get(guest, fd);
  if (*entry == NULL) return WV_EBADF;
  error = wv_fd_learn_kind(*entry);
  if (error != WV_SUCCESS) return error;
  if ((*entry)->kind != WV_KIND_DIRECTORY) return WV_ENOTDIR;
  return ((*entry)->rights & rights) == rights ? WV_SUCCESS : WV_ENOTCAPABLE;
}

/* For a path with a trailing slash. ENOTDIR: not a directory. */
static wv_errno check_directory(const wv_parent *parent) {
  wv_sys_stat stat;
  wv_errno error = wv_result(wv_sys_stat_at(parent->dir, parent->name, &stat));

  if (error != WV_SUCCESS) return error;
  return stat.filetype == WV_FILETYPE_DIRECTORY ? WV_SUCCESS : WV_ENOTDIR;
}

/* A trailing slash after the name of a link to create is always an error. */
static wv_errno refuse_slash(const wv_parent *parent) {
  wv_errno error = check_directory(parent);

  return error == WV_SUCCESS ? WV_EEXIST : error;
}

/* All checks of a call with a single path; finds the place of its last
 * component. */
static wv_errno find(wv_guest *guest, uint32_t fd, uint32_t at, uint32_t len,
                     wv_parent *parent) {
  wv_fd *dir;
  wv_path path;
  wv_errno error = wv_path_directory(guest, fd, 0, &dir);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, at, len)) return WV_EFAULT;
  error = wv_load_path(&guest->memory, at, len, &path);
  if (error != WV_SUCCESS) return error;
  return wv_open_parent(guest, dir, &path, false, parent);
}

wv_errno wv_path_create_directory(wv_guest *guest, uint32_t fd, uint32_t at,
                                  uint32_t len) {
  wv_parent parent;
  wv_errno error = find(guest, fd, at, len, &parent);

  if (error != WV_SUCCESS) return error;
  error = wv_result(wv_sys_mkdir_at(parent.dir, parent.name));
  wv_parent_close(&parent);
  return error;
}

wv_errno wv_path_remove_directory(wv_guest *guest, uint32_t fd, uint32_t at,
                                  uint32_t len) {
  wv_parent parent;
  wv_errno error = find(guest, fd, at, len, &parent);

  if (error != WV_SUCCESS) return error;
  error = wv_result(wv_sys_rmdir_at(parent.dir, parent.name));
  wv_parent_close(&parent);
  return error;
}

static wv_errno unlink_file(const wv_parent *parent) {
  wv_errno error;

  if (!parent->slash)
    return wv_result(wv_sys_unlink_at(parent->dir, parent->name));
  error = check_directory(parent);
  return error == WV_SUCCESS ? WV_EISDIR : error;
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
    error = wv_result(wv_sys_set_times_at(parent.dir, parent.name, atim, mtim));
  wv_parent_close(&parent);
  return error;
}

/* With a trailing slash the link is followed, and its target is no link:
 * EINVAL. */
static wv_errno read_link(wv_guest *guest, const wv_fd *dir,
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

/* readlink(2) rejects an empty buffer, so the text is read into a buffer of our
 * own. */
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

/* The two places of a rename or a link. */
typedef struct places {
  wv_parent from;
  wv_parent to;
} places;

static wv_errno open_both(wv_guest *guest, const wv_fd *from_dir,
                          const wv_path *from, const wv_fd *to_dir,
                          const wv_path *to, places *found) {
  wv_errno error = wv_open_parent(guest, from_dir, from, false, &found->from);

  if (error != WV_SUCCESS) return error;
  error = wv_open_parent(guest, to_dir, to, false, &found->to);
  if (error != WV_SUCCESS) wv_parent_close(&found->from);
  return error;
}

/* All checks of a call with two paths; finds the places of their last
 * components. `flags` are lookupflags: any is EINVAL. */
static wv_errno find_both(wv_guest *guest, uint32_t from_fd, uint32_t flags,
                          uint32_t from, uint32_t from_len, uint32_t to_fd,
                          uint32_t to, uint32_t to_len, places *found) {
  const wv_memory *memory = &guest->memory;
  wv_fd *from_dir;
  wv_fd *to_dir;
  wv_path from_path;
  wv_path to_path;
  wv_errno error;

  if (wv_guest_get(guest, to_fd) == NULL) return WV_EBADF;
  error = wv_path_directory(guest, from_fd, 0, &from_dir);
  if (error == WV_SUCCESS) error = wv_path_directory(guest, to_fd, 0, &to_dir);
  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(memory, from, from_len) ||
      !wv_in_bounds(memory, to, to_len))
    return WV_EFAULT;
  if (flags != 0) return WV_EINVAL;
  error = wv_load_path(memory, from, from_len, &from_path);
  if (error == WV_SUCCESS) error = wv_load_path(memory, to, to_len, &to_path);
  if (error != WV_SUCCESS) return error;
  return open_both(guest, from_dir, &from_path, to_dir, &to_path, found);
}

static void close_both(places *found) {
  wv_parent_close(&found->from);
  wv_parent_close(&found->to);
}

/* A trailing slash on either name requires a directory. */
static wv_errno rename_places(const places *at) {
  wv_errno error = WV_SUCCESS;

  if (at->from.slash || at->to.slash) error = check_directory(&at->from);
  if (error != WV_SUCCESS) return error;
  return wv_result(
      wv_sys_rename_at(at->from.dir, at->from.name, at->to.dir, at->to.name));
}

wv_errno wv_path_rename(wv_guest *guest, uint32_t from_fd, uint32_t from,
                        uint32_t from_len, uint32_t to_fd, uint32_t to,
                        uint32_t to_len) {
  places found;
  wv_errno error =
      find_both(guest, from_fd, 0, from, from_len, to_fd, to, to_len, &found);

  if (error != WV_SUCCESS) return error;
  error = rename_places(&found);
  close_both(&found);
  return error;
}

static wv_errno link_places(const places *at) {
  wv_errno error = WV_SUCCESS;

  if (at->from.slash) error = check_directory(&at->from);
  if (error == WV_SUCCESS && at->to.slash) error = refuse_slash(&at->to);
  if (error != WV_SUCCESS) return error;
  return wv_result(
      wv_sys_link_at(at->from.dir, at->from.name, at->to.dir, at->to.name));
}

/* FOLLOW is EINVAL: linkat(2) cannot follow a link and stay below a directory.
 */
wv_errno wv_path_link(wv_guest *guest, uint32_t from_fd, uint32_t flags,
                      uint32_t from, uint32_t from_len, uint32_t to_fd,
                      uint32_t to, uint32_t to_len) {
  places found;
  wv_errno error = find_both(guest, from_fd, flags, from, from_len, to_fd, to,
                             to_len, &found);

  if (error != WV_SUCCESS) return error;
  error = link_places(&found);
  close_both(&found);
  return error;
}

/* Only the host can make absolute links, which are paths of the guest: see
 * walk.c. */
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
    error = wv_result(wv_sys_symlink_at(target.bytes, parent.dir, parent.name));
  wv_parent_close(&parent);
  return error;
}
