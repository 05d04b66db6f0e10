/* What the kernel answers to who reads, and what came in. */
#ifndef READS_KERNEL_H
#define READS_KERNEL_H

#include "kernel.h"
#include "memory.h"

typedef enum reading { READ, PREAD, RECEIVE } reading;

extern struct incoming {
  reading reading;
  int host_fd;
  wv_kind kind;    /* that the guest knows when the call begins */
  uint32_t finds;  /* what fstat finds: of founds, or nothing */
  bool asked;      /* fstat has been */
  int64_t offset;  /* that a pread must have, -1 for a read */
  bool positioned; /* it has one */
  bool nonblock;   /* the guest does not wait */
  bool shared;     /* another thread rewrites the memory */
  bool bad_fd;     /* it is closed */
  bool peek;       /* a receive with that */
  bool all;        /* a receive that goes on until all is in */
  uint64_t list;   /* where the list stands, and where it ends */
  uint64_t list_end;
  bool list_changed; /* by who wrote into it: it may be read again */
  bool must_wait;    /* there was no data, and no wait since */
  bool was_short;    /* the last read took some, and not all */
  bool ready;        /* poll has said so since the last read */
  bool no_answer;    /* of a read that does not wait, since the last poll */
  bool writer;       /* the FIFO has one, or had one */
  bool at_end;       /* the last read took none */
  bool truncated;    /* the last one said so */
  int error;         /* of the last call but EINTR, 0 if it took bytes */
  int reads;         /* that took bytes */
  uint64_t in;       /* bytes */
  uint64_t offered;  /* to the last read */
  uint8_t next;      /* the byte that comes next */
} incoming;

extern const struct answers read_answers;

/* Before a call on the entry, which is NULL for none. */
void begin_reads(const wv_fd *entry, reading call, uint8_t options);

/* Before a call is made, or made once more, whose list is in `expected`. */
void resume_reads(void);

/* Can nobody tell where the bytes lie? A receive that goes on reads its list
 * once more. */
bool is_anywhere(void);

/* The kind of what is read, once the kernel was asked if need be. */
int kind_of_incoming(void);

#endif
