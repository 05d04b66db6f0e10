#ifndef WV_ERRNO_MAP_H
#define WV_ERRNO_MAP_H

#include <errno.h>

#include "wasi.h"

/* The WASI errno of the same name; EIO if there is none. */
wv_errno wv_errno_from_host(int host_errno);

/* The WASI errno of a system call, which has failed if `result` is negative. */
static inline wv_errno wv_result(int result) {
  return result < 0 ? wv_errno_from_host(errno) : WV_SUCCESS;
}

#endif
