/* Declarations that the sys_posix files share. */
#ifndef WV_SYS_POSIX_H
#define WV_SYS_POSIX_H

#include <sys/stat.h>
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

/* Where the kernel's struct stat is libc's, stat calls are made by number:
 * glibc exports functions since 2.33 only. */
#if defined(__linux__) && defined(__LP64__) && \
    (defined(__x86_64__) || defined(__aarch64__))
#define WV_RAW_STAT 1
#else
#define WV_RAW_STAT 0
#endif

void wv_sys_decode_stat(const struct stat *st, wv_sys_stat *stat);
struct timespec wv_sys_timespec(uint64_t time);

#endif
