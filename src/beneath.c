/* Resolves a path of the guest below one of its directories. */
#include "beneath.h"

#include <errno.h>

#include "errno_map.h"
#include "walk.h"

/* openat2 of a path with `..` fails after a rename anywhere on the machine. */
#define TRIES 4

static wv_errno load(const wv_memory *memory, uint32_t at, uint32_t len,
                     wv_path *path) {
  if (len == 0) return WV_ENOENT;
  if (len >= sizeof(path->bytes)) return WV_ENAMETOOLONG;
  memcpy(path->bytes, memory->base + at, len);
  path->bytes[len] = 0;
  path->len = len;
  path->slash = false;
  if (strlen(path->bytes) < len) return WV_EINVAL;
  return path->bytes[0] == '/' ? WV_EPERM : WV_SUCCESS;
}

wv_errno wv_load_target(const wv_memory *memory, uint32_t at, uint32_t len,
                        wv_path *target) {
  return load(memory, at, len, target);
}

wv_errno wv_load_path(const wv_memory *memory, uint32_t at, uint32_t len,
                      wv_path *path) {
  wv_errno error = load(memory, at, len, path);

  if (error != WV_SUCCESS) return error;
  while (path->bytes[path->len - 1] == '/') {
    path->slash = true;
    path->bytes[--path->len] = 0;
  }
  return WV_SUCCESS;
}

static size_t last_component(const wv_path *path) {
  size_t at = path->len;

  while (at > 0 && path->bytes[at - 1] != '/') at--;
  return at;
}

/* A single component that stays in the directory. */
static bool is_name(const wv_path *path) {
  return memchr(path->bytes, '/', path->len) == NULL &&
         strcmp(path->bytes, "..") != 0;
}

static wv_errno from_host_fd(int result, int *host_fd) {
  *host_fd = result;
  return result < 0 ? wv_errno_from_host(errno) : WV_SUCCESS;
}

/* True: `*error` and `*host_fd` are the answer. False: the walk must find it.
 *
 * ELOOP is left to the walk: openat2 says it also of a link of /proc to an open
 * file, whose text the walk takes for a path. */
static bool ask_system(const wv_fd *dir, const wv_path *path, int flags,
                       int *host_fd, wv_errno *error) {
  int tries = 0;

  do {
    *error = from_host_fd(wv_sys_open_beneath(dir->host_fd, path->bytes, flags),
                          host_fd);
  } while (*error == WV_EAGAIN && ++tries < TRIES);
  return *error != WV_EAGAIN && *error != WV_EXDEV && *error != WV_ELOOP &&
         *error != WV_ENOSYS;
}

/* Creating a file fails if a slash follows its name. As on Linux it is EISDIR,
 * unless the path before the name fails. */
static wv_errno refuse_to_create(wv_guest *guest, const wv_fd *dir,
                                 const wv_path *path) {
  wv_parent parent;
  wv_errno error = wv_open_parent(guest, dir, path, false, &parent);

  if (error != WV_SUCCESS) return error;
  wv_parent_close(&parent);
  return WV_EISDIR;
}

wv_errno wv_open_beneath(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                         int flags, int *host_fd) {
  wv_errno error;
  wv_walk walk;

  if (path->slash) {
    if (flags & WV_SYS_OPEN_CREATE) return refuse_to_create(guest, dir, path);
    flags |= WV_SYS_OPEN_DIRECTORY | WV_SYS_OPEN_FOLLOW;
  }
  if (is_name(path)) {
    error =
        from_host_fd(wv_sys_open_at(dir->host_fd, path->bytes, flags), host_fd);
    if (!(flags & WV_SYS_OPEN_FOLLOW) ||
        (error != WV_ELOOP && error != WV_ENOTDIR))
      return error;
  }
  if (ask_system(dir, path, flags, host_fd, &error)) return error;

  wv_walk_begin(&walk, guest, dir, path);
  error = wv_walk_open(&walk, flags, host_fd);
  wv_walk_end(&walk);
  return error;
}

/* Opens the directory that the first `len` bytes of the path name. */
static wv_errno open_prefix(wv_guest *guest, const wv_fd *dir,
                            const wv_path *path, size_t len, int *host_fd) {
  wv_path prefix;

  memcpy(prefix.bytes, path->bytes, len);
  prefix.bytes[len] = 0;
  prefix.len = len;
  prefix.slash = false;
  return wv_open_beneath(
      guest, dir, &prefix,
      WV_SYS_OPEN_HANDLE | WV_SYS_OPEN_DIRECTORY | WV_SYS_OPEN_FOLLOW, host_fd);
}

