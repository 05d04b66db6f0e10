/* The effect of a call on a path without races. */
#ifndef PATHS_ORACLE_H
#define PATHS_ORACLE_H

#include "calls.h"
#include "paths_kernel.h"

typedef struct path_call {
  enum wv_op op;
  uint32_t fd;
  uint32_t flags; /* lookupflags */
  uint32_t at;    /* the path, or the old one of a rename or a link */
  uint32_t len;
  uint32_t to_fd;
  uint32_t to; /* the new path, or the text of a link */
  uint32_t to_len;
  uint32_t oflags;
  uint32_t fdflags;
  uint32_t fstflags;
  uint64_t rights; /* or the access time */
  uint64_t inheriting;
  uint32_t buf;
  uint32_t buf_len;
  uint32_t result;
} path_call;

/* The result of path_open. */
struct opened {
  int node;
  uint32_t fd;
  int access;  /* WV_SYS_OPEN_READ, _WRITE */
  bool pauses; /* a FIFO that has no reader yet */
};

/* Makes the call's changes in `tree` and `shadow`. */
wv_errno expect_path_call(const path_call *call, struct tree *tree,
                          struct opened *opened);

#endif
