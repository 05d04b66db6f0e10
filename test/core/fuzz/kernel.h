/* The kernel of the fuzzer: implements sys.h as the input says. Each subject
 * has its own answers to the calls that it needs. */
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

/* If a function is NULL, kernel.c answers, or nobody. */
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
  int64_t now;            /* the monotonic clock */
  int64_t slice_start;    /* -1 until the slice asks for the time */
  bool owned[HOST_FDS];   /* our descriptors that are open */
  bool has_own[HOST_FDS]; /* opened again, as OWN_FDS + fd */
  bool no_own[HOST_FDS];  /* cannot be opened again */
} kernel;

/* Starts with all descriptors closed. */
void begin_kernel(const struct answers *answers);
void check_all_closed(void);

/* Was the slice over when the call returned WV_RESUME? */
bool slice_is_over(void);

/* The host descriptor of `fd`, which may be one that was opened again. */
int host_fd_of(int fd);

/* Opens `fd` again, or fails, as the input says. */
int open_own(int fd);

/* A result of fstat(2): a kind, and how it looks. */
struct found {
  uint8_t kind; /* wv_kind */
  wv_filetype filetype;
  bool is_pipe;
};
#define FOUND_COUNT 8
extern const struct found founds[FOUND_COUNT];
void put_found(const struct found *found, wv_sys_stat *stat);

#endif
