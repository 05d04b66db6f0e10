#ifndef WV_DARWIN_RESOURCE_H
#define WV_DARWIN_RESOURCE_H

#include <stdint.h>

typedef uint64_t rlim_t;

struct rlimit {
  rlim_t rlim_cur;
  rlim_t rlim_max;
};

#define RLIMIT_NOFILE 8

int getrlimit(int, struct rlimit *);

#endif
