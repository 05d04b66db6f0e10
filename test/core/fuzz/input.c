/* The input of the fuzzer, and the errnos of the witx. */
#include "input.h"

#include <errno.h>

const uint8_t *input;
size_t input_left;

uint8_t take_u8(void) {
  if (input_left == 0) return 0;
  input_left--;
  return *input++;
}

uint32_t take_u32(void) {
  uint32_t value = 0;

  for (int i = 0; i < 4; i++) value = value << 8 | take_u8();
  return value;
}

uint64_t take_u64(void) {
  uint64_t high = take_u32();

  return high << 32 | take_u32();
}

uint32_t take_word(uint64_t near) {
  uint8_t how = take_u8();

  switch (how & 3) {
    case 0:
      return how >> 2;
    case 1:
      return (uint32_t)(near - 8 + (how >> 2 & 15));
    case 2:
      return (uint32_t)take_u8() << 8 | take_u8();
    default:
      return take_u32();
  }
}

/* As in wasi_snapshot_preview1.witx. */

static const struct {
  int host;
  wv_errno wasi;
} errnos[] = {
    {E2BIG, 1},         {EACCES, 2},
    {EADDRINUSE, 3},    {EADDRNOTAVAIL, 4},
    {EAFNOSUPPORT, 5},  {EAGAIN, 6},
    {EALREADY, 7},      {EBADF, 8},
    {EBADMSG, 9},       {EBUSY, 10},
    {ECANCELED, 11},    {ECHILD, 12},
    {ECONNABORTED, 13}, {ECONNREFUSED, 14},
    {ECONNRESET, 15},   {EDEADLK, 16},
    {EDESTADDRREQ, 17}, {EDOM, 18},
    {EDQUOT, 19},       {EEXIST, 20},
    {EFAULT, 21},       {EFBIG, 22},
    {EHOSTUNREACH, 23}, {EIDRM, 24},
    {EILSEQ, 25},       {EINPROGRESS, 26},
    {EINTR, 27},        {EINVAL, 28},
    {EIO, 29},          {EISCONN, 30},
    {EISDIR, 31},       {ELOOP, 32},
    {EMFILE, 33},       {EMLINK, 34},
    {EMSGSIZE, 35},     {EMULTIHOP, 36},
    {ENAMETOOLONG, 37}, {ENETDOWN, 38},
    {ENETRESET, 39},    {ENETUNREACH, 40},
    {ENFILE, 41},       {ENOBUFS, 42},
    {ENODEV, 43},       {ENOENT, 44},
    {ENOEXEC, 45},      {ENOLCK, 46},
    {ENOLINK, 47},      {ENOMEM, 48},
    {ENOMSG, 49},       {ENOPROTOOPT, 50},
    {ENOSPC, 51},       {ENOSYS, 52},
    {ENOTCONN, 53},     {ENOTDIR, 54},
    {ENOTEMPTY, 55},    {ENOTRECOVERABLE, 56},
    {ENOTSOCK, 57},     {ENOTSUP, 58},
    {ENOTTY, 59},       {ENXIO, 60},
    {EOVERFLOW, 61},    {EOWNERDEAD, 62},
    {EPERM, 63},        {EPIPE, 64},
    {EPROTO, 65},       {EPROTONOSUPPORT, 66},
    {EPROTOTYPE, 67},   {ERANGE, 68},
    {EROFS, 69},        {ESPIPE, 70},
    {ESRCH, 71},        {ESTALE, 72},
    {ETIMEDOUT, 73},    {ETXTBSY, 74},
    {EXDEV, 75},
};

wv_errno namesake(int host) {
  for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
    if (errnos[i].host == host) return errnos[i].wasi;
  return 29; /* EIO */
}
