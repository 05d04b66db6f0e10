/* The guest's descriptor table: guest fd to host descriptor. */
#ifndef WV_FD_TABLE_H
#define WV_FD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "wasi.h"

/* Guest fds are dense small numbers in every host that hands them out (the
 * lowest free one), so that the table is an array. */
#define WV_GUEST_FD_LIMIT (1u << 20)

typedef enum wv_kind {
  WV_KIND_FREE = 0,
  WV_KIND_FILE,   /* regular file or block device: one call, one write */
  WV_KIND_STREAM, /* pipe, terminal, other character device */
  WV_KIND_SOCKET,
} wv_kind;

enum {
  WV_FD_MAY_WRITE = 1 << 0, /* rights of the guest */
  WV_FD_MAY_SEEK = 1 << 1,
  WV_FD_NONBLOCK = 1 << 2,  /* asked for by the guest, whatever the host's is */
  WV_FD_APPEND = 1 << 3,    /* of the open file description */
  WV_FD_OWNED = 1 << 4,     /* a copy of ours, closed with the entry */
  WV_FD_READ_ONLY = 1 << 5, /* by the host, or closed: a write is EBADF */
};

typedef struct wv_fd {
  int host_fd;
  uint8_t kind; /* wv_kind */
  uint8_t flags;
} wv_fd;

typedef struct wv_fd_table {
  wv_fd *entries;
  uint32_t size;
} wv_fd_table;

/* The entry of a guest fd, or NULL. Good until the table changes. */
static inline wv_fd *wv_fd_get(const wv_fd_table *table, uint32_t fd) {
  wv_fd *entry;

  if (fd >= table->size) return NULL;
  entry = &table->entries[fd];
  return entry->kind == WV_KIND_FREE ? NULL : entry;
}

/* Puts an entry at `fd`; one that stands there is released first.
 * EBADF: over WV_GUEST_FD_LIMIT. ENOMEM: no room for the table. */
wv_errno wv_fd_set(wv_fd_table *table, uint32_t fd, wv_fd entry);

/* Releases the entry of `fd`, if any. */
void wv_fd_clear(wv_fd_table *table, uint32_t fd);

/* Releases every entry and the table. */
void wv_fd_table_free(wv_fd_table *table);

#endif
