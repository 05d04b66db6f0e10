#ifndef WV_DARWIN_TYPES_H
#define WV_DARWIN_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t off_t;
typedef long ssize_t;

typedef int32_t dev_t;
typedef uint64_t ino_t;
typedef uint16_t mode_t;
typedef uint16_t nlink_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef int64_t blkcnt_t;
typedef int32_t blksize_t;

#endif
