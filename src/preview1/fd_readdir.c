/* fd_readdir: the entries of a directory, by the cookies of the system. */
#include "fd_readdir.h"

#include <errno.h>
#include <stdlib.h>

#include "../calls.h"
#include "../errno_map.h"
#include "../sys.h"

struct wv_directory {
  wv_sys_mutex *mutex; /* of a shared table, held while entries are read */
  wv_sys_directory *stream;
  uint64_t cookie; /* of the entry that comes next */
  bool fresh;      /* nothing was read since the beginning */
  bool has_kept;
  wv_sys_dirent kept; /* comes next: it did not fit */
};

void wv_directory_free(struct wv_directory *directory) {
  if (directory == NULL) return;
  wv_sys_directory_close(directory->stream);
  wv_sys_mutex_free(directory->mutex);
  free(directory);
}

/* The guest may use its descriptor for other things, and the host that of a
 * preopen: entries are read from one of their own. */
static struct wv_directory *open_directory(const wv_guest *guest,
                                           const wv_fd *entry,
                                           wv_errno *error) {
  struct wv_directory *directory = calloc(1, sizeof(*directory));

  *error = WV_ENOMEM;
  if (directory == NULL) return NULL;
  directory->fresh = true;
  if (guest->fds->mutex != NULL) {
    directory->mutex = wv_sys_mutex_new();
    if (directory->mutex == NULL) {
      free(directory);
      return NULL;
    }
  }
  directory->stream = wv_sys_directory_open(entry->host_fd);
  if (directory->stream == NULL) {
    *error = wv_errno_from_host(errno);
    wv_sys_mutex_free(directory->mutex);
    free(directory);
    return NULL;
  }
  *error = WV_SUCCESS;
  return directory;
}

/* That of the entry. Two threads may open it at once: the first one stays. */
static struct wv_directory *directory_of(const wv_guest *guest, wv_fd *entry,
                                         wv_errno *error) {
  struct wv_directory *first = NULL;
  struct wv_directory *directory = atomic_load(&entry->directory);

  *error = WV_SUCCESS;
  if (directory != NULL) return directory;
  directory = open_directory(guest, entry, error);
  if (directory == NULL) return NULL;
  if (atomic_compare_exchange_strong(&entry->directory, &first, directory))
    return directory;
  wv_directory_free(directory);
  return first;
}

/* Without a seek where we stand there. The beginning is read anew, as after
 * rewinddir(3). */
static wv_errno go_to(struct wv_directory *directory, uint64_t cookie) {
  if (cookie == directory->cookie && (cookie != 0 || directory->fresh))
    return WV_SUCCESS;
  directory->has_kept = false;
  directory->fresh = false;
  /* Where a failed seek leaves us is not known: the next call seeks too. */
  directory->cookie = 0;
  if (wv_sys_directory_seek(directory->stream, cookie) < 0)
    return wv_errno_from_host(errno);
  directory->cookie = cookie;
  return WV_SUCCESS;
}

/* 1, 0 at the end, or -1. */
static int next_entry(struct wv_directory *directory, wv_sys_dirent *entry) {
  int result;

  if (directory->has_kept) {
    *entry = directory->kept;
    return 1;
  }
  directory->fresh = false;
  result = wv_sys_directory_next(directory->stream, entry);
  /* POSIX: a directory that was removed is at its end. */
  return result < 0 && errno == ENOENT ? 0 : result;
}

/* The inode of the preopen's parent is none of the guest's. */
static void hide_parent(const wv_fd *of, wv_sys_dirent *entry) {
  wv_sys_stat stat;

  if (of->preopen == NULL || entry->name_len != 2 ||
      memcmp(entry->name, "..", 2) != 0)
    return;
  entry->ino = wv_sys_fstat(of->host_fd, &stat) < 0 ? 0 : stat.ino;
}

/* Copies as much of the entry as there is room for. Returns its size. */
static uint64_t store(uint8_t *at, uint64_t room, const wv_sys_dirent *entry) {
  uint8_t header[WV_DIRENT_SIZE] = {0};
  uint64_t len = sizeof(header);
  uint64_t name_len = entry->name_len;

  wv_store_u64(header, entry->next);
  wv_store_u64(header + 8, entry->ino);
  wv_store_u32(header + 16, entry->name_len);
  header[20] = (uint8_t)entry->filetype;
  if (len > room) len = room;
  memcpy(at, header, (size_t)len);
  if (name_len > room - len) name_len = room - len;
  memcpy(at + len, entry->name, (size_t)name_len);
  return sizeof(header) + entry->name_len;
}

static wv_errno fill(const wv_fd *of, struct wv_directory *directory,
                     uint8_t *buf, uint64_t len, uint64_t *used) {
  wv_sys_dirent entry;
  uint64_t size;
  int result;

  *used = 0;
  while (*used < len) {
    result = next_entry(directory, &entry);
    /* The entries before it are read again: the guest asks by their cookie. */
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
  struct wv_directory *directory = directory_of(guest, of, &error);

  /* It was removed. */
  if (directory == NULL) return error == WV_ENOENT ? WV_SUCCESS : error;
  wv_sys_lock(directory->mutex);
  error = go_to(directory, cookie);
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
