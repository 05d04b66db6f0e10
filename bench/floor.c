/* The floor of every comparison: only the system calls, in a C loop, in the
 * same process as the rival, and so under the same conditions.
 *
 * Each function takes a descriptor or a directory of site.js, an array of
 * lengths, a number of turns, and which clock to use. It returns the
 * nanoseconds in all. In a turn,
 *
 * - write makes one write(2) if only one length is not 0, else as many
 *   writev(2) as IOV_MAX requires; on a full pipe it polls;
 * - pwrite makes one pwrite(2) for each length, one after the other, from 0
 *   again at 1 MiB;
 * - pwriteRandom does the same at one of 1,024 pages;
 * - files opens, writes and closes 200 files;
 * - floor-calls.c has the others.
 *
 * The clock is the CPU time of the thread, in the program and the kernel, which
 * excludes other processes; or wall time, for workloads that wait. */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define VECTORS 1024 /* IOV_MAX of Linux and macOS */
#define FILE_LIMIT (1 << 20)
#define PAGES 1024
#define FILES 200
#define PATH_SIZE 4096

static int64_t now(bool wall) {
  struct timespec time;

  clock_gettime(wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int write_list(job *todo, int fd) {
  struct pollfd full = {.fd = fd, .events = POLLOUT};
  uint32_t i = 0;

  while (i < todo->used) {
    uint32_t count = todo->used - i;
    ssize_t written;

    if (count > VECTORS) count = VECTORS;
    written = count == 1
                  ? write(fd, todo->iov[i].iov_base, todo->iov[i].iov_len)
                  : writev(fd, todo->iov + i, (int)count);
    if (written >= 0)
      i += count; /* a stream that is not full takes all of it */
    else if (errno != EAGAIN || poll(&full, 1, -1) < 0)
      return -1;
  }
  return 0;
}

static int write_turn(job *todo) {
  return write_list(todo, todo->fd);
}

static int pwrite_turn(job *todo) {
  uint32_t i;

  if (todo->offset >= FILE_LIMIT) todo->offset = 0;
  for (i = 0; i < todo->used; i++) {
    if (pwrite(todo->fd, todo->iov[i].iov_base, todo->iov[i].iov_len,
               todo->offset) < 0)
      return -1;
    todo->offset += (off_t)todo->iov[i].iov_len;
  }
  return 0;
}

static int pwrite_random_turn(job *todo) {
  uint32_t i;

  for (i = 0; i < todo->used; i++) {
    off_t page;

    todo->random = todo->random * 1664525 + 1013904223;
    page = (todo->random >> 16) % PAGES;
    if (pwrite(todo->fd, todo->iov[i].iov_base, todo->iov[i].iov_len,
               page * 4096) < 0)
      return -1;
  }
  return 0;
}

static int files_turn(job *todo) {
  char name[16];
  uint32_t i;

  for (i = 0; i < FILES; i++) {
    int fd, failed;

    snprintf(name, sizeof(name), "f%03u", i);
    fd = openat(todo->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                0666);
    if (fd < 0) return -1;
    failed = write_list(todo, fd);
    if (close(fd) != 0 || failed) return -1;
  }
  return 0;
}

/* Reads the lengths other than 0. */
static int read_lengths(napi_env env, napi_value array, job *to) {
  napi_value element;
  uint32_t i, length, count;

  if (napi_get_array_length(env, array, &count) != napi_ok ||
      count > MAX_LENGTHS)
    return -1;
  for (i = 0; i < count; i++) {
    if (napi_get_element(env, array, i, &element) != napi_ok ||
        napi_get_value_uint32(env, element, &length) != napi_ok ||
        length > MAX_LENGTH)
      return -1;
    if (length > 0) to->iov[to->used++].iov_len = length;
  }
  return 0;
}

/* Each buffer has its own memory, like a guest's, and is written first: all
 * pages never written are the same one. */
static int make_data(job *to) {
  size_t size = 1, at = 0;
  uint32_t i;

  for (i = 0; i < to->used; i++) size += to->iov[i].iov_len + GAP;
  to->bytes = malloc(size);
  if (to->bytes == NULL) return -1;
  memset(to->bytes, 'a', size);
  for (i = 0; i < to->used; i++) {
    to->iov[i].iov_base = to->bytes + at;
    at += to->iov[i].iov_len + GAP;
  }
  return 0;
}

/* Opens the files that the directory has. */
static int open_directory(job *to, const char *path) {
  to->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (to->directory < 0) return -1;
  to->data = openat(to->directory, "data", O_RDONLY | O_CLOEXEC);
  to->list = openat(to->directory, "list", O_RDONLY | O_CLOEXEC);
  return 0;
}

static void close_all(const job *todo) {
  if (todo->directory >= 0) close(todo->directory);
  if (todo->data >= 0) close(todo->data);
  if (todo->list >= 0) close(todo->list);
}

static int read_job(napi_env env, napi_callback_info info, job *to) {
  char path[PATH_SIZE];
  size_t argc = 4, length;
  napi_value argv[4];
  napi_valuetype type;

  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok)
    return -1;
  if (napi_typeof(env, argv[0], &type) != napi_ok) return -1;
  if (type == napi_string
          ? napi_get_value_string_utf8(env, argv[0], path, PATH_SIZE,
                                       &length) != napi_ok ||
                length == PATH_SIZE - 1 || open_directory(to, path) != 0
          : napi_get_value_int32(env, argv[0], &to->fd) != napi_ok)
    return -1;
  if (napi_get_value_uint32(env, argv[2], &to->turns) != napi_ok ||
      napi_get_value_bool(env, argv[3], &to->wall) != napi_ok)
    return -1;
  return read_lengths(env, argv[1], to);
}

static napi_value run(napi_env env, napi_callback_info info,
                      int (*turn)(job *)) {
  static const char problem[] = "bad arguments, or a call failed";
  job *todo = calloc(1, sizeof(*todo));
  napi_value result = NULL;
  int64_t start;
  uint32_t i = 0;

  if (todo != NULL) todo->directory = todo->data = todo->list = -1;
  if (todo != NULL && read_job(env, info, todo) == 0 && make_data(todo) == 0) {
    start = now(todo->wall);
    while (i < todo->turns && turn(todo) == 0) i++;
    if (i == todo->turns)
      napi_create_double(env, (double)(now(todo->wall) - start), &result);
  }
  if (todo != NULL) close_all(todo);
  if (todo != NULL) free(todo->bytes);
  free(todo);
  if (result == NULL) napi_throw_error(env, NULL, problem);
  return result;
}

/* name, turn */
#define TURNS(X)                      \
  X(write, write_turn)                \
  X(pwrite, pwrite_turn)              \
  X(pwriteRandom, pwrite_random_turn) \
  X(files, files_turn)                \
  X(read, read_turn)                  \
  X(pread, pread_turn)                \
  X(seek, seek_turn)                  \
  X(fstat, fstat_turn)                \
  X(stat1, stat1_turn)                \
  X(stat4, stat4_turn)                \
  X(open1, open1_turn)                \
  X(open4, open4_turn)                \
  X(readdir, readdir_turn)            \
  X(clock, clock_turn)                \
  X(random, random_turn)

#define DEFINE(name, turn)                                              \
  static napi_value run_##name(napi_env env, napi_callback_info info) { \
    return run(env, info, turn);                                        \
  }

TURNS(DEFINE)

/* Opens a descriptor, for runtimes whose own file API has none. */
static napi_value open_file(napi_env env, napi_callback_info info) {
  size_t argc = 1, length;
  napi_value argv[1], result = NULL;
  char path[PATH_SIZE];
  int fd = -1;

  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) == napi_ok &&
      napi_get_value_string_utf8(env, argv[0], path, PATH_SIZE, &length) ==
          napi_ok)
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0)
    napi_throw_error(env, NULL, "the file cannot be opened");
  else
    napi_create_int32(env, fd, &result);
  return result;
}

static napi_value read_clock(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argv[1], result = NULL;
  bool wall;

  if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) == napi_ok &&
      napi_get_value_bool(env, argv[0], &wall) == napi_ok)
    napi_create_double(env, (double)now(wall), &result);
  return result;
}

#define PROPERTY(name, turn) {.utf8name = #name, .method = run_##name},

NAPI_MODULE_INIT(/* env, exports */) {
  napi_property_descriptor properties[] = {
      TURNS(PROPERTY){.utf8name = "open", .method = open_file},
      {.utf8name = "now", .method = read_clock},
  };

  napi_define_properties(env, exports, sizeof(properties) / sizeof(*properties),
                         properties);
  return exports;
}
