/* The calls on a descriptor, except those that read or write. */
#include <errno.h>

#include "../calls.h"
#include "../errno_map.h"
#include "../flush.h"
#include "../sys.h"
#include "filestat.h"

/* The rights that node:wasi shows. */
#define RIGHTS_OF_STREAM                                                    \
  (WV_RIGHTS_FD_READ | WV_RIGHTS_FD_FDSTAT_SET_FLAGS | WV_RIGHTS_FD_WRITE | \
   WV_RIGHTS_FD_FILESTAT_GET | WV_RIGHTS_POLL_FD_READWRITE)
#define RIGHTS_OF_FILE                                            \
  (RIGHTS_OF_STREAM | WV_RIGHTS_FD_DATASYNC | WV_RIGHTS_FD_SEEK | \
   WV_RIGHTS_FD_SYNC | WV_RIGHTS_FD_TELL | WV_RIGHTS_FD_ADVISE |  \
   WV_RIGHTS_FD_ALLOCATE | WV_RIGHTS_FD_FILESTAT_SET_SIZE |       \
   WV_RIGHTS_FD_FILESTAT_SET_TIMES)
#define RIGHTS_OF_SOCKET \
  (RIGHTS_OF_STREAM | WV_RIGHTS_SOCK_SHUTDOWN | WV_RIGHTS_SOCK_ACCEPT)
#define RIGHTS_OF_DIRECTORY                                                  \
  (WV_RIGHTS_FD_FDSTAT_SET_FLAGS | WV_RIGHTS_FD_SYNC | WV_RIGHTS_FD_ADVISE | \
   WV_RIGHTS_PATH_CREATE_DIRECTORY | WV_RIGHTS_PATH_CREATE_FILE |            \
   WV_RIGHTS_PATH_LINK_SOURCE | WV_RIGHTS_PATH_LINK_TARGET |                 \
   WV_RIGHTS_PATH_OPEN | WV_RIGHTS_FD_READDIR | WV_RIGHTS_PATH_READLINK |    \
   WV_RIGHTS_PATH_RENAME_SOURCE | WV_RIGHTS_PATH_RENAME_TARGET |             \
   WV_RIGHTS_PATH_FILESTAT_GET | WV_RIGHTS_PATH_FILESTAT_SET_SIZE |          \
   WV_RIGHTS_PATH_FILESTAT_SET_TIMES | WV_RIGHTS_FD_FILESTAT_GET |           \
   WV_RIGHTS_FD_FILESTAT_SET_TIMES | WV_RIGHTS_PATH_SYMLINK |                \
   WV_RIGHTS_PATH_REMOVE_DIRECTORY | WV_RIGHTS_PATH_UNLINK_FILE |            \
   WV_RIGHTS_POLL_FD_READWRITE)

/* The rights that an entry of this kind can have. */
static uint64_t rights_of(const wv_fd *entry) {
  switch ((wv_kind)entry->kind) {
    case WV_KIND_FILE:
    case WV_KIND_DEVICE:
      return RIGHTS_OF_FILE;
    case WV_KIND_DIRECTORY:
      return RIGHTS_OF_DIRECTORY;
    case WV_KIND_SOCKET:
      return RIGHTS_OF_SOCKET;
    default:
      return RIGHTS_OF_STREAM;
  }
}

/* Looks up the entry and its kind. */
static wv_errno known(wv_guest *guest, uint32_t fd, wv_fd **entry) {
  wv_errno error = wv_guest_fd(guest, fd, 0, entry);

  return error == WV_SUCCESS ? wv_fd_learn_kind(*entry) : error;
}

wv_errno wv_fd_advise(wv_guest *guest, uint32_t fd, uint64_t offset,
                      uint64_t len, uint32_t advice) {
  const uint32_t last = 5; /* noreuse */
  wv_fd *entry;
  wv_errno error = known(guest, fd, &entry);

  if (error != WV_SUCCESS) return error;
  if (entry->kind == WV_KIND_DIRECTORY) return WV_EBADF;
  if (!wv_fd_can_seek(entry)) return WV_ESPIPE;
  if (advice > last || offset > INT64_MAX || len > INT64_MAX) return WV_EINVAL;
  return wv_result(wv_sys_advise(entry->host_fd, offset, len, (uint8_t)advice));
}

wv_errno wv_fd_allocate(wv_guest *guest, uint32_t fd, uint64_t offset,
                        uint64_t len) {
  wv_fd *entry;
  wv_errno error = known(guest, fd, &entry);

  if (error != WV_SUCCESS) return error;
  if (!wv_fd_can_seek(entry)) return WV_ESPIPE;
  if (offset > INT64_MAX || len > INT64_MAX) return WV_EINVAL;
  return wv_result(wv_sys_allocate(entry->host_fd, offset, len));
}

