/* Resolves a path of the guest below one of its directories, so that no link,
 * rename or race reaches anything outside.
 *
 * Linux has openat2 for this. Where it is missing, forbidden or gives no
 * answer, and for absolute links, walk.h opens one component after the other.
 */
#ifndef WV_BENEATH_H
#define WV_BENEATH_H

#include "guest.h"
#include "sys.h"

/* With the NUL, like PATH_MAX and NAME_MAX on Linux. */
#define WV_PATH_SIZE 4096
#define WV_NAME_SIZE 256

/* A copy of a relative path of the guest, with a NUL at its end. */
typedef struct wv_path {
  size_t len;
  bool slash; /* a slash followed the path: it must be a directory */
  char bytes[WV_PATH_SIZE];
} wv_path;

/* Copies a path out of the guest's memory; the caller has checked the bounds.
 * Reads the memory once: another thread may change it. ENAMETOOLONG.
 * EINVAL: a NUL inside. ENOENT: empty. EPERM: absolute. */
wv_errno wv_load_path(const wv_memory *memory, uint32_t at, uint32_t len,
                      wv_path *path);

/* Copies the text of a symbolic link in the same way, but keeps its trailing
 * slashes. */
wv_errno wv_load_target(const wv_memory *memory, uint32_t at, uint32_t len,
                        wv_path *target);

/* Opens `path` below `dir`. `flags` are WV_SYS_OPEN_*. With FOLLOW, or a slash
 * after the path, a link as the last component is followed, within `dir`.
 * HANDLE requires DIRECTORY.
 * EPERM: the path leads outside. Otherwise the errno of openat(2). */
wv_errno wv_open_beneath(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                         int flags, int *host_fd);

/* Finds the status of `path`; `follow` is as FOLLOW above.
 * ENOTDIR: a slash follows the path, and it is not a directory. */
wv_errno wv_stat_beneath(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                         bool follow, wv_sys_stat *stat);

/* The place of a path's last component. */
typedef struct wv_parent {
  int dir;    /* handle of the directory that contains it */
  bool owned; /* `dir` was opened for this struct */
  bool slash; /* a slash followed the path: it must be a directory */
  char name[WV_NAME_SIZE]; /* "." or a name without a slash; never ".." */
} wv_parent;

/* Resolves the directory of the last component; a last `..` is resolved too.
 * With `follow`, a link as the last component is followed: `parent` is the
 * place of its target, which need not exist. On success the caller calls
 * wv_parent_close. */
wv_errno wv_open_parent(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                        bool follow, wv_parent *parent);
void wv_parent_close(wv_parent *parent);

#endif
