/* A guest's position in a directory that it reads. */
#ifndef WV_DIRECTORY_H
#define WV_DIRECTORY_H

#include "fd_table.h"

typedef struct wv_directory {
  wv_sys_mutex *mutex; /* in a shared table: held while entries are read */
  wv_sys_directory *stream;
  uint64_t cookie; /* of the next entry */
  bool fresh;      /* nothing has been read since the beginning */
  bool has_kept;
  wv_sys_dirent kept; /* the next entry: it did not fit */
} wv_directory;

/* The directory of an entry, opened at its first use. `shared`: other threads
 * have the table. NULL: `*error` says why. */
wv_directory *wv_directory_of(wv_fd *entry, bool shared, wv_errno *error);

/* Seeks only if the position differs. Cookie 0 reads the directory anew, like
 * rewinddir(3). */
wv_errno wv_directory_go_to(wv_directory *directory, uint64_t cookie);

/* Returns 1, 0 at the end, or -1 with errno. */
int wv_directory_next(wv_directory *directory, wv_sys_dirent *entry);

/* Closes and frees it. It may be NULL. */
void wv_directory_free(wv_directory *directory);

#endif
