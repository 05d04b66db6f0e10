/* The guest's descriptors. */
#include "fd_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "errno_map.h"

wv_fd_table *wv_fd_table_new(uint32_t limit) {
  wv_fd_table *table = calloc(1, sizeof(*table));

  if (table != NULL) table->limit = limit;
  return table;
}

static void hold(wv_fd *entry) {
  atomic_fetch_add_explicit(&entry->holders, 1, memory_order_relaxed);
}

wv_errno wv_fd_release(wv_fd *entry) {
  int result = 0;

  if (atomic_fetch_sub_explicit(&entry->holders, 1, memory_order_acq_rel) > 1)
    return WV_SUCCESS;
  if (entry->flags & WV_FD_HAS_OWN) wv_sys_close(entry->own_fd);
  if (entry->flags & WV_FD_OWNED) result = wv_sys_close(entry->host_fd);
  wv_directory_free(entry->directory);
  free(entry->preopen);
  free(entry);
  /* After EINTR the descriptor is closed on Linux. */
  return result < 0 && errno != EINTR ? wv_errno_from_host(errno) : WV_SUCCESS;
}

wv_fd *wv_fd_hold(wv_fd_table *table, uint32_t fd) {
  wv_fd *entry;

  wv_sys_lock(table->mutex);
  entry = wv_fd_get(table, fd);
  if (entry != NULL) hold(entry);
  wv_sys_unlock(table->mutex);
  return entry;
}

wv_fd *wv_fd_hold_preopen(wv_fd_table *table, uint32_t *fd) {
  wv_fd *entry = NULL;

  wv_sys_lock(table->mutex);
  for (; *fd < table->size; (*fd)++) {
    entry = table->entries[*fd];
    if (entry != NULL && entry->preopen != NULL) break;
    entry = NULL;
  }
  if (entry != NULL) hold(entry);
  wv_sys_unlock(table->mutex);
  return entry;
}

static wv_kind kind_of(int host_fd, const wv_sys_stat *stat) {
  switch (stat->filetype) {
    case WV_FILETYPE_REGULAR_FILE:
    case WV_FILETYPE_BLOCK_DEVICE:
      return WV_KIND_FILE;
    case WV_FILETYPE_DIRECTORY:
      return WV_KIND_DIRECTORY;
    case WV_FILETYPE_CHARACTER_DEVICE:
      return wv_sys_is_terminal(host_fd) ? WV_KIND_TERMINAL : WV_KIND_DEVICE;
    case WV_FILETYPE_SOCKET_STREAM:
    case WV_FILETYPE_SOCKET_DGRAM:
      return stat->is_pipe ? WV_KIND_PIPE : WV_KIND_SOCKET;
    default: /* an eventfd, an inotify: read and written as a stream */
      return WV_KIND_PIPE;
  }
}

static wv_errno ask_system(wv_fd *entry) {
  wv_sys_stat stat;

  if (wv_sys_fstat(entry->host_fd, &stat) < 0) return wv_errno_from_host(errno);
  entry->kind = (uint8_t)kind_of(entry->host_fd, &stat);
  entry->filetype = (uint8_t)stat.filetype;
  return WV_SUCCESS;
}

wv_errno wv_fd_learn_kind(wv_fd *entry) {
  wv_errno error;

  if (entry->kind != WV_KIND_UNKNOWN) return WV_SUCCESS;
  error = ask_system(entry);
  if (entry->kind == WV_KIND_PIPE && (entry->flags & WV_FD_READABLE))
    entry->flags |= WV_FD_AWAITS_WRITER;
  return error;
}

wv_fd wv_fd_of_host(int host_fd) {
  int flags = wv_sys_flags(host_fd);
  wv_fd entry = {
      .host_fd = host_fd, .rights = WV_RIGHTS_ALL, .inheriting = WV_RIGHTS_ALL};

  if (flags < 0) {
    /* Not `host_fd`: the host may open something else under that number later.
     */
    entry.host_fd = -1;
    return entry;
  }
  ask_system(&entry);
  entry.flags = (flags & WV_SYS_READABLE ? WV_FD_READABLE : 0) |
                (flags & WV_SYS_WRITABLE ? WV_FD_WRITABLE : 0);
  entry.fdflags = (flags & WV_SYS_APPEND ? WV_FDFLAGS_APPEND : 0) |
                  (flags & WV_SYS_SYNC    ? WV_FDFLAGS_SYNC
                   : flags & WV_SYS_DSYNC ? WV_FDFLAGS_DSYNC
                                          : 0);
  return entry;
}

wv_fd wv_fd_of_preopen(int host_fd, char *name) {
  return (wv_fd){.host_fd = host_fd,
                 .kind = WV_KIND_DIRECTORY,
                 .filetype = WV_FILETYPE_DIRECTORY,
                 .flags = WV_FD_OWNED | WV_FD_READABLE,
                 .rights = WV_RIGHTS_ALL,
                 .inheriting = WV_RIGHTS_ALL,
                 .preopen = name};
}

bool wv_fd_has_room(wv_fd_table *table) {
  bool room;

  wv_sys_lock(table->mutex);
  room = table->count < table->limit;
  wv_sys_unlock(table->mutex);
  return room;
}

