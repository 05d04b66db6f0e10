/* What the kernel answers to who writes, and what went out. */
#ifndef WRITES_KERNEL_H
#define WRITES_KERNEL_H

#include "kernel.h"
#include "memory.h"

/* What fstat(2) found of a file that was opened for the guest. */
enum { NOT_ASKED = -2, ASKED_IN_VAIN = -1 };

extern struct outgoing {
  const uint8_t *base; /* of the guest's memory, or of what is drained */
  bool shared;         /* another thread rewrites the memory */
  uint64_t list;       /* where the list stands */
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
  bool was_short;   /* the last write took some, and not all */
  bool must_wait;   /* there was no room, and no wait since */
  bool time_is_up;  /* a wait has ended so */
  bool ready;       /* poll has said so since the last write */
  size_t room;      /* for so many bytes */
  int writes;       /* that were not interrupted */
  uint64_t out;     /* bytes that were taken */
  uint64_t offered; /* to the last write */
  bool took_none;   /* of that */
  int error;        /* of the last call but EINTR, 0 if it took bytes */
} outgoing;

extern const struct answers write_answers;

/* Before a call on the entry, which is NULL for none. */
void begin_writes(const wv_fd *entry, int64_t offset, uint8_t options);

/* Before a call is made once more, whose slice was over. */
void resume_writes(void);

#endif
