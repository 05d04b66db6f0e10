/* Memory, strings, locks, signals, limits and clocks. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "libsystem.h"

/* --- Memory --- */

static void *darwin_malloc(size_t size) {
  void *memory = malloc(size);

  if (memory == NULL) mach_o_set_errno();
  return memory;
}

static void *darwin_calloc(size_t count, size_t size) {
  void *memory = calloc(count, size);

  if (memory == NULL) mach_o_set_errno();
  return memory;
}

static void *darwin_realloc(void *old, size_t size) {
  void *memory = realloc(old, size);

  if (memory == NULL) mach_o_set_errno();
  return memory;
}

static void darwin_bzero(void *memory, size_t size) {
  memset(memory, 0, size);
}

static void darwin_random(void *memory, size_t size) {
  uint8_t *at = memory;
  ssize_t n;

  for (; size > 0; at += n, size -= (size_t)n) {
    n = getrandom(at, size, 0);
    if (n < 0) n = 0;
  }
}

static uintptr_t stack_guard = 0xa5f00d5eed00ff00;

static void darwin_stack_fail(void) {
  mach_o_fail("a stack was overwritten");
}

static void darwin_stub_binder(void) {
  mach_o_fail("a function was not bound");
}

/* --- Locks --- */

/* A lock of Linux is in the opaque part. Its initial value is zeros, which the
 * initializer of macOS has there too. */
typedef struct darwin_mutex {
  long signature;
  union {
    char opaque[56];
    pthread_mutex_t lock;
  } of;
} darwin_mutex;
_Static_assert(sizeof(darwin_mutex) == 64, "the size on macOS");

enum { INITIALIZED_STATICALLY = 0x32aaaba7, INITIALIZED = 0x4d555458 };

static pthread_mutex_t *lock_of(darwin_mutex *mutex) {
  if (mutex->signature != INITIALIZED_STATICALLY &&
      mutex->signature != INITIALIZED)
    mach_o_fail("a lock is not initialized");
  return &mutex->of.lock;
}

static int darwin_mutex_init(darwin_mutex *mutex, const void *attributes) {
  if (attributes != NULL) mach_o_fail("a lock has attributes");
  mutex->signature = INITIALIZED;
  return pthread_mutex_init(&mutex->of.lock, NULL);
}

static int darwin_mutex_destroy(darwin_mutex *mutex) {
  int result = pthread_mutex_destroy(lock_of(mutex));

  mutex->signature = 0;
  return result;
}

static int darwin_mutex_lock(darwin_mutex *mutex) {
  return pthread_mutex_lock(lock_of(mutex));
}

static int darwin_mutex_unlock(darwin_mutex *mutex) {
  return pthread_mutex_unlock(lock_of(mutex));
}

/* --- Signals and limits --- */

typedef struct darwin_sigaction {
  void (*handler)(int); /* SIG_DFL and SIG_IGN are 0 and 1, as on Linux */
  uint32_t mask;
  int flags;
} darwin_sigaction;

static int darwin_sigaction_of(int signal, const darwin_sigaction *set,
                               darwin_sigaction *old) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  struct sigaction before;
  int result;

  if (signal != SIGPIPE && signal != 25)
    mach_o_fail("sigaction has the signal %d", signal);
  if (set != NULL && set->handler != SIG_IGN)
    mach_o_fail("sigaction sets a handler");
  if (signal == 25) signal = SIGXFSZ;
  result = sigaction(signal, set == NULL ? NULL : &action, &before);
  if (old != NULL) *old = (darwin_sigaction){.handler = before.sa_handler};
  return (int)mach_o_result(result);
}

typedef struct darwin_rlimit {
  uint64_t soft;
  uint64_t hard;
} darwin_rlimit;

static uint64_t to_darwin_limit(rlim_t limit) {
  return limit == RLIM_INFINITY ? INT64_MAX : limit;
}

static int darwin_getrlimit(int resource, darwin_rlimit *limit) {
  struct rlimit found;
  int result;

  if (resource != 8) mach_o_fail("getrlimit has the resource %d", resource);
  result = getrlimit(RLIMIT_NOFILE, &found);
  *limit = (darwin_rlimit){to_darwin_limit(found.rlim_cur),
                           to_darwin_limit(found.rlim_max)};
  return (int)mach_o_result(result);
}

/* --- Clocks. struct timespec is that of Linux. --- */

static clockid_t to_linux_clock(int clock) {
  switch (clock) {
    case 0:
      return CLOCK_REALTIME;
    case 6:
      return CLOCK_MONOTONIC;
    case 12:
      return CLOCK_PROCESS_CPUTIME_ID;
    case 16:
      return CLOCK_THREAD_CPUTIME_ID;
    default:
      mach_o_fail("there is no clock %d", clock);
  }
}

static int darwin_clock_gettime(int clock, struct timespec *time) {
  return (int)mach_o_result(clock_gettime(to_linux_clock(clock), time));
}

static int darwin_clock_getres(int clock, struct timespec *time) {
  return (int)mach_o_result(clock_getres(to_linux_clock(clock), time));
}

const mach_o_symbol mach_o_process[] = {
    {"___bzero", darwin_bzero},
    {"___error", mach_o_errno},
    {"___stack_chk_fail", darwin_stack_fail},
    {"___stack_chk_guard", &stack_guard},
    {"_arc4random_buf", darwin_random},
    {"_bzero", darwin_bzero},
    {"_calloc", darwin_calloc},
    {"_clock_getres", darwin_clock_getres},
    {"_clock_gettime", darwin_clock_gettime},
    {"_free", free},
    {"_getrlimit", darwin_getrlimit},
    {"_malloc", darwin_malloc},
    {"_memchr", memchr},
    {"_memcmp", memcmp},
    {"_memcpy", memcpy},
    {"_memmove", memmove},
    {"_pthread_mutex_destroy", darwin_mutex_destroy},
    {"_pthread_mutex_init", darwin_mutex_init},
    {"_pthread_mutex_lock", darwin_mutex_lock},
    {"_pthread_mutex_unlock", darwin_mutex_unlock},
    {"_realloc", darwin_realloc},
    {"_sched_yield", sched_yield},
    {"_sigaction", darwin_sigaction_of},
    {"_strcmp", strcmp},
    {"_strcpy", strcpy},
    {"_strcspn", strcspn},
    {"_strlen", strlen},
    {"_strncmp", strncmp},
    {"_strspn", strspn},
    {"dyld_stub_binder", darwin_stub_binder},
    {NULL, NULL},
};