/* The caller of the functions from here to wv_fd_insert holds the lock. */

static wv_errno make_room(wv_fd_table *table, uint32_t fd) {
  uint32_t size = table->size == 0 ? 8 : table->size;
  wv_fd **entries;

  if (fd < table->size) return WV_SUCCESS;
  while (size <= fd) size *= 2;
  entries = realloc(table->entries, size * sizeof(*entries));
  if (entries == NULL) return WV_ENOMEM;
  memset(entries + table->size, 0, (size - table->size) * sizeof(*entries));
  table->entries = entries;
  table->size = size;
  return WV_SUCCESS;
}

/* The copy is held once. NULL: no memory. */
static wv_fd *copy_of(const wv_fd *entry) {
  wv_fd *copy = malloc(sizeof(*copy));

  if (copy == NULL) return NULL;
  *copy = *entry;
  copy->holders = 1;
  return copy;
}

/* `*replaced` is the entry that stood at `fd`, for the caller to release, or
 * NULL. On failure nothing has changed. */
static wv_errno put(wv_fd_table *table, uint32_t fd, const wv_fd *entry,
                    wv_fd **replaced) {
  wv_errno error = make_room(table, fd);
  wv_fd *copy;

  *replaced = NULL;
  if (error != WV_SUCCESS) return error;
  copy = copy_of(entry);
  if (copy == NULL) return WV_ENOMEM;
  *replaced = table->entries[fd];
  table->entries[fd] = copy;
  if (*replaced == NULL) table->count++;
  return WV_SUCCESS;
}

static wv_fd *take(wv_fd_table *table, uint32_t fd) {
  wv_fd *entry = wv_fd_get(table, fd);

  if (entry == NULL) return NULL;
  table->entries[fd] = NULL;
  table->count--;
  if (fd < table->lowest) table->lowest = fd;
  return entry;
}

static wv_errno put_lowest(wv_fd_table *table, const wv_fd *entry,
                           uint32_t *fd) {
  wv_errno error;
  wv_fd *none;

  if (table->count >= table->limit) return WV_EMFILE;
  while (wv_fd_get(table, table->lowest) != NULL) table->lowest++;
  error = put(table, table->lowest, entry, &none);
  if (error == WV_SUCCESS) *fd = table->lowest++;
  return error;
}

/* Returns the entry that stood at `to`, for the caller to release, or NULL. */
static wv_fd *move(wv_fd_table *table, uint32_t from, uint32_t to) {
  wv_fd *replaced = table->entries[to];

  table->entries[to] = take(table, from);
  return replaced;
}

/* The functions from here on take the lock themselves. */

wv_errno wv_fd_insert(wv_fd_table *table, const wv_fd *entry, uint32_t *fd) {
  wv_errno error;

  wv_sys_lock(table->mutex);
  error = put_lowest(table, entry, fd);
  wv_sys_unlock(table->mutex);
  return error;
}

wv_errno wv_fd_insert_at(wv_fd_table *table, uint32_t fd, const wv_fd *entry) {
  wv_fd *replaced;
  wv_errno error;

  if (fd >= WV_GUEST_FD_LIMIT) return WV_EBADF;
  wv_sys_lock(table->mutex);
  error = put(table, fd, entry, &replaced);
  wv_sys_unlock(table->mutex);
  if (replaced != NULL) wv_fd_release(replaced);
  return error;
}

wv_fd *wv_fd_take(wv_fd_table *table, uint32_t fd) {
  wv_fd *entry;

  wv_sys_lock(table->mutex);
  entry = take(table, fd);
  wv_sys_unlock(table->mutex);
  return entry;
}

wv_errno wv_fd_remove(wv_fd_table *table, uint32_t fd) {
  wv_fd *entry = wv_fd_take(table, fd);

  return entry == NULL ? WV_EBADF : wv_fd_release(entry);
}

wv_errno wv_fd_table_renumber(wv_fd_table *table, uint32_t from, uint32_t to,
                              wv_fd **replaced) {
  bool both;

  *replaced = NULL;
  wv_sys_lock(table->mutex);
  both = wv_fd_get(table, from) != NULL && wv_fd_get(table, to) != NULL;
  if (both && from != to) *replaced = move(table, from, to);
  wv_sys_unlock(table->mutex);
  return both ? WV_SUCCESS : WV_EBADF;
}

wv_fd *wv_fd_exchange(wv_fd_table *table, uint32_t fd, const wv_fd *entry) {
  wv_fd *copy = copy_of(entry);
  wv_fd *replaced;

  if (copy == NULL) return NULL;
  wv_sys_lock(table->mutex);
  replaced = table->entries[fd];
  table->entries[fd] = copy;
  wv_sys_unlock(table->mutex);
  return replaced;
}

void wv_fd_table_free(wv_fd_table *table) {
  uint32_t fd;

  for (fd = 0; fd < table->size; fd++) wv_fd_remove(table, fd);
  wv_sys_mutex_free(table->mutex);
  free(table->entries);
  free(table);
}
