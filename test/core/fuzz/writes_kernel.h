/* The kernel's answers to writes, and the bytes written. */
#ifndef WRITES_KERNEL_H
#define WRITES_KERNEL_H

#include "kernel.h"
#include "memory.h"

/* Results of fstat(2) on a file opened for the guest, besides a kind. */
enum { NOT_ASKED = -2, ASKED_IN_VAIN = -1 };

extern struct outgoing {
  const uint8_t *base; /* the guest's memory, or the buffer that is flushed */
  bool shared;         /* another thread rewrites the memory */
  uint64_t list;       /* address of the list */
  int host_fd;
  wv_kind kind;     /* as known when the call begins */
  int learned;      /* the wv_kind that fstat returned, or one of the above */
  int64_t offset;   /* required for a pwrite, -1 for a write */
  bool stream;      /* may take several writes */
  bool nonblocking; /* no system call may block */
  int64_t limit;    /* on all waits, in nanoseconds, -1 for none */
  int64_t deadline; /* the end of the limit; -1 before the first wait */
  bool bad_fd;
  bool host_nonblock;
  bool was_short;   /* the last write took some bytes, not all */
  bool must_wait;   /* there was no room, and no wait since */
  bool time_is_up;  /* a wait has used up the limit */
  bool ready;       /* poll found room since the last write */
  size_t room;      /* bytes of room that poll promises */
  int writes;       /* writes that were not interrupted */
  uint64_t out;     /* bytes written */
  uint64_t offered; /* bytes offered to the last write */
  bool took_none;   /* the last write took nothing */
  int error;        /* of the last call, except EINTR; 0 if it took bytes */
} outgoing;

extern const struct answers write_answers;

/* Called before a call on `entry`, which is NULL if there is none. */
void begin_writes(const wv_fd *entry, int64_t offset, uint8_t options);

/* Called before a call is resumed. */
void resume_writes(void);

#endif
