/* The kernel's answers to poll_oneoff: clocks, and descriptors that are ready
 * or not. */
#ifndef POLLS_KERNEL_H
#define POLLS_KERNEL_H

#include "kernel.h"
#include "memory.h"

/* A host descriptor. */
struct polled {
  uint32_t finds; /* index into founds of the result of fstat, or none */
  int64_t readable;
  int64_t position; /* of a file; -1: no position */
  uint64_t size;
  uint8_t events; /* that a poll must ask for, WV_SYS_POLL_* */
  uint8_t ready;  /* the result of the last poll */
};

extern struct polling_kernel {
  struct polled fds[HOST_FDS];
  uint64_t real;        /* the realtime clock */
  uint64_t tick;        /* how much a look at a clock takes */
  uint64_t seen[2];     /* the time at the last look, for each clock */
  int64_t begun;        /* when the slice began */
  uint64_t first;       /* first look at the monotonic clock, or 0 */
  int looks;            /* looks at clocks in this slice */
  bool shared;          /* another thread rewrites the memory */
  uint64_t list;        /* address of the subscriptions */
  bool set;             /* the wall clock was set in this slice */
  bool at_once;         /* there is an event already */
  uint64_t deadline[2]; /* the first one on each clock, or UINT64_MAX */
  int error;            /* of the last poll, except EINTR */
  int ready;            /* how many descriptors the last poll found ready */
} polling;

extern const struct answers poll_answers;

/* Called before a call, and before each resumption. */
void begin_polling(bool shared);
void resume_polling(void);

#endif
