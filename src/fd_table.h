/* The guest's descriptors: the one table of them.
 *
 * An entry belongs to one guest fd at a time and moves with fd_renumber: WASI
 * has no dup. Who uses one holds it: what is removed meanwhile is closed by the
 * last who lets go.
 *
 * The threads of one guest share a table. It has a lock then, which is never
 * held over a system call: see sharing.h. */
#ifndef WV_FD_TABLE_H
#define WV_FD_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys.h"

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
  WV_KIND_TARGET, /* JS takes what is written, or a capture */
  WV_KIND_OWN,    /* in a shared table: stream `host_fd` of each thread */
} wv_kind;

enum {
  WV_FD_OWNED = 1 << 0,    /* host_fd is ours, closed with the entry */
  WV_FD_READABLE = 1 << 1, /* the access mode of the description */
  WV_FD_WRITABLE = 1 << 2,
  WV_FD_AWAITS_WRITER = 1 << 3, /* a FIFO that may not have had one yet */
  WV_FD_HAS_OWN = 1 << 4,       /* own_fd is one: see stream.h */
  WV_FD_NO_OWN = 1 << 5,        /* there can be none */
};

/* The atomic members may change while threads share the entry. */
typedef struct wv_fd {
  int host_fd;              /* of a target: its number */
  int own_fd;               /* a non-blocking description of the same */
  uint8_t kind;             /* wv_kind */
  uint8_t filetype;         /* wv_filetype, once the kind is known */
  _Atomic uint8_t flags;    /* WV_FD_* */
  _Atomic uint16_t fdflags; /* WV_FDFLAGS_*, as the guest has them */
  _Atomic uint32_t holders; /* the table, and calls and buffers that use it */
  _Atomic uint64_t rights;  /* WV_RIGHTS_* */
  _Atomic uint64_t inheriting; /* the rights of what is opened through it */
  char *preopen; /* the guest's name of a preopen, or NULL. malloc */
  struct wv_capture *capture; /* of a target that is one: its owner's */
  struct wv_directory *_Atomic directory; /* what fd_readdir keeps, or NULL */
} wv_fd;

typedef struct wv_fd_table {
  wv_fd **entries; /* NULL where an fd is free */
  uint32_t size;
  uint32_t count;             /* of entries that are not NULL */
  uint32_t limit;             /* of count, for wv_fd_insert */
  uint32_t lowest;            /* no fd below it is free */
  wv_sys_mutex *mutex;        /* NULL: one thread has it */
  struct wv_sharing *sharing; /* likewise */
} wv_fd_table;

/* NULL: no memory. */
wv_fd_table *wv_fd_table_new(uint32_t limit);

/* Removes every entry, and frees the table. */
void wv_fd_table_free(wv_fd_table *table);

/* The entry of a guest fd in a table that no other thread has, or NULL. */
static inline wv_fd *wv_fd_get(const wv_fd_table *table, uint32_t fd) {
  return fd < table->size ? table->entries[fd] : NULL;
}

/* The same in any table, held until wv_fd_release. */
wv_fd *wv_fd_hold(wv_fd_table *table, uint32_t fd);

/* The first preopen at or behind `*fd`, held; `*fd` becomes its number. NULL:
 * there is none. */
wv_fd *wv_fd_hold_preopen(wv_fd_table *table, uint32_t *fd);

/* The last one closes: the errno of close(2), else success. */
wv_errno wv_fd_release(wv_fd *entry);

/* Can it seek? False for what answers SPIPE to seek, tell, pread and pwrite. An
 * unknown kind is true: the system answers then. */
static inline bool wv_fd_can_seek(const wv_fd *entry) {
  return entry->kind < WV_KIND_TERMINAL;
}

/* Asks the system for the kind and the type of a file that was opened for the
 * guest and not looked at yet. In a shared table all have been. */
wv_errno wv_fd_learn_kind(wv_fd *entry);

/* An entry for a number of the caller's, with all rights. One that is closed
 * gets an entry too, which answers EBADF. */
wv_fd wv_fd_of_host(int host_fd);

/* An entry for a directory that was opened for the guest, with all rights.
 * `name`, malloc, is the guest's, and becomes the entry's. */
wv_fd wv_fd_of_preopen(int host_fd, char *name);

/* Is there room for one more? Before anything is opened. */
bool wv_fd_has_room(wv_fd_table *table);

/* Copies `entry` to the lowest free fd.
 * EMFILE: the table is full. ENOMEM. On failure the entry stays the caller's.
 */
wv_errno wv_fd_insert(wv_fd_table *table, const wv_fd *entry, uint32_t *fd);

/* Copies `entry` to `fd`, in place of one that stands there. On failure nothing
 * has changed. EBADF: over WV_GUEST_FD_LIMIT. ENOMEM. */
wv_errno wv_fd_insert_at(wv_fd_table *table, uint32_t fd, const wv_fd *entry);

/* Takes the entry out of the table; its hold becomes the caller's. NULL: `fd`
 * is not open. */
wv_fd *wv_fd_take(wv_fd_table *table, uint32_t fd);

/* Removes the entry. EBADF: `fd` is not open. Else what wv_fd_release says, and
 * the entry is gone all the same. */
wv_errno wv_fd_remove(wv_fd_table *table, uint32_t fd);

/* Moves the entry of `from` to `to`. The one that stood there becomes
 * `*replaced`, its hold the caller's; NULL where they are the same fd. EBADF:
 * either is not open. */
wv_errno wv_fd_table_renumber(wv_fd_table *table, uint32_t from, uint32_t to,
                              wv_fd **replaced);

/* Puts a copy of `entry` in the place of the one at `fd`, which is open: its
 * hold becomes the caller's. NULL: no memory, and nothing has changed. */
wv_fd *wv_fd_exchange(wv_fd_table *table, uint32_t fd, const wv_fd *entry);

#endif
