/* A libSystem of macOS over the libc of Linux, for the tests of the addons for
 * macOS. It has what scripts/darwin/libSystem.tbd lists.
 *
 * The numbers are those of macOS 11. What is not known ends the process with a
 * word about it. Where macOS refuses what Linux allows, as its kernel's sources
 * have it, so do these functions: a write of more than INT_MAX bytes, a poll of
 * a device. */
#ifndef MACH_O_LIBSYSTEM_H
#define MACH_O_LIBSYSTEM_H

#include <stddef.h>
#include <sys/types.h>

/* A name as the linker has it, and its function or variable. */
typedef struct mach_o_symbol {
  const char *name;
  void *address;
} mach_o_symbol;

/* Ends with an empty one. */
extern const mach_o_symbol mach_o_files[];   /* files.c */
extern const mach_o_symbol mach_o_streams[]; /* streams.c */
extern const mach_o_symbol mach_o_process[]; /* process.c */

__attribute__((noreturn, format(printf, 1, 2))) void mach_o_fail(
    const char *format, ...);

/* errno.c: the errno of macOS for the thread, and its setting from Linux's. */
int *mach_o_errno(void);
void mach_o_set_errno(void);
/* Sets the errno if the result of a call is negative. Returns the result. */
long mach_o_result(long result);
/* Sets an errno of macOS. Returns -1. */
int mach_o_refuse(int error);

enum {
  DARWIN_EPERM = 1,
  DARWIN_EBADF = 9,
  DARWIN_EINVAL = 22,
  DARWIN_ENOPROTOOPT = 42,
};

/* On arm64 macOS passes variadic arguments on the stack, where a function with
 * these parameters before its last finds it: as many as the named arguments
 * leave of eight registers. */
#ifdef __aarch64__
#define MACH_O_REGISTER(number) long number __attribute__((unused)),
#define MACH_O_FIVE_REGISTERS \
  MACH_O_REGISTER(r3)         \
  MACH_O_REGISTER(r4)         \
  MACH_O_REGISTER(r5) MACH_O_REGISTER(r6) MACH_O_REGISTER(r7)
#define MACH_O_SIX_REGISTERS MACH_O_REGISTER(r2) MACH_O_FIVE_REGISTERS
#else
#define MACH_O_FIVE_REGISTERS
#define MACH_O_SIX_REGISTERS
#endif

/* The functions for inodes of 64 bits have another name on x86-64. */
#ifdef __aarch64__
#define MACH_O_INODE64(name) "_" name
#else
#define MACH_O_INODE64(name) "_" name "$INODE64"
#endif

/* Converts a set of flags. Ends the process for a flag that is not in the
 * list. */
typedef struct mach_o_flag {
  long darwin;
  long linux;
} mach_o_flag;
#define MACH_O_TO_LINUX(what, flags, list) \
  mach_o_to_linux(what, flags, list, sizeof(list) / sizeof(list[0]))
#define MACH_O_TO_DARWIN(flags, list) \
  mach_o_to_darwin(flags, list, sizeof(list) / sizeof(list[0]))
int mach_o_to_linux(const char *what, long flags, const mach_o_flag *list,
                    size_t count);
/* Leaves out what is not in the list. */
int mach_o_to_darwin(long flags, const mach_o_flag *list, size_t count);

#endif
