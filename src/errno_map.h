#ifndef WV_ERRNO_MAP_H
#define WV_ERRNO_MAP_H

#include <errno.h>

#include "wasi.h"

/* The WASI namesake of a host errno; EIO where there is none. */
wv_errno wv_errno_from_host(int host_errno);

/* What a system call came to, which is negative with errno where it failed. */
static inline wv_errno wv_result(int result) {
  return result < 0 ? wv_errno_from_host(errno) : WV_SUCCESS;
}

#endif
