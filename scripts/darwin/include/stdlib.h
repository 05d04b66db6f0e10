#ifndef WV_DARWIN_STDLIB_H
#define WV_DARWIN_STDLIB_H

#include <stddef.h>

void *calloc(size_t, size_t);
void free(void *);
void *malloc(size_t);
void *realloc(void *, size_t);

void arc4random_buf(void *, size_t);
int mkstemp(char *);

#endif
