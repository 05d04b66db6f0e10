/* Shared by the tests of the sandbox: a guest, its calls with strings for
 * paths, a tree with an outside, and checks that end the test. */
#ifndef BENEATH_TEST_H
#define BENEATH_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "dispatch.h"
#include "flush.h"
#include "host.h"

#define FOLLOW WV_LOOKUP_SYMLINK_FOLLOW
#define READ_RIGHTS (WV_RIGHTS_FD_READ | WV_RIGHTS_FD_READDIR)

extern wv_guest guest;

/* How many calls were tried. */
extern unsigned long cases;

/* Describes the case at hand for `fail`. */
void fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
#define CHECK(condition) \
  ((condition) ? (void)0 : fail(__FILE__, __LINE__, "%s", #condition))
#define EXPECT(wanted, call)                                              \
  do {                                                                    \
    unsigned wanted_ = (wanted);                                          \
    unsigned got_ = (call);                                               \
    cases++;                                                              \
    if (got_ != wanted_)                                                  \
      fail(__FILE__, __LINE__, "%s is %u, not %u", #call, got_, wanted_); \
  } while (0)

/* The calls, with strings for paths. Their results are in `result`. */
typedef struct result {
  uint32_t fd;  /* path_open */
  uint64_t dev; /* path_filestat_get */
  uint64_t ino;
  uint64_t size;
  uint32_t filetype;
  uint32_t len; /* path_readlink */
  char text[5000];
} result;
extern result result_of_call;

wv_errno do_open(uint32_t dir, const char *path, uint32_t lookup,
                 uint32_t oflags, uint64_t rights, uint32_t fdflags);
wv_errno do_stat(uint32_t dir, const char *path, uint32_t lookup);
wv_errno do_set_times(uint32_t dir, const char *path, uint32_t lookup);
wv_errno do_mkdir(uint32_t dir, const char *path);
wv_errno do_rmdir(uint32_t dir, const char *path);
wv_errno do_unlink(uint32_t dir, const char *path);
wv_errno do_readlink(uint32_t dir, const char *path, uint32_t room);
wv_errno do_rename(uint32_t dir, const char *from, uint32_t to_dir,
                   const char *to);
wv_errno do_link(uint32_t dir, const char *from, uint32_t to_dir,
                 const char *to);
wv_errno do_symlink(const char *target, uint32_t dir, const char *path);
/* The host's descriptor of a guest fd. */
int host_fd_of(uint32_t fd);
void close_fd(uint32_t fd);

/* Preopens the host's `path`, relative to `base`. */
uint32_t preopen(const char *path, const char *name);
void new_guest(void);
void end_guest(void);

/* The directory of the tests. The host's paths are relative to it; `base_path`
 * is its name. */
extern char base_path[64];
extern int base;
void make_base(void);
void remove_base(void);
/* Removes everything in it. */
void clear_base(void);

void make_dir(const char *path);
void make_file(const char *path, size_t size);
void make_link(const char *target, const char *path);

/* Creates outside/, with the names that the tests use inside. */
void make_outside(void);
/* A number that changes with the base, or with anything in outside/. */
uint64_t outside_state(void);
bool is_outside(uint64_t dev, uint64_t ino);

unsigned count_open_fds(void);
uint32_t random_below(uint32_t limit);
void seed_random(uint64_t seed);
uint64_t milliseconds(void);

/* The tests. */
void test_ways_out(void);
void test_semantics(void);
void test_walk_bounds(void);
void test_race(uint64_t milliseconds);
/* Writes the outcome of each case to `out`: see main.c. */
#define RECORD_SIZE 256
void write_records(int out, uint64_t seed, unsigned count);

#endif
