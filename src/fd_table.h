/* The guest's descriptors.
 *
 * An entry belongs to one guest fd at a time and moves with fd_renumber: WASI
 * has no dup. Its users hold it; if it is removed meanwhile, the last one
 * closes it.
 *
 * The threads of one guest share a table, with a lock that is never held over a
 * system call: see sharing.h. */
#ifndef WV_FD_TABLE_H
#define WV_FD_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys.h"

/* All guest fds are below it. */
#define WV_GUEST_FD_LIMIT (1u << 20)

typedef enum wv_kind {
  WV_KIND_UNKNOWN = 0, /* opened for the guest: see wv_fd_learn_kind */
  WV_KIND_FILE,        /* regular file or block device: one call, one write */
  WV_KIND_DIRECTORY,
  WV_KIND_DEVICE,   /* character device, not a terminal: it can seek */
  WV_KIND_TERMINAL, /* terminal: no SEEK, no TELL */
  WV_KIND_PIPE,     /* pipe or FIFO */
  WV_KIND_SOCKET,
  WV_KIND_TARGET, /* a function or stream of JS, or a capture */
  WV_KIND_OWN,    /* in a shared table: each thread's stream `host_fd` */
} wv_kind;

enum {
  WV_FD_OWNED = 1 << 0,    /* host_fd is closed with the entry */
  WV_FD_READABLE = 1 << 1, /* the access mode of the description */
  WV_FD_WRITABLE = 1 << 2,
  WV_FD_AWAITS_WRITER = 1 << 3, /* a FIFO that may not have had a writer yet */
  WV_FD_HAS_OWN = 1 << 4,       /* own_fd is open: see stream.h */
  WV_FD_NO_OWN = 1 << 5,        /* own_fd cannot be opened */
  WV_FD_OF_RUN = 1 << 6,        /* the guest's end of a pipe of its run */
};

/* The atomic members may change while threads share the entry. */
typedef struct wv_fd {
  int host_fd;                 /* for a target: its number */
  int own_fd;                  /* non-blocking description of the same stream */
  uint8_t kind;                /* wv_kind */
  uint8_t filetype;            /* wv_filetype, once the kind is known */
  _Atomic uint8_t flags;       /* WV_FD_* */
  _Atomic uint16_t fdflags;    /* WV_FDFLAGS_*, as the guest has them */
  _Atomic uint32_t holders;    /* users: the table, calls and buffers */
  _Atomic uint64_t rights;     /* WV_RIGHTS_* */
  _Atomic uint64_t inheriting; /* the rights of files opened through it */
  char *preopen; /* the guest's name for a preopen, malloc; else NULL */
  struct wv_capture *capture; /* if the target is a capture; not owned */
  struct wv_directory *_Atomic directory; /* what fd_readdir keeps, or NULL */
} wv_fd;

typedef struct wv_fd_table {
  wv_fd **entries; /* NULL where an fd is free */
  uint32_t size;
  uint32_t count;             /* entries that are not NULL */
  uint32_t limit;             /* the most entries, for wv_fd_insert */
  uint32_t lowest;            /* no fd below it is free */
  wv_sys_mutex *mutex;        /* NULL: only one thread uses the table */
  struct wv_sharing *sharing; /* NULL: likewise */
} wv_fd_table;

/* NULL: no memory. */
wv_fd_table *wv_fd_table_new(uint32_t limit);

/* Removes every entry, and frees the table. */
void wv_fd_table_free(wv_fd_table *table);

/* The entry of a guest fd in a table that no other thread has, or NULL. */
static inline wv_fd *wv_fd_get(const wv_fd_table *table, uint32_t fd) {
  return fd < table->size ? table->entries[fd] : NULL;
}

/* The entry of a guest fd in any table, held until wv_fd_release, or NULL. */
wv_fd *wv_fd_hold(wv_fd_table *table, uint32_t fd);

/* The first preopen at or after `*fd`, held; `*fd` becomes its number. NULL:
 * there is none. */
wv_fd *wv_fd_hold_preopen(wv_fd_table *table, uint32_t *fd);

/* Drops a hold. The last one closes the entry: the errno of close(2). */
wv_errno wv_fd_release(wv_fd *entry);

/* Can the file seek? If not, seek, tell, pread and pwrite answer SPIPE. An
 * unknown kind counts as true: then the system answers. */
static inline bool wv_fd_can_seek(const wv_fd *entry) {
  return entry->kind < WV_KIND_TERMINAL;
}

/* Finds the kind and file type of an entry not examined yet. In a shared table
 * all entries have been examined. */
wv_errno wv_fd_learn_kind(wv_fd *entry);

/* Makes an entry with all rights for a host descriptor of the caller's. A
 * closed descriptor also gets an entry; calls on it answer EBADF. */
wv_fd wv_fd_of_host(int host_fd);

/* Makes an entry with all rights for a directory opened for the guest. It takes
 * over `name`, malloc, the guest's name. */
wv_fd wv_fd_of_preopen(int host_fd, char *name);

/* Is there room for one more entry? Asked before anything is opened. */
bool wv_fd_has_room(wv_fd_table *table);

/* Copies `entry` to the lowest free fd.
 * EMFILE: the table is full. ENOMEM. On failure the caller keeps the entry. */
wv_errno wv_fd_insert(wv_fd_table *table, const wv_fd *entry, uint32_t *fd);

/* Copies `entry` to `fd`, and replaces an entry that stands there. On failure
 * nothing has changed.
 * EBADF: not below WV_GUEST_FD_LIMIT. ENOMEM. */
wv_errno wv_fd_insert_at(wv_fd_table *table, uint32_t fd, const wv_fd *entry);

/* Takes the entry out of the table and passes its hold to the caller. NULL:
 * `fd` is not open. */
wv_fd *wv_fd_take(wv_fd_table *table, uint32_t fd);

/* Removes the entry, even if wv_fd_release returns an errno.
 * EBADF: `fd` is not open. */
wv_errno wv_fd_remove(wv_fd_table *table, uint32_t fd);

/* Moves the entry of `from` to `to`. `*replaced` becomes the entry that stood
 * at `to`, with its hold, or NULL if both are the same fd.
 * EBADF: either is not open. */
wv_errno wv_fd_table_renumber(wv_fd_table *table, uint32_t from, uint32_t to,
                              wv_fd **replaced);

/* Replaces the entry at `fd`, which is open, by a copy of `entry`. Returns the
 * old entry with its hold. NULL: no memory, and nothing has changed. */
wv_fd *wv_fd_exchange(wv_fd_table *table, uint32_t fd, const wv_fd *entry);

#endif
