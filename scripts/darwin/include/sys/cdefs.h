/* The names of functions in libSystem. */
#ifndef WV_DARWIN_CDEFS_H
#define WV_DARWIN_CDEFS_H

/* On x86-64 the plain name is the function for inodes of 32 bits. */
#ifdef __x86_64__
#define WV_INODE64(name) __asm("_" #name "$INODE64")
#else
#define WV_INODE64(name)
#endif

#endif
