#ifndef WV_DARWIN_TIME_H
#define WV_DARWIN_TIME_H

typedef long time_t;

struct timespec {
  time_t tv_sec;
  long tv_nsec;
};

typedef enum {
  CLOCK_REALTIME = 0,
  CLOCK_MONOTONIC = 6,
  CLOCK_PROCESS_CPUTIME_ID = 12,
  CLOCK_THREAD_CPUTIME_ID = 16
} clockid_t;

int clock_getres(clockid_t, struct timespec *);
int clock_gettime(clockid_t, struct timespec *);

#endif
