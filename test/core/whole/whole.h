/* What the fuzzer of whole calls is made of: a tree with something outside, the
 * host's ends of streams, guests that make random calls, a thread that rewrites
 * their memory, and checks that end the program. */
#ifndef WHOLE_H
#define WHOLE_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "dispatch.h"
#include "flush.h"
#include "host.h"
#include "sharing.h"

/* Makes the descriptors of a guest, and calls. */
#define OPS (WV_OP_CLOSE + 1)

/* Errnos of WASI, then: a guest that was ended in a wait. */
#define ENDED (WV_ENOTCAPABLE + 1)
#define ANSWERS (ENDED + 1)

#define HOT 2 /* places that a call reads */

typedef struct tally {
  unsigned long answers[OPS][ANSWERS];
  unsigned long slices;
  unsigned long delivered;
  unsigned long nested;
} tally;

/* One guest, and the thread that has it. */
typedef struct player {
  wv_host host;
  _Alignas(8) uint32_t box[WV_BOX_WORDS];
  uint8_t *buffer; /* malloc, or NULL */
  uint64_t random;
  bool polite;               /* this call has arguments that could be good */
  bool alone;                /* no other thread has the memory, or the table */
  uint32_t root;             /* the preopen that this call is about: 0 or 1 */
  enum wv_op last_op;        /* the call before */
  uint32_t last_fd;          /* and its first argument */
  uint32_t depth;            /* of calls within calls */
  _Atomic uint64_t call;     /* its number in this round */
  _Atomic uint64_t hot[HOT]; /* offset and, above, length */
  uint32_t hot_count;
  tally *tally;
} player;

/* What a round is, by its seed. */
typedef struct setting {
  uint64_t seed;
  bool shared;    /* the table: threads of one guest */
  bool rewritten; /* the memory: by another thread, all the time */
  bool may_block;
} setting;

extern setting now; /* of this round */
extern player players[2];

/* Ends the program, with the call that was made: main.c. */
void fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
#define CHECK(condition) \
  ((condition) ? (void)0 : fail(__FILE__, __LINE__, "%s", #condition))

/* Numbers that look random. */
uint64_t random_word(player *self);
static inline uint32_t below(player *self, uint32_t limit) {
  return (uint32_t)(random_word(self) >> 33) % limit;
}
static inline bool one_in(player *self, uint32_t times) {
  return below(self, times) == 0;
}

/* The tree: tree.c. */

/* Paths: of two directories to preopen, and of the place beside them whose
 * files have the secret. */
extern char inside[2][64];
extern char outside[64];
#define SECRET "\xf5SECRET\xf6"

void make_tree(void);
void remove_tree(void);
/* What a guest finds in its preopens at first. */
void fill_preopens(void);
void empty_preopens(void);
/* In one of them, or behind links that stay there. */
bool is_there(uint32_t root, const char *name);
/* Ends the program if something outside has changed. */
void check_outside(void);
bool is_outside(uint64_t dev, uint64_t ino);

/* The streams of a guest, and the host at their other ends: streams.c. */

/* Inserts streams from fd 0 on, and whatever a host may have: terminals,
 * sockets, pipes, files. */
void open_streams(player *self);
/* For those that a guest has closed. */
void insert_socket(player *self);
void restore_preopens(player *self);
/* Puts in and takes out what goes at once. */
void run_host(void);
void close_streams(void);

/* Arguments: arguments.c. */

/* Fills the mailbox of `self`, and the memory, for `op`. */
void make_arguments(player *self, enum wv_op op);

/* A call as lib/ makes it: call.c. */
void begin_guest(player *self, wv_memory memory);
void end_guest(player *self);
/* One call at random, and what is to be true after it. */
void call_at_random(player *self);

/* The other thread: other.c. */
void start_other(void);
void stop_other(void);

/* The system calls between the core and sys_posix: seam.c. A clock runs SPEED
 * times as fast, so that waits are short. */
#define SPEED 64
extern bool unlimited; /* how large files get */

/* How often each call ended how: report.c. */
extern const char *const op_names[OPS];
void add_tally(tally *to, const tally *from);
void print_tally(const tally *of);

#endif
