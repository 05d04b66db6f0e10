/* The kernel's answers to reads, and the bytes read. */
#ifndef READS_KERNEL_H
#define READS_KERNEL_H

#include "kernel.h"
#include "memory.h"

typedef enum reading { READ, PREAD, RECEIVE } reading;

extern struct incoming {
  reading reading;
  int host_fd;
  wv_kind kind;    /* as known when the call begins */
  uint32_t finds;  /* index into founds of the result of fstat, or none */
  bool asked;      /* fstat was called */
  int64_t offset;  /* required for a pread, -1 for a read */
  bool positioned; /* the call has an offset */
  bool nonblock;   /* the guest set NONBLOCK */
  bool shared;     /* another thread rewrites the memory */
  bool bad_fd;     /* the descriptor is closed */
  bool peek;       /* a receive that peeks */
  bool all;        /* a receive that waits for all bytes */
  uint64_t list;   /* address of the list */
  uint64_t list_end;
  bool list_changed; /* overwritten by the data: it may be read again */
  bool must_wait;    /* there was no data, and no wait since */
  bool was_short;    /* the last read took some bytes, not all */
  bool ready;        /* poll found data since the last read */
  bool no_answer;    /* a read_nowait had no answer since the last poll */
  bool writer;       /* the FIFO has or had a writer */
  bool at_end;       /* the last read returned 0 */
  bool truncated;    /* the last read returned this */
  int error;         /* of the last call, except EINTR; 0 if it took bytes */
  int reads;         /* reads that took bytes */
  uint64_t in;       /* bytes read */
  uint64_t offered;  /* bytes offered to the last read */
  uint8_t next;      /* the next byte */
} incoming;

extern const struct answers read_answers;

/* Called before a call on `entry`, which is NULL if there is none. */
void begin_reads(const wv_fd *entry, reading call, uint8_t options);

/* Called before each slice of a call, whose list is in `expected`. */
void resume_reads(void);

/* Is the place of the bytes unknown? A receive that goes on reads its list
 * again. */
bool is_anywhere(void);

/* The kind of the file that is read, which the kernel may have been asked for.
 */
int kind_of_incoming(void);

#endif
