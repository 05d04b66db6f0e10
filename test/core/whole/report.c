/* How often each call ended with each result. */
#include "whole.h"

#define NAME(name) [WV_OP_##name] = #name
const char *const op_names[OPS] = {
    NAME(ARGS_GET),
    NAME(ARGS_SIZES_GET),
    NAME(CLOCK_RES_GET),
    NAME(CLOCK_TIME_GET),
    NAME(ENVIRON_GET),
    NAME(ENVIRON_SIZES_GET),
    NAME(FD_ADVISE),
    NAME(FD_ALLOCATE),
    NAME(FD_CLOSE),
    NAME(FD_DATASYNC),
    NAME(FD_FDSTAT_GET),
    NAME(FD_FDSTAT_SET_FLAGS),
    NAME(FD_FDSTAT_SET_RIGHTS),
    NAME(FD_FILESTAT_GET),
    NAME(FD_FILESTAT_SET_SIZE),
    NAME(FD_FILESTAT_SET_TIMES),
    NAME(FD_PREAD),
    NAME(FD_PRESTAT_DIR_NAME),
    NAME(FD_PRESTAT_GET),
    NAME(FD_PWRITE),
    NAME(FD_READ),
    NAME(FD_READDIR),
    NAME(FD_RENUMBER),
    NAME(FD_SEEK),
    NAME(FD_SYNC),
    NAME(FD_TELL),
    NAME(FD_WRITE),
    NAME(PATH_CREATE_DIRECTORY),
    NAME(PATH_FILESTAT_GET),
    NAME(PATH_FILESTAT_SET_TIMES),
    NAME(PATH_LINK),
    NAME(PATH_OPEN),
    NAME(PATH_READLINK),
    NAME(PATH_REMOVE_DIRECTORY),
    NAME(PATH_RENAME),
    NAME(PATH_SYMLINK),
    NAME(PATH_UNLINK_FILE),
    NAME(POLL_ONEOFF),
    NAME(PROC_EXIT),
    NAME(PROC_RAISE),
    NAME(RANDOM_GET),
    NAME(SCHED_YIELD),
    NAME(SOCK_ACCEPT),
    NAME(SOCK_RECV),
    NAME(SOCK_SEND),
    NAME(SOCK_SHUTDOWN),
    NAME(BUFFERED_WRITE),
    NAME(BUFFERED_PWRITE),
    NAME(FLUSH),
    NAME(FLUSH_BEFORE),
    NAME(RESUME),
    NAME(SET_MEMORY),
    NAME(SET_ARGS),
    NAME(SET_ENVIRON),
    NAME(SET_BUFFER),
    NAME(INSERT),
    NAME(INSERT_BYTES),
    NAME(PREOPEN),
    NAME(REMOVE),
    NAME(REMOVE_TARGET),
    NAME(DESCRIBE),
    NAME(UNFLUSHED),
    NAME(TAKEN),
    NAME(GIVE_BACK),
    NAME(DISCARD),
    NAME(CAPTURE_SIZE),
    NAME(CAPTURE_READ),
    NAME(FREE_CAPTURES),
    NAME(STATS),
    NAME(CLOSE),
};

void add_tally(tally *to, const tally *from) {
  uint32_t op;
  uint32_t answer;

  for (op = 0; op < OPS; op++)
    for (answer = 0; answer < ANSWERS; answer++)
      to->answers[op][answer] += from->answers[op][answer];
  to->slices += from->slices;
  to->delivered += from->delivered;
  to->nested += from->nested;
}

/* Prints the frequent errnos, most frequent first. */
static void print_errnos(const unsigned long answers[ANSWERS]) {
  bool printed[ANSWERS] = {[WV_SUCCESS] = true};
  uint32_t answer;
  uint32_t most;
  uint32_t n;

  for (n = 0; n < 6; n++) {
    most = WV_SUCCESS;
    for (answer = 1; answer < ANSWERS; answer++)
      if (!printed[answer] && (most == 0 || answers[answer] > answers[most]))
        most = answer;
    if (answers[most] == 0 || most == WV_SUCCESS) break;
    printed[most] = true;
    if (most == ENDED)
      printf(" ended:%lu", answers[most]);
    else
      printf(" %u:%lu", most, answers[most]);
  }
}

void print_tally(const tally *of) {
  unsigned long total = 0;
  unsigned long calls;
  uint32_t op;
  uint32_t answer;

  for (op = 0; op < OPS; op++) {
    calls = 0;
    for (answer = 0; answer < ANSWERS; answer++)
      calls += of->answers[op][answer];
    total += calls;
    if (calls == 0) continue;
    printf("%-24s %9lu %5.1f%%", op_names[op], calls,
           100.0 * (double)of->answers[op][WV_SUCCESS] / (double)calls);
    print_errnos(of->answers[op]);
    printf("\n");
  }
  printf("%lu calls, %lu slices of waits, %lu deliveries, %lu calls within\n",
         total, of->slices, of->delivered, of->nested);
}
