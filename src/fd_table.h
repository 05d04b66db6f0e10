/* The guest's descriptors: the one table of them.
 *
 * An entry belongs to one guest fd at a time and moves with fd_renumber: WASI
 * has no dup. A pointer to an entry is good until that fd is removed. */
#ifndef WV_FD_TABLE_H
#define WV_FD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "wasi.h"

/* No guest fd is as high. */
#define WV_GUEST_FD_LIMIT (1u << 20)

typedef enum wv_kind {
  WV_KIND_UNKNOWN = 0, /* opened for the guest; see wv_fd_learn_kind */
  WV_KIND_FILE,        /* regular file or block device: one call, one write */
  WV_KIND_DIRECTORY,
  WV_KIND_DEVICE,   /* character device that is no terminal: it can seek */
  WV_KIND_TERMINAL, /* a character device without SEEK and TELL */
  WV_KIND_PIPE,     /* pipe or FIFO */
  WV_KIND_SOCKET,
  WV_KIND_TARGET, /* JS takes what is written: see wv_fd_write */
} wv_kind;

enum {
  WV_FD_OWNED = 1 << 0,    /* host_fd is ours, closed with the entry */
  WV_FD_READABLE = 1 << 1, /* the access mode of the description */
  WV_FD_WRITABLE = 1 << 2,
  WV_FD_AWAITS_WRITER = 1 << 3, /* a FIFO that may not have had one yet */
};

typedef struct wv_fd {
  int host_fd;         /* of a target: its number */
  uint8_t kind;        /* wv_kind */
  uint8_t flags;       /* WV_FD_* */
  uint16_t fdflags;    /* WV_FDFLAGS_*, as the guest has them */
  uint8_t filetype;    /* wv_filetype, once the kind is known */
  uint64_t rights;     /* WV_RIGHTS_* */
  uint64_t inheriting; /* the rights of what is opened through it */
  char *preopen;       /* the guest's name of a preopen, or NULL. malloc */
  struct wv_directory *directory; /* what fd_readdir keeps, or NULL */
} wv_fd;

typedef struct wv_fd_table {
  wv_fd **entries; /* NULL where an fd is free */
  uint32_t size;
  uint32_t count;  /* of entries that are not NULL */
  uint32_t limit;  /* of count, for wv_fd_insert */
  uint32_t lowest; /* no fd below it is free */
} wv_fd_table;

/* The entry of a guest fd, or NULL. */
static inline wv_fd *wv_fd_get(const wv_fd_table *table, uint32_t fd) {
  return fd < table->size ? table->entries[fd] : NULL;
}

/* Can it seek? False for what answers SPIPE to seek, tell, pread and pwrite. An
 * unknown kind is true: the system answers then. */
static inline bool wv_fd_can_seek(const wv_fd *entry) {
  return entry->kind < WV_KIND_TERMINAL;
}

/* Asks the system for the kind and the type of a file that was opened for the
 * guest and not looked at yet. */
wv_errno wv_fd_learn_kind(wv_fd *entry);

/* An entry for a number of the caller's, with all rights. One that is closed
 * gets an entry too, which answers EBADF. */
wv_fd wv_fd_of_host(int host_fd);

/* Is there room for one more? Before anything is opened. */
static inline bool wv_fd_has_room(const wv_fd_table *table) {
  return table->count < table->limit;
}

/* Copies `entry` to the lowest free fd.
 * EMFILE: the table is full. ENOMEM. On failure the entry stays the caller's.
 */
wv_errno wv_fd_insert(wv_fd_table *table, const wv_fd *entry, uint32_t *fd);

/* Copies `entry` to `fd`; one that stands there is removed first.
 * EBADF: over WV_GUEST_FD_LIMIT. ENOMEM. */
wv_errno wv_fd_insert_at(wv_fd_table *table, uint32_t fd, const wv_fd *entry);

/* Removes the entry and closes what it owns. EBADF: `fd` is not open. Else the
 * errno of close(2), and the entry is gone all the same. */
wv_errno wv_fd_remove(wv_fd_table *table, uint32_t fd);

/* Moves the entry of `from` to `to`, where the one that stands there is
 * removed. EBADF: either is not open. */
wv_errno wv_fd_table_renumber(wv_fd_table *table, uint32_t from, uint32_t to);

/* Removes every entry, and frees the table. */
void wv_fd_table_free(wv_fd_table *table);

#endif
