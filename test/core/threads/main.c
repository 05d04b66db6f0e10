/* Threads of one guest, without Node, under ThreadSanitizer: guests over one
 * block of memory join a table, use it at the same time, and leave.
 *
 *   threads [--seconds N] [--seed N]
 *
 * Afterwards no record may be in a wrong file, lost or duplicated, and no
 * descriptor left open. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys.h"
#include "threads.h"

#define ROUND 1000000 /* microseconds */

_Atomic unsigned failures;

static unsigned long calls;
static unsigned long guests;

/* A guest that stays for the round, so that others can join its table. */
static void stay(thread_guest *of, enum preopens preopens, uint8_t *memory,
                 wv_fd_table **table) {
  new_guest(of, 0, preopens);
  share_guest(of, memory);
  /* The table is new: nothing is left from the last round. */
  CHECK(of->guest.fds->count == (preopens == BOTH ? 5u : 4u));
  *table = of->guest.fds;
}

static void run_round(uint8_t *memory, uint64_t seed, bool stays) {
  static thread_guest first[PREOPENS];
  const int fds = count_open_fds();
  wv_fd_table *tables[PREOPENS] = {NULL};
  worker workers[THREADS];
  pthread_t threads[THREADS];
  atomic_bool stop = false;
  uint32_t i;

  for (i = 0; stays && i < PREOPENS; i++)
    stay(&first[i], (enum preopens)i, memory, &tables[i]);
  if (stays) CHECK(tables[BOTH] != tables[ROOT_ALONE]);
  for (i = 0; i < THREADS; i++) {
    workers[i] = (worker){
        .thread = i,
        .memory = memory,
        .seed = (seed * THREADS + i + 1) * UINT64_C(0x9e3779b97f4a7c15),
        .stop = &stop};
    memcpy(workers[i].tables, tables, sizeof(tables));
    CHECK(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
  }
  usleep(ROUND);
  atomic_store(&stop, true);
  for (i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    calls += workers[i].calls;
    guests += workers[i].guests;
  }
  for (i = 0; stays && i < PREOPENS; i++) wv_guest_free(&first[i].guest);
  CHECK(count_open_fds() == fds);
  check_records();
  forget_records();
}

int main(int argc, char **argv) {
  unsigned seconds = 5;
  uint64_t seed = 1;
  unsigned round;
  uint8_t *memory;
  int i;

  for (i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--seconds") == 0)
      seconds = (unsigned)strtoul(argv[i + 1], NULL, 10);
    if (strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[i + 1], NULL, 10);
  }
  memory = mmap(NULL, (size_t)THREADS * REGION, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  make_root();
  test_sharing(memory);
  for (round = 0; round < seconds && failures == 0; round++)
    run_round(memory, seed + round, round % 2 == 0);
  remove_root();
  printf("%lu calls of %lu guests, %lu records, %lu of known places\n", calls,
         guests, records_found, records_known);
  CHECK(records_known > records_found / 4);
  if (failures > 0) fprintf(stderr, "%u failed\n", failures);
  return failures > 0;
}