static wv_errno open_direct_parent(wv_guest *guest, const wv_fd *dir,
                                   const wv_path *path, wv_parent *parent) {
  size_t last = last_component(path);
  size_t prefix = last;
  const char *name = path->bytes + last;

  if (strcmp(name, "..") == 0) {
    prefix = path->len;
    name = ".";
  }
  parent->dir = dir->host_fd;
  parent->owned = false;
  parent->slash = path->slash;
  if (prefix > 0) {
    wv_errno error = open_prefix(guest, dir, path, prefix, &parent->dir);

    if (error != WV_SUCCESS) return error;
    parent->owned = true;
  }
  if (strlen(name) >= sizeof(parent->name)) {
    wv_parent_close(parent);
    return WV_ENAMETOOLONG;
  }
  strcpy(parent->name, name);
  return WV_SUCCESS;
}

static wv_errno walk_to_end(wv_guest *guest, const wv_fd *dir,
                            const wv_path *path, wv_parent *parent) {
  wv_walk walk;
  wv_errno error;

  wv_walk_begin(&walk, guest, dir, path);
  error = wv_walk_to_last(&walk);
  if (error == WV_SUCCESS) error = wv_walk_to_end(&walk);
  if (error == WV_SUCCESS) {
    memcpy(parent->name, walk.name, sizeof(parent->name));
    parent->slash = walk.slash;
    parent->dir = wv_walk_take_directory(&walk, &parent->owned);
  } else {
    wv_walk_end(&walk);
  }
  return error;
}

wv_errno wv_open_parent(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                        bool follow, wv_parent *parent) {
  wv_errno error = open_direct_parent(guest, dir, path, parent);
  char first;

  if (error != WV_SUCCESS || !follow) return error;
  if (wv_sys_readlink_at(parent->dir, parent->name, &first, 1) < 0)
    return WV_SUCCESS; /* not a link: the caller finds what is there */
  wv_parent_close(parent);
  return walk_to_end(guest, dir, path, parent);
}

void wv_parent_close(wv_parent *parent) {
  if (parent->owned) wv_sys_close(parent->dir);
  parent->owned = false;
}

/* Opens a handle, so that one system call resolves the path. */
static wv_errno stat_path(wv_guest *guest, const wv_fd *dir,
                          const wv_path *path, bool follow, wv_sys_stat *stat) {
  const int flags = WV_SYS_OPEN_HANDLE | (follow ? WV_SYS_OPEN_FOLLOW : 0);
  wv_parent parent;
  wv_errno error;
  int host_fd;

  if (ask_system(dir, path, flags, &host_fd, &error)) {
    if (error != WV_SUCCESS) return error;
    error = wv_result(wv_sys_fstat(host_fd, stat));
    wv_sys_close(host_fd);
    return error;
  }
  error = follow ? walk_to_end(guest, dir, path, &parent)
                 : open_direct_parent(guest, dir, path, &parent);
  if (error != WV_SUCCESS) return error;
  error = wv_result(wv_sys_stat_at(parent.dir, parent.name, stat));
  if (error == WV_SUCCESS && parent.slash &&
      stat->filetype != WV_FILETYPE_DIRECTORY)
    error = WV_ENOTDIR;
  wv_parent_close(&parent);
  return error;
}

wv_errno wv_stat_beneath(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                         bool follow, wv_sys_stat *stat) {
  wv_errno error;

  follow = follow || path->slash;
  if (!is_name(path)) {
    error = stat_path(guest, dir, path, follow, stat);
  } else if (wv_sys_stat_at(dir->host_fd, path->bytes, stat) < 0) {
    error = wv_errno_from_host(errno);
  } else if (follow && stat->filetype == WV_FILETYPE_SYMBOLIC_LINK) {
    error = stat_path(guest, dir, path, true, stat);
  } else {
    error = WV_SUCCESS;
  }
  if (error == WV_SUCCESS && path->slash &&
      stat->filetype != WV_FILETYPE_DIRECTORY)
    error = WV_ENOTDIR;
  return error;
}