/* Reports a failed flush once: the fd is closed all the same, and the bytes
 * stay for a later flush. */
wv_errno wv_fd_close(wv_guest *guest, uint32_t fd) {
  wv_errno flushed = wv_buffer_before(guest, fd);
  wv_errno closed;
  wv_fd *entry;

  if (flushed == WV_RESUME || flushed == WV_DELIVER_BUFFERED) return flushed;
  entry = wv_fd_take(guest->fds, fd);
  closed = entry == NULL ? WV_EBADF : wv_guest_let_go(guest, entry);
  return flushed != WV_SUCCESS ? flushed : closed;
}

wv_errno wv_fd_renumber(wv_guest *guest, uint32_t from, uint32_t to) {
  wv_fd *replaced;
  wv_errno error = wv_fd_table_renumber(guest->fds, from, to, &replaced);

  /* Like dup2(2), ignores an error of this close. */
  if (replaced != NULL) wv_guest_let_go(guest, replaced);
  return error;
}

wv_errno wv_fd_datasync(wv_guest *guest, uint32_t fd) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);

  if (error != WV_SUCCESS || entry->kind == WV_KIND_TARGET) return error;
  return wv_result(wv_sys_datasync(entry->host_fd));
}

wv_errno wv_fd_sync(wv_guest *guest, uint32_t fd) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);

  if (error != WV_SUCCESS || entry->kind == WV_KIND_TARGET) return error;
  return wv_result(wv_sys_sync(entry->host_fd));
}

wv_errno wv_fd_fdstat_get(wv_guest *guest, uint32_t fd, uint32_t result) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);
  uint8_t *at;

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, result, WV_FDSTAT_SIZE)) return WV_EFAULT;
  error = wv_fd_learn_kind(entry);
  if (error != WV_SUCCESS) return error;
  at = guest->memory.base + result;
  memset(at, 0, WV_FDSTAT_SIZE);
  at[0] = entry->filetype;
  wv_store_u16(at + 2, entry->fdflags);
  wv_store_u64(at + 8, entry->rights & rights_of(entry));
  wv_store_u64(at + 16,
               entry->kind == WV_KIND_DIRECTORY
                   ? entry->inheriting & (RIGHTS_OF_DIRECTORY | RIGHTS_OF_FILE)
                   : 0);
  return WV_SUCCESS;
}

/* NONBLOCK stays in the entry: other programs share the description. A flag
 * that cannot be changed may be set to its current value. */
wv_errno wv_fd_fdstat_set_flags(wv_guest *guest, uint32_t fd,
                                uint32_t fdflags) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);
  uint32_t changed;

  if (error != WV_SUCCESS) return error;
  if (fdflags & ~(uint32_t)WV_FDFLAGS_ALL) return WV_EINVAL;
  changed = (fdflags ^ entry->fdflags) & ~(uint32_t)WV_FDFLAGS_NONBLOCK;
  if (changed & ~(uint32_t)WV_FDFLAGS_APPEND) return WV_ENOTSUP;
  if (changed != 0) {
    if (!(entry->flags & WV_FD_OWNED)) return WV_ENOTSUP;
    if (wv_sys_set_append(entry->host_fd, fdflags & WV_FDFLAGS_APPEND) < 0)
      return wv_errno_from_host(errno);
  }
  entry->fdflags = (uint16_t)fdflags;
  return WV_SUCCESS;
}

wv_errno wv_fd_fdstat_set_rights(wv_guest *guest, uint32_t fd, uint64_t rights,
                                 uint64_t inheriting) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);

  if (error != WV_SUCCESS) return error;
  if ((rights & ~entry->rights) != 0 || (inheriting & ~entry->inheriting) != 0)
    return WV_ENOTCAPABLE;
  /* Another thread may have dropped rights since; they must not come back. */
  atomic_fetch_and(&entry->rights, rights);
  atomic_fetch_and(&entry->inheriting, inheriting);
  return WV_SUCCESS;
}

wv_errno wv_fd_filestat_get(wv_guest *guest, uint32_t fd, uint32_t result) {
  wv_sys_stat stat = {.filetype = WV_FILETYPE_SOCKET_STREAM, .nlink = 1};
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, result, WV_FILESTAT_SIZE)) return WV_EFAULT;
  if (entry->kind != WV_KIND_TARGET && wv_sys_fstat(entry->host_fd, &stat) < 0)
    return wv_errno_from_host(errno);
  wv_store_filestat(guest->memory.base + result, &stat);
  return WV_SUCCESS;
}

