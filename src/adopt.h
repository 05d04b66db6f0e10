/* Which host descriptor stands behind a guest fd of another WASI host?
 *
 * The other host keeps that to itself, but it moves the file offset of the
 * guest fd when asked to (fd_seek), and sets NONBLOCK on it
 * (fd_fdstat_set_flags). Both belong to the open file description, and show on
 * every descriptor of it. So: list the candidates, let the caller move by a
 * random distance, and keep those that followed. Where there is no offset,
 * NONBLOCK in a random pattern does it.
 *
 * The proof ends on a copy of the descriptor, since a number can be closed and
 * given out again between two looks, and a copy can not. */
#ifndef WV_ADOPT_H
#define WV_ADOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wv_candidate {
  int fd;
  int64_t offset; /* when the search began; -1 where there is none */
} wv_candidate;

/* Zero when it starts. */
typedef struct wv_search {
  wv_candidate *list;
  size_t count;
  size_t capacity;
  bool copied; /* list[0] is a copy of ours, and the only candidate */
} wv_search;

/* Begins with the descriptor `hint` alone, or all of the process when `hint` is
 * negative. */
void wv_search_begin(wv_search *search, int hint);

/* Goes on with a copy of the candidate whose offset is `distance` from where it
 * was, and moves it back. False where there is none, and nothing was moved. */
bool wv_search_settle_moved(wv_search *search, int64_t distance);

/* Drops the candidates whose O_NONBLOCK is not `nonblock`. */
void wv_search_keep_nonblock(wv_search *search, bool nonblock);

/* Goes on with a copy of the first candidate alone. */
void wv_search_copy(wv_search *search);

/* Ends the search, and gives away the copy: -1 if there is none. */
int wv_search_take(wv_search *search);

/* Ends the search and releases what it holds. */
void wv_search_end(wv_search *search);

/* The number that the next open(2) is likely to get, or -1. */
int wv_lowest_free_fd(void);

#endif
