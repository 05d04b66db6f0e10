/* Fuzzing of whole calls, without Node: all of preview1 and the operations of
 * src/host.c, with random numbers and a random memory, over real files, pipes,
 * sockets and terminals.
 *
 *   whole [--calls N] [--seed N] [--round N]
 *
 * A round has one guest, or two threads of one, and some thousands of calls.
 * Its seed is the seed of the run plus its number. A round with a second thread
 * differs each time. --round runs a single round. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "whole.h"

#define CALLS 1500u /* in a round */
#define HANG 60     /* seconds */
#define MOST_FILES 1000
#define LARGEST_FILE (1u << 20)

setting now;
player players[2];

static uint64_t round_number;
static uint64_t run_seed;
static tally total;
static tally tallies[2];

static void print_player(const player *of) {
  const uint64_t *wide = (const uint64_t *)(const void *)of->box;
  uint32_t i;

  fprintf(stderr, "call %lu: %s(", (unsigned long)of->call,
          of->box[WV_BOX_OP] < OPS ? op_names[of->box[WV_BOX_OP]] : "?");
  for (i = 0; i < 7; i++)
    fprintf(stderr, "%s0x%x", i == 0 ? "" : ", ",
            of->box[WV_BOX_ARGUMENTS + i]);
  fprintf(stderr, "; 0x%lx, 0x%lx)\n", (unsigned long)wide[WV_BOX_WIDE],
          (unsigned long)wide[WV_BOX_WIDE + 1]);
}

/* Also called when a sanitizer ends the program. */
static void print_round(void) {
  fprintf(stderr, "--seed %lu --round %lu%s%s%s\n", (unsigned long)run_seed,
          (unsigned long)round_number, now.shared ? ", shared" : "",
          now.rewritten ? ", rewritten" : "", now.may_block ? ", blocks" : "");
  print_player(&players[0]);
  if (now.shared) print_player(&players[1]);
}

void fail(const char *file, int line, const char *format, ...) {
  va_list values;

  va_start(values, format);
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, values);
  fprintf(stderr, "\n");
  print_round();
  _exit(1);
}

static void hang(int signal) {
  (void)signal;
  fail(__FILE__, __LINE__, "a call that does not come back");
}

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
void __sanitizer_set_death_callback(void (*callback)(void));
#define TELL_OF_DEATH() __sanitizer_set_death_callback(print_round)
#else
#define TELL_OF_DEATH() ((void)0)
#endif

/* Finds the inode of each number, 0 if it is not open. */
static void look_at_files(uint64_t inodes[MOST_FILES]) {
  struct stat st;
  int fd;

  for (fd = 0; fd < MOST_FILES; fd++)
    inodes[fd] = fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void check_files(const uint64_t before[MOST_FILES]) {
  uint64_t after[MOST_FILES];
  int fd;

  look_at_files(after);
  for (fd = 0; fd < MOST_FILES; fd++)
    if (before[fd] != after[fd])
      fail(__FILE__, __LINE__, "descriptor %d was inode %lu and is %lu", fd,
           (unsigned long)before[fd], (unsigned long)after[fd]);
}

static void set_limits(void) {
  const struct rlimit size = {
      .rlim_cur = unlimited ? RLIM_INFINITY : LARGEST_FILE,
      .rlim_max = RLIM_INFINITY};

  CHECK(setrlimit(RLIMIT_FSIZE, &size) == 0);
}

static wv_memory new_memory(player *self) {
  const uint32_t sizes[] = {65536, 65536, 20000, 131072, 4097};
  wv_memory memory = {.size = sizes[below(self, 5)]};
  uint64_t i;

  memory.base = malloc(memory.size);
  for (i = 0; i < memory.size; i++) memory.base[i] = (uint8_t)below(self, 4);
  return memory;
}

static void begin_player(uint32_t i, uint64_t seed) {
  players[i].random = (seed * 2 + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
  players[i].alone = !now.shared && !now.rewritten;
  players[i].depth = 0;
  players[i].last_op = WV_OP_ARGS_GET;
  players[i].call = 0;
  memset((void *)players[i].hot, 0, sizeof(players[i].hot));
  players[i].tally = &tallies[i];
}

static void begin_round(uint64_t seed) {
  player *first = &players[0];
  wv_memory memory;

  now = (setting){.seed = seed};
  begin_player(0, seed);
  now.shared = one_in(first, 4);
  now.rewritten = now.shared || one_in(first, 3);
  now.may_block = one_in(first, 6);
  unlimited = one_in(first, 6);
  begin_player(0, seed);
  begin_player(1, seed);
  set_limits();
  fill_preopens();
  memory = new_memory(first);
  begin_guest(first, memory);
  if (!now.shared) return;
  begin_guest(&players[1], memory);
  CHECK(players[1].host.guest.fds == first->host.guest.fds);
}

static void run_round(uint64_t seed) {
  uint64_t files[MOST_FILES];
  uint32_t i;

  look_at_files(files);
  begin_round(seed);
  start_other();
  for (i = 0; i < CALLS; i++) {
    if (i % 128 == 0) alarm(HANG);
    call_at_random(&players[0]);
  }
  if (!now.may_block) stop_other();
  end_guest(&players[0]);
  if (now.may_block) stop_other();
  if (now.shared) end_guest(&players[1]);
  free(players[0].host.guest.memory.base);
  check_outside();
  close_streams();
  empty_preopens();
  check_files(files);
}

static unsigned long calls_of(const tally *of) {
  unsigned long calls = 0;
  uint32_t op;
  uint32_t answer;

  for (op = 0; op < OPS; op++)
    for (answer = 0; answer < ANSWERS; answer++)
      calls += of->answers[op][answer];
  return calls;
}

static void end_round(unsigned long *done) {
  uint32_t i;

  for (i = 0; i < 2; i++) {
    add_tally(&total, &tallies[i]);
    *done += calls_of(&tallies[i]);
    memset(&tallies[i], 0, sizeof(tallies[i]));
  }
}

int main(int argc, char **argv) {
  const struct rlimit files = {.rlim_cur = MOST_FILES, .rlim_max = MOST_FILES};
  unsigned long calls = 100000;
  unsigned long done = 0;
  bool only = false;
  int i;

  run_seed = 1;
  for (i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--calls") == 0) calls = strtoul(argv[i + 1], NULL, 10);
    if (strcmp(argv[i], "--seed") == 0)
      run_seed = strtoull(argv[i + 1], NULL, 10);
    if (strcmp(argv[i], "--round") == 0) {
      round_number = strtoull(argv[i + 1], NULL, 10);
      only = true;
    }
  }
  TELL_OF_DEATH();
  signal(SIGALRM, hang);
  wv_sys_ignore_write_signals();
  CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
  make_tree();
  if (only) calls = 1;
  for (; done < calls; round_number++) {
    run_round(run_seed * 1000003 + round_number);
    end_round(&done);
  }
  remove_tree();
  print_tally(&total);
  return 0;
}