wv_errno wv_fd_filestat_set_size(wv_guest *guest, uint32_t fd, uint64_t size) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);

  if (error != WV_SUCCESS) return error;
  if (size > INT64_MAX || entry->kind == WV_KIND_TARGET) return WV_EINVAL;
  return wv_result(wv_sys_truncate(entry->host_fd, size));
}

wv_errno wv_fd_filestat_set_times(wv_guest *guest, uint32_t fd, uint64_t atim,
                                  uint64_t mtim, uint32_t fstflags) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);

  if (error != WV_SUCCESS) return error;
  error = wv_check_times(atim, mtim, fstflags, &atim, &mtim);
  if (error != WV_SUCCESS || entry->kind == WV_KIND_TARGET) return error;
  return wv_result(wv_sys_set_times(entry->host_fd, atim, mtim));
}

static wv_errno preopen(wv_guest *guest, uint32_t fd, const char **name) {
  wv_fd *entry;
  wv_errno error = wv_guest_fd(guest, fd, 0, &entry);

  if (error != WV_SUCCESS) return error;
  *name = entry->preopen;
  return *name == NULL ? WV_EBADF : WV_SUCCESS;
}

wv_errno wv_fd_prestat_get(wv_guest *guest, uint32_t fd, uint32_t result) {
  const char *name;
  wv_errno error = preopen(guest, fd, &name);
  uint8_t *at;

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, result, WV_PRESTAT_SIZE)) return WV_EFAULT;
  at = guest->memory.base + result;
  memset(at, 0, WV_PRESTAT_SIZE); /* tag 0: a directory */
  wv_store_u32(at + 4, (uint32_t)strlen(name));
  return WV_SUCCESS;
}

wv_errno wv_fd_prestat_dir_name(wv_guest *guest, uint32_t fd, uint32_t path,
                                uint32_t path_len) {
  const char *name;
  wv_errno error = preopen(guest, fd, &name);
  size_t len;

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, path, path_len)) return WV_EFAULT;
  len = strlen(name);
  if (len > path_len) return WV_ENAMETOOLONG;
  memcpy(guest->memory.base + path, name, len);
  return WV_SUCCESS;
}

/* Needs the kind first: the system lets a directory seek, a guest must not. */
static wv_errno seekable(wv_guest *guest, uint32_t fd, uint64_t rights,
                         wv_fd **entry) {
  wv_errno error = known(guest, fd, entry);

  if (error != WV_SUCCESS) return error;
  if ((*entry)->kind == WV_KIND_DIRECTORY) return WV_EBADF;
  if (!wv_fd_can_seek(*entry)) return WV_ESPIPE;
  return (*entry)->rights & rights ? WV_SUCCESS : WV_ENOTCAPABLE;
}

static wv_errno seek(wv_guest *guest, const wv_fd *entry, int64_t offset,
                     int whence, uint32_t result) {
  int64_t position = wv_sys_seek(entry->host_fd, offset, whence);

  if (position < 0) return wv_errno_from_host(errno);
  wv_store_u64(guest->memory.base + result, (uint64_t)position);
  return WV_SUCCESS;
}

/* Note: a seek by 0 from the current position needs only TELL. */
wv_errno wv_fd_seek(wv_guest *guest, uint32_t fd, uint64_t offset,
                    uint32_t whence, uint32_t result) {
  const bool tells = offset == 0 && whence == WV_WHENCE_CUR;
  wv_fd *entry;
  wv_errno error = seekable(
      guest, fd, WV_RIGHTS_FD_SEEK | (tells ? WV_RIGHTS_FD_TELL : 0), &entry);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, result, sizeof(uint64_t))) return WV_EFAULT;
  if (whence > WV_WHENCE_END) return WV_EINVAL;
  return seek(guest, entry, (int64_t)offset, (int)whence, result);
}

wv_errno wv_fd_tell(wv_guest *guest, uint32_t fd, uint32_t result) {
  wv_fd *entry;
  wv_errno error =
      seekable(guest, fd, WV_RIGHTS_FD_TELL | WV_RIGHTS_FD_SEEK, &entry);

  if (error != WV_SUCCESS) return error;
  if (!wv_in_bounds(&guest->memory, result, sizeof(uint64_t))) return WV_EFAULT;
  return seek(guest, entry, 0, WV_WHENCE_CUR, result);
}
