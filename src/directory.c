/* A guest's position in a directory that it reads. */
#include "directory.h"

#include <errno.h>
#include <stdlib.h>

#include "errno_map.h"

void wv_directory_free(wv_directory *directory) {
  if (directory == NULL) return;
  wv_sys_directory_close(directory->stream);
  wv_sys_mutex_free(directory->mutex);
  free(directory);
}

/* Opens its own description: the guest and the host may use theirs for other
 * things. */
static wv_directory *open_directory(const wv_fd *entry, bool shared,
                                    wv_errno *error) {
  wv_directory *directory = calloc(1, sizeof(*directory));

  *error = WV_ENOMEM;
  if (directory == NULL) return NULL;
  directory->fresh = true;
  if (shared) {
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

/* If two threads open it at once, the first one's stays. */
wv_directory *wv_directory_of(wv_fd *entry, bool shared, wv_errno *error) {
  wv_directory *first = NULL;
  wv_directory *directory = atomic_load(&entry->directory);

  *error = WV_SUCCESS;
  if (directory != NULL) return directory;
  directory = open_directory(entry, shared, error);
  if (directory == NULL) return NULL;
  if (atomic_compare_exchange_strong(&entry->directory, &first, directory))
    return directory;
  wv_directory_free(directory);
  return first;
}

wv_errno wv_directory_go_to(wv_directory *directory, uint64_t cookie) {
  if (cookie == directory->cookie && (cookie != 0 || directory->fresh))
    return WV_SUCCESS;
  directory->has_kept = false;
  directory->fresh = false;
  /* A failed seek leaves the position unknown: the next call seeks too. */
  directory->cookie = 0;
  if (wv_sys_directory_seek(directory->stream, cookie) < 0)
    return wv_errno_from_host(errno);
  directory->cookie = cookie;
  return WV_SUCCESS;
}

int wv_directory_next(wv_directory *directory, wv_sys_dirent *entry) {
  int result;

  if (directory->has_kept) {
    *entry = directory->kept;
    return 1;
  }
  directory->fresh = false;
  result = wv_sys_directory_next(directory->stream, entry);
  /* POSIX: a removed directory is at its end. */
  return result < 0 && errno == ENOENT ? 0 : result;
}
