/* One table for the threads of one guest. */
#include "sharing.h"

#include <stdlib.h>
#include <string.h>

/* What makes two preopens the same, behind the guest's name. */
typedef struct identity {
  uint64_t dev;
  uint64_t ino;
} identity;

typedef struct wv_sharing {
  const uint8_t *memory;
  char *preopens; /* the name with its NUL and the identity of each */
  size_t preopens_size;
  uint32_t users;
  struct wv_sharing *next;
  wv_fd_table *table;
} wv_sharing;

/* Every shared table of the process, under the lock of the process. */
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

static void take_own_streams(wv_guest *guest) {
  uint32_t fd;

  for (fd = 0; fd < WV_OWN_STREAMS; fd++)
    guest->own[fd] = wv_fd_take(guest->fds, fd);
}

/* Makes the table of `guest` one that others can join. */
static wv_errno open_table(wv_guest *guest, wv_sharing *sharing) {
  wv_fd_table *table = guest->fds;
  wv_fd marker = {.kind = WV_KIND_OWN};
  wv_sys_mutex *mutex = wv_sys_mutex_new();
  uint32_t fd;

  if (mutex == NULL) return WV_ENOMEM;
  for (fd = 0; fd < table->size; fd++)
    if (table->entries[fd] != NULL) wv_fd_learn_kind(table->entries[fd]);
  take_own_streams(guest);
  for (fd = 0; fd < WV_OWN_STREAMS; fd++) {
    if (guest->own[fd] == NULL) continue;
    marker.host_fd = (int)fd;
    /* The place is there: an entry was in it. */
    wv_fd_insert_at(table, fd, &marker);
  }
  sharing->table = table;
  sharing->users = 1;
  sharing->next = all;
  table->sharing = sharing;
  table->mutex = mutex;
  all = sharing;
  return WV_SUCCESS;
}

static void join(wv_guest *guest, wv_sharing *found) {
  take_own_streams(guest);
  wv_fd_table_free(guest->fds);
  guest->fds = found->table;
  found->users++;
}

wv_errno wv_share(wv_guest *guest, const uint8_t *memory) {
  wv_errno error = WV_SUCCESS;
  wv_sharing *sharing;
  wv_sharing *found;

  if (guest->fds->sharing != NULL) return WV_SUCCESS;
  sharing = describe(guest, memory);
  if (sharing == NULL) return WV_ENOMEM;
  wv_sys_lock(wv_sys_process_mutex());
  found = find(sharing);
  if (found != NULL)
    join(guest, found);
  else
    error = open_table(guest, sharing);
  wv_sys_unlock(wv_sys_process_mutex());
  if (found != NULL || error != WV_SUCCESS) free_sharing(sharing);
  return error;
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

static bool make_room(wv_held *held) {
  uint32_t size = held->size == 0 ? 4 : held->size * 2;
  wv_fd **entries;

  if (held->count < held->size) return true;
  entries = realloc(held->entries, size * sizeof(*entries));
  if (entries == NULL) return false;
  held->entries = entries;
  held->size = size;
  return true;
}

wv_fd *wv_guest_hold(wv_guest *guest, uint32_t fd) {
  wv_fd *entry;
  int stream;

  if (!make_room(&guest->held)) return NULL;
  entry = wv_fd_hold(guest->fds, fd);
  if (entry == NULL) return NULL;
  if (entry->kind == WV_KIND_OWN) {
    stream = entry->host_fd;
    wv_fd_release(entry);
    return guest->own[stream];
  }
  guest->held.entries[guest->held.count++] = entry;
  return entry;
}
