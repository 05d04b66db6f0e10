/* The kernel of the fuzzer: the functions of sys.h, which do what the input
 * says. Each subject answers those that it needs in a way of its own. */
#ifndef KERNEL_H
#define KERNEL_H

#include "input.h"
#include "sys.h"

#define MS INT64_C(1000000)
#define SLICE (20 * MS)

enum {
  HOST_FDS = 8,
  OWN_FDS = HOST_FDS,
};

/* A function that is NULL has the answer of kernel.c, or none. */
struct answers {
  int (*poll)(wv_sys_pollfd *fds, uint32_t count, int64_t timeout);
  int (*clock)(uint32_t id, uint64_t *now);
  int (*flags)(int fd);
  int (*fstat)(int fd, wv_sys_stat *stat);
  bool (*is_terminal)(int fd);
  int (*reopen)(int fd);
  int (*close)(int fd);
};

extern struct kernel {
  const struct answers *answers;
  int64_t now;            /* on the monotonic clock */
  int64_t slice_start;    /* of this slice, -1 before it asks for the time */
  bool owned[HOST_FDS];   /* descriptors of ours that are open */
  bool has_own[HOST_FDS]; /* opened again: that is number OWN_FDS + fd */
  bool no_own[HOST_FDS];  /* there can be none */
} kernel;

/* All descriptors of the kernel are closed. */
void begin_kernel(const struct answers *answers);
void check_all_closed(void);

/* Has the call that says WV_RESUME used its slice? */
bool slice_is_over(void);

/* What `fd` may be: a descriptor, or the one of its own. */
int host_fd_of(int fd);

/* Opens one of its own for `fd`, or not, as the input says. */
int open_own(int fd);

/* What fstat(2) may find: a kind, and how it is told. */
struct found {
  uint8_t kind; /* wv_kind */
  wv_filetype filetype;
  bool is_pipe;
};
#define FOUND_COUNT 8
extern const struct found founds[FOUND_COUNT];
void put_found(const struct found *found, wv_sys_stat *stat);

#endif
