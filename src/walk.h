/* Resolves a path below a directory, one component after the other. No system
 * call gets several, `..`, or a link to follow. */
#ifndef WV_WALK_H
#define WV_WALK_H

#include "beneath.h"

/* The most descriptors held between two steps: with the one that a step opens
 * there are at most 64. */
#define WV_WALK_HANDLES 63

/* The most symbolic links to follow, as on Linux. */
#define WV_WALK_LINKS 40

/* Room for the rest of the path, including the targets of links. */
#define WV_WALK_SIZE (2 * WV_PATH_SIZE)

typedef struct wv_walk {
  wv_guest *guest;
  int root;       /* `..` cannot leave it; the guest owns it */
  uint32_t links; /* links followed so far */
  uint32_t depth; /* levels below root */
  uint32_t held;  /* how many of the deepest levels are open */
  uint32_t trail_len;
  const char *rest;        /* in `pending`: the rest of the path */
  bool slash;              /* a slash follows `name` */
  char name[WV_NAME_SIZE]; /* the component that the walk has reached, as in
                              wv_parent */
  int handles[WV_WALK_HANDLES]; /* each level's, at the level modulo the size */
  char trail[WV_WALK_SIZE];     /* the names of the levels, each with its NUL */
  char pending[WV_WALK_SIZE];
} wv_walk;

/* The caller ends the walk with wv_walk_end. */
void wv_walk_begin(wv_walk *walk, wv_guest *guest, const wv_fd *dir,
                   const wv_path *path);
void wv_walk_end(wv_walk *walk);

/* The directory that contains `name`. */
int wv_walk_directory(const wv_walk *walk);
/* Ends the walk and passes that directory to the caller, who closes it if
 * `*owned`. */
int wv_walk_take_directory(wv_walk *walk, bool *owned);

/* Goes on to the last component. EPERM: the path leads outside. */
wv_errno wv_walk_to_last(wv_walk *walk);

/* Follows links until the last component is not one. */
wv_errno wv_walk_to_end(wv_walk *walk);

/* Opens the last component; with FOLLOW, the target of a link: see
 * wv_open_beneath. */
wv_errno wv_walk_open(wv_walk *walk, int flags, int *host_fd);

#endif
