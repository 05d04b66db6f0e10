/* Shared by the tests of threads: guests over one block of memory, files whose
 * records name their place, and checks that do not end the test. */
#ifndef THREADS_H
#define THREADS_H

#include <stdatomic.h>
#include <stdio.h>

#include "dispatch.h"
#include "flush.h"
#include "host.h"
#include "sharing.h"

#define THREADS 8u
#define REGION 65536u /* bytes of memory for each thread */

extern _Atomic unsigned failures;

#define CHECK(condition)                                                \
  do {                                                                  \
    if (!(condition)) {                                                 \
      if (failures++ < 20)                                              \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                   \
  } while (0)

/* The directories, and the guests' preopens: root.c. */

enum preopens { BOTH, ROOT_ALONE, PREOPENS };
enum { ROOT_FD = 3, MANY_FD = 4, FREE_FD = 5 };
#define MANY 300u /* files in root/many, "0" to "299" */

/* contains files f…; d/ with the link "abs" to it; many/; fifo */
extern char root[64];
extern int fifo; /* kept open, so that written bytes stay in it */

void make_root(void);
void remove_root(void);

typedef struct thread_guest {
  wv_guest guest;
  uint32_t base; /* of its region */
  uint32_t thread;
  uint8_t buffer[WV_BUFFER_HEADER_SIZE + 256];
  _Alignas(8) uint32_t box[WV_BOX_WORDS];
} thread_guest;

/* A guest with its preopens and three files of its own as streams, before its
 * memory is shared. */
void new_guest(thread_guest *of, uint32_t thread, enum preopens preopens);
void share_guest(thread_guest *of, uint8_t *memory);

/* Makes a call by the mailbox. */
wv_errno dispatch(thread_guest *of, enum wv_op op, const uint32_t *arguments,
                  uint64_t wide);
#define CALL(of, op, wide, ...) \
  dispatch(of, op, (const uint32_t[8]){__VA_ARGS__}, wide)

uint8_t *at(const thread_guest *of,
            uint32_t offset); /* an address in the guest's region */
wv_errno open_file(thread_guest *of, const char *path, uint32_t oflags,
                   uint32_t fdflags, uint32_t *fd);
/* 0: not open. */
uint64_t inode_of(thread_guest *of, uint32_t fd);

int count_open_fds(void);

/* Records: records.c. A record contains its thread and number. If its write
 * succeeded, it is in exactly one file; if `inode` is not 0, in that one. */

#define RECORD_SIZE 32u
#define RECORDS_MAX 150000u /* for each thread */

enum outcome { UNUSED_RECORD, FAILED, WRITTEN, PLACED };

/* False: none is left. */
bool new_record(uint32_t thread, uint8_t *to, uint32_t *number);
/* PLACED: an fd_pwrite, which a later one of the same thread may overwrite. */
void end_record(uint32_t thread, uint32_t number, enum outcome outcome,
                uint64_t inode);
void forget_records(void);
/* Reads the FIFO and all files, removes the files, and checks each record. */
void check_records(void);
extern unsigned long records_found;
extern unsigned long records_known; /* those whose inode is known */

/* The tests. */
void test_sharing(uint8_t *memory);
/* Joins, calls and leaves until `*stop`. */
typedef struct worker {
  uint32_t thread;
  uint8_t *memory;
  uint64_t seed;
  const atomic_bool *stop;
  wv_fd_table *tables[PREOPENS]; /* the tables to join, or NULL */
  unsigned long calls;
  unsigned long guests;
} worker;
void *work(void *of);

#endif
