#ifndef WV_DARWIN_STDIO_H
#define WV_DARWIN_STDIO_H

int renameat(int, const char *, int, const char *);

#endif
