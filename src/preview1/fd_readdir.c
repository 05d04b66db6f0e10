/* fd_readdir: the entries of a directory, with the system's cookies. */
#include <errno.h>

#include "../calls.h"
#include "../directory.h"
#include "../errno_map.h"

/* A guest must not see the inode of a preopen's parent. */
static void hide_parent(const wv_fd *of, wv_sys_dirent *entry) {
  wv_sys_stat stat;

  if (of->preopen == NULL || entry->name_len != 2 ||
      memcmp(entry->name, "..", 2) != 0)
    return;
  entry->ino = wv_sys_fstat(of->host_fd, &stat) < 0 ? 0 : stat.ino;
}

static void store_header(uint8_t *at, const wv_sys_dirent *entry) {
  wv_store_u64(at, entry->next);
  wv_store_u64(at + 8, entry->ino);
  wv_store_u32(at + 16, entry->name_len);
  wv_store_u32(at + 20, entry->filetype); /* one byte, and padding */
}

/* Copies as much of the entry as fits. Returns the size of all of it. */
static uint64_t store(uint8_t *at, uint64_t room, const wv_sys_dirent *entry) {
  const uint64_t size = WV_DIRENT_SIZE + entry->name_len;
  uint8_t header[WV_DIRENT_SIZE];

  if (size <= room) {
    store_header(at, entry);
    memcpy(at + WV_DIRENT_SIZE, entry->name, entry->name_len);
  } else if (room <= WV_DIRENT_SIZE) {
    store_header(header, entry);
    memcpy(at, header, (size_t)room);
  } else {
    store_header(at, entry);
    memcpy(at + WV_DIRENT_SIZE, entry->name, (size_t)room - WV_DIRENT_SIZE);
  }
  return size;
}

static wv_errno fill(const wv_fd *of, wv_directory *directory, uint8_t *buf,
                     uint64_t len, uint64_t *used) {
  wv_sys_dirent entry;
  uint64_t size;
  int result;

  *used = 0;
  while (*used < len) {
    result = wv_directory_next(directory, &entry);
    /* The guest still has the old cookie, so the next call reads the entries of
     * this one again. */
    if (result < 0) return wv_errno_from_host(errno);
    if (result == 0) break;
    hide_parent(of, &entry);
    size = store(buf + *used, len - *used, &entry);
    directory->has_kept = size > len - *used;
    if (directory->has_kept) {
      directory->kept = entry;
      *used = len;
    } else {
      directory->cookie = entry.next;
      *used += size;
    }
  }
  return WV_SUCCESS;
}

static wv_errno read_entries(const wv_guest *guest, wv_fd *of, uint64_t cookie,
                             uint8_t *buf, uint32_t len, uint64_t *used) {
  wv_errno error;
  wv_directory *directory =
      wv_directory_of(of, guest->fds->mutex != NULL, &error);

  /* ENOENT: the directory was removed. */
  if (directory == NULL) return error == WV_ENOENT ? WV_SUCCESS : error;
  wv_sys_lock(directory->mutex);
  error = wv_directory_go_to(directory, cookie);
  if (error == WV_SUCCESS) error = fill(of, directory, buf, len, used);
  wv_sys_unlock(directory->mutex);
  return error;
}

wv_errno wv_fd_readdir(wv_guest *guest, uint32_t fd, uint32_t buf,
                       uint32_t buf_len, uint64_t cookie, uint32_t bufused) {
  const wv_memory *memory = &guest->memory;
  wv_fd *entry = wv_guest_get(guest, fd);
  uint64_t used = 0;
  wv_errno error;

  if (entry == NULL) return WV_EBADF;
  error = wv_fd_learn_kind(entry);
  if (error != WV_SUCCESS) return error;
  if (entry->kind != WV_KIND_DIRECTORY) return WV_ENOTDIR;
  if (!wv_in_bounds(memory, buf, buf_len) ||
      !wv_in_bounds(memory, bufused, sizeof(uint32_t)))
    return WV_EFAULT;
  if (cookie > INT64_MAX) return WV_EINVAL;
  error =
      read_entries(guest, entry, cookie, memory->base + buf, buf_len, &used);
  if (error == WV_SUCCESS) wv_store_u32(memory->base + bufused, (uint32_t)used);
  return error;
}
