/* A path of the guest below a directory of the guest: nothing outside is
 * reached, whatever links, renames and races there are.
 *
 * Linux has openat2 for it. Where that is missing, is forbidden, or gives no
 * answer, and for absolute symbolic links, a walk opens one component after the
 * other: walk.h. */
#ifndef WV_BENEATH_H
#define WV_BENEATH_H

#include "guest.h"
#include "sys.h"

/* With the NUL, as PATH_MAX and NAME_MAX of Linux. */
#define WV_PATH_SIZE 4096
#define WV_NAME_SIZE 256

/* A relative path as the guest gave it: a copy, with a NUL behind it. */
typedef struct wv_path {
  size_t len;
  bool slash; /* slashes stood behind it: it must be a directory */
  char bytes[WV_PATH_SIZE];
} wv_path;

/* Copies a path out of the guest's memory, which is in bounds. `at` is read
 * once. ENAMETOOLONG. EINVAL: a NUL inside. ENOENT: empty. EPERM: absolute. */
wv_errno wv_load_path(const wv_memory *memory, uint32_t at, uint32_t len,
                      wv_path *path);

/* The same for the text of a symbolic link, whose trailing slashes stay. */
wv_errno wv_load_target(const wv_memory *memory, uint32_t at, uint32_t len,
                        wv_path *target);

/* Opens `path` below `dir`. `flags` are WV_SYS_OPEN_*; with FOLLOW, or a slash
 * behind it, a symbolic link as the last component is followed, inside. HANDLE
 * goes with DIRECTORY.
 * EPERM: it leads outside. Else the errno of openat(2). */
wv_errno wv_open_beneath(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                         int flags, int *host_fd);

/* What `path` is; `follow` as above.
 * ENOTDIR: a slash stood behind what is no directory. */
wv_errno wv_stat_beneath(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                         bool follow, wv_sys_stat *stat);

/* Where the last component of a path is. */
typedef struct wv_parent {
  int dir;                 /* handle of the directory that it is in */
  bool owned;              /* `dir` was opened for this */
  bool slash;              /* a slash stood behind it: it must be a directory */
  char name[WV_NAME_SIZE]; /* "." or a name without a slash; never ".." */
} wv_parent;

/* Resolves all but the last component; `..` is resolved too. With `follow` a
 * symbolic link as the last component is followed to the parent and name of its
 * end, which need not exist. Ended by wv_parent_close if it succeeds. */
wv_errno wv_open_parent(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                        bool follow, wv_parent *parent);
void wv_parent_close(wv_parent *parent);

#endif
