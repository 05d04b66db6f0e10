/* What the parts of the fuzzer share: the input, what a call should write, and
 * a kernel that does what the input says. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest.h"
#include "wasi.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                        \
    }                                                                 \
  } while (0)

enum {
  MEMORY_USUAL = 1 << 16,
  MEMORY_MAX = 1 << 21, /* of which a list can name more than 4 GiB */
  ELEMENTS_MAX = MEMORY_MAX / 8,
  CALLS_MAX = 4,
  HOST_FDS = CALLS_MAX * 2,
  OWN_FDS = HOST_FDS,
};

/* The input. Zero where it has ended. */

extern const uint8_t *input;
extern size_t input_left;

uint8_t take_u8(void);
uint32_t take_u32(void);
/* A pointer or a length: small, about `near`, or anything. */
uint32_t take_word(uint64_t near);

/* What a call should write: the elements that are not empty. */
extern struct expected {
  uint64_t total;
  uint32_t count;
  uint32_t at;  /* the element that the next byte comes from */
  uint32_t off; /* and its place there */
  wv_iovec elements[ELEMENTS_MAX];
} expected;

/* What fstat(2) found of a file that was opened for the guest. */
enum { NOT_ASKED = -2, ASKED_IN_VAIN = -1 };

extern struct kernel {
  const uint8_t *base; /* of the guest's memory, or of what is drained */
  uint8_t *shared;     /* memory that another thread rewrites, or NULL */
  uint64_t shared_size;
  int host_fd;
  wv_kind kind;     /* that the guest knows when the call begins */
  int learned;      /* the wv_kind that fstat found, or one of those above */
  int64_t offset;   /* that a pwrite must have, -1 for a write */
  bool stream;      /* not one write alone */
  bool nonblocking; /* no call may block */
  int64_t limit;    /* of all waits, in nanoseconds, -1 for none */
  int64_t deadline; /* of that, from the first wait on, -1 before */
  bool bad_fd;
  bool host_nonblock;
  int64_t now;
  int64_t slice_start;    /* of this slice, -1 before it asks for the time */
  bool was_short;         /* the last write took some, and not all */
  bool must_wait;         /* there was no room, and no wait since */
  bool time_is_up;        /* a wait has ended so */
  bool ready;             /* poll has said so since the last write */
  size_t room;            /* for so many bytes */
  int writes;             /* that were not interrupted */
  uint64_t out;           /* bytes that were taken */
  uint64_t offered;       /* to the last write */
  bool took_none;         /* of that */
  int error;              /* of the last call but EINTR, 0 if it took bytes */
  bool owned[HOST_FDS];   /* descriptors of ours that are open */
  bool opened[HOST_FDS];  /* those opened for the guest */
  bool has_own[HOST_FDS]; /* opened again: that is number OWN_FDS + fd */
  bool no_own[HOST_FDS];  /* there can be none */
} kernel;

/* Before a call on the entry, which is NULL for none. */
void reset_kernel(const wv_guest *guest, const wv_fd *entry, int64_t offset,
                  uint8_t options);

/* Has the call that says WV_RESUME used its slice? */
bool slice_is_over(void);

/* Before a call is made once more, whose slice was over. */
void resume_kernel(void);

/* What WASI calls an errno of the host. */
wv_errno namesake(int host);

#endif
