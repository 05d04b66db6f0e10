/* Functions of sys.h that the core links, but no input reaches. */
#include <stdlib.h>

#define UNUSED(name) \
  void name(void);   \
  void name(void) {  \
    abort();         \
  }

UNUSED(wv_sys_accept)
UNUSED(wv_sys_advise)
UNUSED(wv_sys_allocate)
UNUSED(wv_sys_clock_resolution)
UNUSED(wv_sys_datasync)
UNUSED(wv_sys_directory_close)
UNUSED(wv_sys_directory_next)
UNUSED(wv_sys_directory_open)
UNUSED(wv_sys_directory_seek)
UNUSED(wv_sys_is_listening)
UNUSED(wv_sys_open_bytes)
UNUSED(wv_sys_open_directory)
UNUSED(wv_sys_open_null)
UNUSED(wv_sys_pipe)
UNUSED(wv_sys_random)
UNUSED(wv_sys_set_append)
UNUSED(wv_sys_set_times)
UNUSED(wv_sys_shutdown)
UNUSED(wv_sys_sync)
UNUSED(wv_sys_truncate)
UNUSED(wv_sys_yield)
