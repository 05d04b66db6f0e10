/* Declarations that the sys_posix files share. */
#ifndef WV_SYS_POSIX_H
#define WV_SYS_POSIX_H

#include <time.h>

#include "sys.h"

#ifdef __linux__
#include <sys/syscall.h>
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x00000020
#endif
#endif

/* The two times for utimensat(2). EOVERFLOW where time_t is too small. */
int wv_sys_timespecs(uint64_t atim, uint64_t mtim, struct timespec times[2]);

#endif
