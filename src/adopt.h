/* Which host descriptor stands behind a guest fd of another WASI host?
 *
 * The other host keeps that to itself, but it sets NONBLOCK on the guest fd
 * when asked to (fd_fdstat_set_flags), and O_NONBLOCK then shows on the open
 * file description. So: list the candidates, let the caller flip the flag, and
 * keep those that followed. Exactly the description that is sought follows each
 * time. The proof ends on a copy of the descriptor, since a number can be
 * closed and given out again between two looks, and a copy can not. */
#ifndef WV_ADOPT_H
#define WV_ADOPT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero when it starts. */
typedef struct wv_search {
  int *fds;
  size_t count;
  size_t capacity;
  bool copied; /* fds[0] is a copy of ours, and the only candidate */
} wv_search;

/* Begins with the writable descriptors whose O_NONBLOCK is `nonblock`: `hint`
 * alone, or all of the process when `hint` is negative. */
void wv_search_begin(wv_search *search, int hint, bool nonblock);

/* Drops the candidates whose O_NONBLOCK is not `nonblock`. */
void wv_search_keep(wv_search *search, bool nonblock);

/* Goes on with a copy of the first candidate alone. */
void wv_search_copy(wv_search *search);

/* Ends the search, and gives away the copy: -1 if there is none. */
int wv_search_take(wv_search *search);

/* Ends the search and releases what it holds. */
void wv_search_end(wv_search *search);

/* The number that the next open(2) is likely to get, or -1. */
int wv_lowest_free_fd(void);

#endif
