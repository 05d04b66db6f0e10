/* One table for the threads of one guest. */
#include "sharing.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"

/* Two preopens are the same if their names and these are equal. */
typedef struct identity {
  uint64_t dev;
  uint64_t ino;
} identity;

typedef struct wv_sharing {
  const uint8_t *memory;
  char *preopens; /* of each: the name with its NUL, and the identity */
  size_t preopens_size;
  uint32_t users;
  struct wv_sharing *next;
  wv_fd_table *table;
} wv_sharing;

/* Every shared table of the process. The lock of the process guards it. */
static wv_sharing *all;

static bool append(wv_sharing *to, const void *bytes, size_t size) {
  char *grown = realloc(to->preopens, to->preopens_size + size);

  if (grown == NULL) return false;
  memcpy(grown + to->preopens_size, bytes, size);
  to->preopens = grown;
  to->preopens_size += size;
  return true;
}

static bool append_preopen(wv_sharing *to, const wv_fd *entry) {
  identity id = {.dev = 0, .ino = 0};
  wv_sys_stat stat;

  if (wv_sys_fstat(entry->host_fd, &stat) == 0) {
    id.dev = stat.dev;
    id.ino = stat.ino;
  }
  return append(to, entry->preopen, strlen(entry->preopen) + 1) &&
         append(to, &id, sizeof(id));
}

static void free_sharing(wv_sharing *sharing) {
  free(sharing->preopens);
  free(sharing);
}

/* NULL: no memory. */
static wv_sharing *describe(const wv_guest *guest, const uint8_t *memory) {
  wv_sharing *sharing = calloc(1, sizeof(*sharing));
  const wv_fd *entry;
  uint32_t fd;

  if (sharing == NULL) return NULL;
  sharing->memory = memory;
  for (fd = 0; fd < guest->fds->size; fd++) {
    entry = wv_fd_get(guest->fds, fd);
    if (entry == NULL || entry->preopen == NULL) continue;
    if (append_preopen(sharing, entry)) continue;
    free_sharing(sharing);
    return NULL;
  }
  return sharing;
}

static wv_sharing *find(const wv_sharing *like) {
  wv_sharing *each;

  for (each = all; each != NULL; each = each->next)
    if (each->memory == like->memory &&
        each->preopens_size == like->preopens_size &&
        (like->preopens_size == 0 ||
         memcmp(each->preopens, like->preopens, like->preopens_size) == 0))
      break;
  return each;
}

/* The stream at `fd` becomes the thread's own. */
static bool take_own_stream(wv_guest *guest, uint32_t fd) {
  const wv_fd marker = {.kind = WV_KIND_OWN, .host_fd = (int)fd};

  if (wv_fd_get(guest->fds, fd) == NULL) return true;
  guest->own[fd] = wv_fd_exchange(guest->fds, fd, &marker);
  return guest->own[fd] != NULL;
}

static wv_errno take_own_streams(wv_guest *guest) {
  uint32_t fd;

  for (fd = 0; fd < WV_OWN_STREAMS; fd++)
    if (!take_own_stream(guest, fd)) break;
  if (fd == WV_OWN_STREAMS) return WV_SUCCESS;
  while (fd-- > 0) {
    if (guest->own[fd] == NULL) continue;
    wv_fd_release(guest->fds->entries[fd]);
    guest->fds->entries[fd] = guest->own[fd];
    guest->own[fd] = NULL;
  }
  return WV_ENOMEM;
}

/* Determines the kind of each entry, and drops its directory, which has no
 * lock: from here on several threads may use the entry. */
static void prepare(const wv_fd_table *table) {
  wv_fd *entry;
  uint32_t fd;

  for (fd = 0; fd < table->size; fd++) {
    entry = table->entries[fd];
    if (entry == NULL) continue;
    wv_fd_learn_kind(entry);
    wv_directory_free(atomic_exchange(&entry->directory, NULL));
  }
}

/* Opens the table of `guest` to other threads. */
static void open_table(wv_guest *guest, wv_sharing *sharing,
                       wv_sys_mutex *mutex) {
  wv_fd_table *table = guest->fds;

  prepare(table);
  sharing->table = table;
  sharing->users = 1;
  sharing->next = all;
  table->sharing = sharing;
  table->mutex = mutex;
  all = sharing;
}

/* Cannot fail: the caller has allocated everything. */
static void join_or_open(wv_guest *guest, wv_sharing *sharing,
                         wv_sys_mutex *mutex) {
  wv_fd_table *left = guest->fds;
  wv_sharing *found;

  wv_sys_lock(wv_sys_process_mutex());
  found = find(sharing);
  if (found == NULL) {
    open_table(guest, sharing, mutex);
  } else {
    guest->fds = found->table;
    found->users++;
  }
  wv_sys_unlock(wv_sys_process_mutex());
  if (found == NULL) return;
  wv_fd_table_free(left);
  wv_sys_mutex_free(mutex);
  free_sharing(sharing);
}

wv_errno wv_share(wv_guest *guest, const uint8_t *memory) {
  wv_sharing *sharing;
  wv_sys_mutex *mutex;

  if (guest->fds->sharing != NULL) return WV_SUCCESS;
  sharing = describe(guest, memory);
  mutex = wv_sys_mutex_new();
  if (sharing != NULL && mutex != NULL &&
      take_own_streams(guest) == WV_SUCCESS) {
    join_or_open(guest, sharing, mutex);
    return WV_SUCCESS;
  }
  if (sharing != NULL) free_sharing(sharing);
  wv_sys_mutex_free(mutex);
  return WV_ENOMEM;
}

static void forget(const wv_sharing *sharing) {
  wv_sharing **at = &all;

  while (*at != sharing) at = &(*at)->next;
  *at = sharing->next;
}

void wv_table_leave(wv_fd_table *table) {
  wv_sharing *sharing = table->sharing;
  bool last = true;

  if (sharing != NULL) {
    wv_sys_lock(wv_sys_process_mutex());
    last = --sharing->users == 0;
    if (last) forget(sharing);
    wv_sys_unlock(wv_sys_process_mutex());
  }
  if (!last) return;
  wv_fd_table_free(table);
  if (sharing != NULL) free_sharing(sharing);
}
