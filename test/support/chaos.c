/*
 * Descriptors of this process that change all the time: threads open, copy,
 * move and close them, and change their offsets and flags, as fast as they can.
 * They write nothing.
 *
 * start(directory, files, threads, seed)
 *     The files are `host 0`, `host 1` and so on in that directory.
 * disturb(boolean)
 *     Whether offsets and flags of copies of other descriptors change, too.
 * stop()
 *     Ends the threads. Returns how many steps they made.
 * strays()
 *     How often there was something to read in a pipe or socket of theirs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 16
#define SLOTS 24
#define LOWEST 3
#define HIGHEST 256 /* of the descriptors that are copied */
#define BURST 50    /* steps between two pauses */

typedef struct slot {
  int fd; /* -1: free */
  bool ours;
  bool stream; /* a pipe or socket of ours, in which there never is anything */
} slot;

typedef struct chaos {
  pthread_t thread;
  uint64_t random;
  uint64_t steps;
  slot slots[SLOTS];
} chaos;

static chaos all[MAX_THREADS];
static uint32_t threads;
static uint32_t files;
static char directory[4096];
static atomic_bool stopping;
static atomic_bool disturbing;
static atomic_uint stray_count;

static uint32_t below(chaos *self, uint32_t limit) {
  self->random ^= self->random << 13;
  self->random ^= self->random >> 7;
  self->random ^= self->random << 17;
  return (uint32_t)(self->random >> 32) % limit;
}

static void look(const slot *at) {
  int bytes = 0;

  if (at->fd >= 0 && at->stream && ioctl(at->fd, FIONREAD, &bytes) == 0 &&
      bytes > 0)
    atomic_fetch_add(&stray_count, 1);
}

static void release(slot *at) {
  look(at);
  if (at->fd >= 0) close(at->fd);
  at->fd = -1;
}

static void open_file(chaos *self, slot *at) {
  static const int modes[] = {O_RDWR, O_WRONLY, O_WRONLY | O_APPEND,
                              O_RDWR | O_NONBLOCK};
  char path[sizeof(directory) + 32];

  release(at);
  snprintf(path, sizeof(path), "%s/host %u", directory, below(self, files));
  *at =
      (slot){.fd = open(path, modes[below(self, 4)] | O_CLOEXEC), .ours = true};
}

/* The other end is a slot of its own. */
static void open_pair(chaos *self, slot *at) {
  slot *other = &self->slots[below(self, SLOTS)];
  int fds[2];
  bool made = below(self, 2) ? pipe2(fds, O_CLOEXEC) == 0
                             : socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0;

  if (!made) return;
  release(at);
  *at = (slot){.fd = fds[0], .ours = true, .stream = true};
  if (other == at) {
    close(fds[1]);
    return;
  }
  release(other);
  *other = (slot){.fd = fds[1], .ours = true, .stream = true};
}

/* A copy of whatever there is, of the guests' files too. */
static void copy_any(chaos *self, slot *at) {
  int fd = LOWEST + (int)below(self, HIGHEST - LOWEST);

  release(at);
  *at = (slot){.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
}

/* The same number is another description from one moment to the next. */
static void replace(chaos *self, slot *at) {
  const slot *from = &self->slots[below(self, SLOTS)];

  if (from->fd < 0 || at->fd < 0 || from == at) return;
  look(at);
  if (dup3(from->fd, at->fd, O_CLOEXEC) < 0) return;
  at->ours = from->ours;
  at->stream = from->stream;
}

static void seek(chaos *self, slot *at) {
  off_t distance = 1 + below(self, below(self, 2) ? 4 : 1u << 20);

  lseek(at->fd, distance, below(self, 2) ? SEEK_SET : SEEK_CUR);
}

static void set_flags(chaos *self, slot *at) {
  int flags = fcntl(at->fd, F_GETFL);

  if (flags >= 0 && below(self, 2)) flags ^= O_NONBLOCK;
  if (flags >= 0) fcntl(at->fd, F_SETFL, flags);
}

/* Others than those above: only files, since Node has streams of its own. */
static bool may_change(const slot *at) {
  struct stat status;

  if (at->fd < 0) return false;
  if (at->ours) return true;
  return atomic_load(&disturbing) && fstat(at->fd, &status) == 0 &&
         S_ISREG(status.st_mode);
}

static void step(chaos *self) {
  slot *at = &self->slots[below(self, SLOTS)];

  switch (below(self, 12)) {
    case 0:
    case 1:
    case 2:
      open_file(self, at);
      break;
    case 3:
      open_pair(self, at);
      break;
    case 4:
    case 5:
      copy_any(self, at);
      break;
    case 6:
      replace(self, at);
      break;
    case 7:
    case 8:
      release(at);
      break;
    case 9:
    case 10:
      if (may_change(at)) seek(self, at);
      break;
    default:
      if (may_change(at)) set_flags(self, at);
  }
}

static void *run(void *data) {
  chaos *self = data;
  struct timespec pause = {0, 0};
  uint32_t i;

  while (!atomic_load(&stopping)) {
    for (i = 0; i < BURST; i++) step(self);
    self->steps += BURST;
    pause.tv_nsec = below(self, 100000);
    nanosleep(&pause, NULL);
  }
  for (i = 0; i < SLOTS; i++) release(&self->slots[i]);
  return NULL;
}

static napi_value start(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t argc = 4;
  size_t length;
  uint32_t seed = 0;
  uint32_t wanted = 0;
  uint32_t i, j;

  if (napi_get_cb_info(env, info, &argc, arguments, NULL, NULL) != napi_ok ||
      napi_get_value_string_utf8(env, arguments[0], directory,
                                 sizeof(directory), &length) != napi_ok ||
      napi_get_value_uint32(env, arguments[1], &files) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &wanted) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &seed) != napi_ok ||
      wanted > MAX_THREADS) {
    napi_throw_error(env, NULL, "start(directory, files, threads, seed)");
    return NULL;
  }
  atomic_store(&stopping, false);
  for (i = 0; i < wanted; i++) {
    all[i].random = 0x9e3779b97f4a7c15u * (seed + i + 1);
    all[i].steps = 0;
    for (j = 0; j < SLOTS; j++) all[i].slots[j].fd = -1;
    if (pthread_create(&all[i].thread, NULL, run, &all[i]) != 0) break;
  }
  threads = i;
  return NULL;
}

static napi_value disturb(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t argc = 1;
  bool value = false;

  if (napi_get_cb_info(env, info, &argc, &argument, NULL, NULL) == napi_ok)
    napi_get_value_bool(env, argument, &value);
  atomic_store(&disturbing, value);
  return NULL;
}

static napi_value stop(napi_env env, napi_callback_info info) {
  napi_value result;
  uint64_t steps = 0;
  uint32_t i;

  (void)info;
  atomic_store(&stopping, true);
  for (i = 0; i < threads; i++) {
    pthread_join(all[i].thread, NULL);
    steps += all[i].steps;
  }
  threads = 0;
  napi_create_int64(env, (int64_t)steps, &result);
  return result;
}

static napi_value strays(napi_env env, napi_callback_info info) {
  napi_value result;

  (void)info;
  napi_create_uint32(env, atomic_load(&stray_count), &result);
  return result;
}

NAPI_MODULE_INIT(/* env, exports */) {
  napi_property_descriptor properties[] = {
      {.utf8name = "start", .method = start},
      {.utf8name = "disturb", .method = disturb},
      {.utf8name = "stop", .method = stop},
      {.utf8name = "strays", .method = strays},
  };

  napi_define_properties(env, exports, 4, properties);
  return exports;
}
