/* What a call about a path does where nothing races. */
#ifndef PATHS_ORACLE_H
#define PATHS_ORACLE_H

#include "calls.h"
#include "paths_kernel.h"

typedef struct path_call {
  enum wv_op op;
  uint32_t fd;
  uint32_t flags; /* lookupflags */
  uint32_t at;    /* the path, or that of what is renamed or linked */
  uint32_t len;
  uint32_t to_fd;
  uint32_t to; /* the other path, or the text of a link */
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

/* Of path_open. */
struct opened {
  int node;
  uint32_t fd;
  int access;  /* WV_SYS_OPEN_READ, _WRITE */
  bool pauses; /* it is a FIFO, which has no reader yet */
};

/* Changes `tree` and `shadow` as the call should. */
wv_errno expect_path_call(const path_call *call, struct tree *tree,
                          struct opened *opened);

#endif
