/* Where a guest stands in a directory that it reads. */
#ifndef WV_DIRECTORY_H
#define WV_DIRECTORY_H

#include "fd_table.h"

typedef struct wv_directory {
  wv_sys_mutex *mutex; /* of a shared table, held while entries are read */
  wv_sys_directory *stream;
  uint64_t cookie; /* of the entry that comes next */
  bool fresh;      /* nothing was read since the beginning */
  bool has_kept;
  wv_sys_dirent kept; /* comes next: it did not fit */
} wv_directory;

/* That of an entry, opened at its first use. `shared`: other threads have the
 * table. NULL: `*error` is why. */
wv_directory *wv_directory_of(wv_fd *entry, bool shared, wv_errno *error);

/* Without a seek where it stands there. The beginning is read anew, as after
 * rewinddir(3). */
wv_errno wv_directory_go_to(wv_directory *directory, uint64_t cookie);

/* 1, 0 at the end, or -1 with errno. */
int wv_directory_next(wv_directory *directory, wv_sys_dirent *entry);

/* Closes and frees it. NULL is nothing to free. */
void wv_directory_free(wv_directory *directory);

#endif
