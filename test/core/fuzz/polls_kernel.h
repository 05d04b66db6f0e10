/* What the kernel answers to poll_oneoff: clocks, and descriptors that are
 * ready or not. */
#ifndef POLLS_KERNEL_H
#define POLLS_KERNEL_H

#include "kernel.h"
#include "memory.h"

/* A host descriptor. */
struct polled {
  uint32_t finds; /* what fstat finds: of founds, or nothing */
  int64_t readable;
  int64_t position; /* of a file; -1: it has none */
  uint64_t size;
  uint8_t events; /* that it must be polled for, WV_SYS_POLL_* */
  uint8_t ready;  /* as the last poll said */
};

extern struct polling_kernel {
  struct polled fds[HOST_FDS];
  uint64_t real;    /* the realtime clock */
  uint64_t tick;    /* that passes with each look at a clock */
  uint64_t seen[2]; /* the last look at each clock */
  int64_t begun;    /* when the slice began */
  uint64_t first;   /* the first look of a call at the monotonic clock, or 0 */
  int looks;        /* at clocks in this slice */
  bool shared;      /* another thread rewrites the memory */
  uint64_t list;    /* where the subscriptions stand */
  bool set;         /* the wall clock, in this slice */
  bool at_once;     /* an event needs no wait */
  uint64_t deadline[2]; /* the first on each clock, or UINT64_MAX */
  int error;            /* of the last poll, but EINTR */
  int ready;            /* descriptors, as the last poll said */
} polling;

extern const struct answers poll_answers;

/* Before a call, and before it is made once more. */
void begin_polling(bool shared);
void resume_polling(void);

#endif
