/* The parts of the fuzzer of whole calls: a tree with an outside, the host's
 * ends of streams, guests that make random calls, a thread that rewrites their
 * memory, and checks that end the program. */
#ifndef WHOLE_H
#define WHOLE_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "dispatch.h"
#include "flush.h"
#include "host.h"
#include "sharing.h"

/* The number of calls and operations. */
#define OPS (WV_OP_CLOSE + 1)

/* The errnos of WASI, then ENDED: the guest was ended in a wait. */
#define ENDED (WV_ENOTCAPABLE + 1)
#define ANSWERS (ENDED + 1)

#define HOT 2 /* ranges that a call reads */

typedef struct tally {
  unsigned long answers[OPS][ANSWERS];
  unsigned long slices;
  unsigned long delivered;
  unsigned long nested;
} tally;

/* A guest, and its thread. */
typedef struct player {
  wv_host host;
  _Alignas(8) uint32_t box[WV_BOX_WORDS];
  uint8_t *buffer; /* malloc, or NULL */
  uint64_t random;
  bool polite;               /* each argument of this call is valid by itself */
  bool alone;                /* no other thread has its memory or table */
  uint32_t root;             /* the preopen of this call: 0 or 1 */
  enum wv_op last_op;        /* of the previous call */
  uint32_t last_fd;          /* its first argument */
  uint32_t depth;            /* of nested calls */
  _Atomic uint64_t call;     /* its number in this round */
  _Atomic uint64_t hot[HOT]; /* offset, and length in the upper half */
  uint32_t hot_count;
  tally *tally;
} player;

/* The setting of a round, determined by its seed. */
typedef struct setting {
  uint64_t seed;
  bool shared;    /* threads share the table */
  bool rewritten; /* another thread rewrites the memory all the time */
  bool may_block;
} setting;

extern setting now; /* of this round */
extern player players[2];

/* Prints the current call and ends the program: main.c. */
void fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
#define CHECK(condition) \
  ((condition) ? (void)0 : fail(__FILE__, __LINE__, "%s", #condition))

/* Pseudorandom numbers. */
uint64_t random_word(player *self);
static inline uint32_t below(player *self, uint32_t limit) {
  return (uint32_t)(random_word(self) >> 33) % limit;
}
static inline bool one_in(player *self, uint32_t times) {
  return below(self, times) == 0;
}

/* The tree: tree.c. */

/* Paths of the two preopens, and of the directory beside them whose files
 * contain the secret. */
extern char inside[2][64];
extern char outside[64];
#define SECRET "\xf5SECRET\xf6"

void make_tree(void);
void remove_tree(void);
/* Creates the initial contents of the preopens. */
void fill_preopens(void);
void empty_preopens(void);
/* Is the name there, in the preopen or behind links within it? */
bool is_there(uint32_t root, const char *name);
/* Ends the program if anything outside has changed. */
void check_outside(void);
bool is_outside(uint64_t dev, uint64_t ino);

/* The streams of a guest, and the host's ends of them: streams.c. */

/* Inserts streams from fd 0 on, and other descriptors that a host may give:
 * terminals, sockets, pipes, files. */
void open_streams(player *self);
/* Replaces sockets that a guest has closed. */
void insert_socket(player *self);
void restore_preopens(player *self);
/* Reads and writes what it can without waiting. */
void run_host(void);
void close_streams(void);

/* Arguments: arguments.c. */

/* Fills the mailbox of `self` and its memory for `op`. */
void make_arguments(player *self, enum wv_op op);

/* A call as lib/ makes it: call.c. */
void begin_guest(player *self, wv_memory memory);
void end_guest(player *self);
/* Makes a random call, and checks the state afterwards. */
void call_at_random(player *self);

/* The other thread: other.c. */
void start_other(void);
void stop_other(void);

/* The system calls between the core and sys_posix: seam.c. Clocks run SPEED
 * times as fast, to keep waits short. */
#define SPEED 64
extern bool unlimited; /* file sizes have no limit */

/* How often each call ended with each result: report.c. */
extern const char *const op_names[OPS];
void add_tally(tally *to, const tally *from);
void print_tally(const tally *of);

#endif
