/* A path below a directory, one component after the other: no system call sees
 * more than one of them, `..` or a link to follow. */
#ifndef WV_WALK_H
#define WV_WALK_H

#include "beneath.h"

/* No walk holds more descriptors between two steps: with the one that a step
 * opens they are 64. */
#define WV_WALK_HANDLES 63

/* No walk follows more symbolic links, as on Linux. */
#define WV_WALK_LINKS 40

/* What is still to go, links included. */
#define WV_WALK_SIZE (2 * WV_PATH_SIZE)

typedef struct wv_walk {
  wv_guest *guest;
  int root;       /* where `..` has no way; it belongs to the guest */
  uint32_t links; /* followed */
  uint32_t depth; /* levels below root */
  uint32_t held;  /* of them, the deepest, are open */
  uint32_t trail_len;
  const char *rest;             /* in `pending`: what is still to go */
  bool slash;                   /* one stood behind `name` */
  char name[WV_NAME_SIZE];      /* the component where the walk stands, as in
                                   wv_parent */
  int handles[WV_WALK_HANDLES]; /* of a level: at its number % their count */
  char trail[WV_WALK_SIZE];     /* the names of the levels, each with its NUL */
  char pending[WV_WALK_SIZE];
} wv_walk;

/* Ended by wv_walk_end. */
void wv_walk_begin(wv_walk *walk, wv_guest *guest, const wv_fd *dir,
                   const wv_path *path);
void wv_walk_end(wv_walk *walk);

/* The directory that `name` is in. */
int wv_walk_directory(const wv_walk *walk);
/* The same for the caller to keep; `*owned`: and to close. The walk is over. */
int wv_walk_take_directory(wv_walk *walk, bool *owned);

/* Goes on to the last component. EPERM: the way leads outside. */
wv_errno wv_walk_to_last(wv_walk *walk);

/* From a last component to that of what it leads to, if it is a link. */
wv_errno wv_walk_to_end(wv_walk *walk);

/* Opens the last component, or with FOLLOW what it leads to: see
 * wv_open_beneath. */
wv_errno wv_walk_open(wv_walk *walk, int flags, int *host_fd);

#endif
