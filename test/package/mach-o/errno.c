/* The errnos of macOS, and other numbers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libsystem.h"

static const struct {
  int linux;
  int darwin;
} numbers[] = {
    {EAGAIN, 35},       {EINPROGRESS, 36},  {EALREADY, 37},
    {ENOTSOCK, 38},     {EDESTADDRREQ, 39}, {EMSGSIZE, 40},
    {EPROTOTYPE, 41},   {ENOPROTOOPT, 42},  {EPROTONOSUPPORT, 43},
    {EAFNOSUPPORT, 47}, {EADDRINUSE, 48},   {EADDRNOTAVAIL, 49},
    {ENETDOWN, 50},     {ENETUNREACH, 51},  {ENETRESET, 52},
    {ECONNABORTED, 53}, {ECONNRESET, 54},   {ENOBUFS, 55},
    {EISCONN, 56},      {ENOTCONN, 57},     {ETIMEDOUT, 60},
    {ECONNREFUSED, 61}, {ELOOP, 62},        {ENAMETOOLONG, 63},
    {EHOSTUNREACH, 65}, {ENOTEMPTY, 66},    {EDQUOT, 69},
    {ESTALE, 70},       {EDEADLK, 11},      {ENOLCK, 77},
    {ENOSYS, 78},       {EOVERFLOW, 84},    {ECANCELED, 89},
    {EIDRM, 90},        {ENOMSG, 91},       {EILSEQ, 92},
    {EBADMSG, 94},      {EMULTIHOP, 95},    {ENOLINK, 97},
    {EPROTO, 100},      {EOPNOTSUPP, 102},  {ENOTRECOVERABLE, 104},
    {EOWNERDEAD, 105},
};

static _Thread_local int darwin_errno;

int *mach_o_errno(void) {
  return &darwin_errno;
}

/* Up to ERANGE the numbers are the same, except for EAGAIN. One that macOS does
 * not have becomes 0xffff. */
void mach_o_set_errno(void) {
  const int error = errno;
  size_t i;

  darwin_errno = error <= ERANGE ? error : 0xffff;
  for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
    if (numbers[i].linux == error) darwin_errno = numbers[i].darwin;
}

long mach_o_result(long result) {
  if (result < 0) mach_o_set_errno();
  return result;
}

int mach_o_refuse(int error) {
  darwin_errno = error;
  return -1;
}

void mach_o_fail(const char *format, ...) {
  va_list arguments;

  va_start(arguments, format);
  fputs("mach-o: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  abort();
}

int mach_o_to_linux(const char *what, long flags, const mach_o_flag *list,
                    size_t count) {
  long result = 0;
  long left = flags;
  size_t i;

  for (i = 0; i < count; i++) {
    if ((flags & list[i].darwin) != list[i].darwin) continue;
    result |= list[i].linux;
    left &= ~list[i].darwin;
  }
  if (left != 0) mach_o_fail("%s has unknown flags: 0x%lx", what, left);
  return (int)result;
}

int mach_o_to_darwin(long flags, const mach_o_flag *list, size_t count) {
  long result = 0;
  size_t i;

  for (i = 0; i < count; i++)
    if ((flags & list[i].linux) == list[i].linux) result |= list[i].darwin;
  return (int)result;
}
