/* The kernel's answers about paths, and the guest's thread that renames. */
#ifndef PATHS_KERNEL_H
#define PATHS_KERNEL_H

#include "kernel.h"
#include "memory.h"
#include "tree.h"

enum { HANDLES = 128, FIRST_HANDLE = 100 };

struct handle {
  bool open;
  int node;
  int flags; /* WV_SYS_OPEN_* of the open */
};

extern struct paths {
  struct tree tree;
  struct handle handles[HANDLES];
  int open;   /* handles that are open */
  int most;   /* handles that may be open */
  bool races; /* another thread renames, and system calls fail */
  bool has_openat2;
  bool hesitant; /* openat2 sometimes has no answer */
  int looks;     /* tries until a FIFO has a reader, -1 for never */
} paths;

extern const struct answers path_answers;

/* Opens a descriptor that the host gives to the guest. */
int open_for_host(int node, int flags);
struct handle *handle_of(int host_fd);

/* The result of stat(2). */
void stat_node(const struct tree *tree, int node, wv_sys_stat *stat);

/* Takes a path from the input: some names and slashes. Returns its length. */
uint32_t take_path(char *path, uint32_t size);

/* The guest's name of a preopen, or the beginning of an absolute link. */
const char *take_guest_name(void);
/* Takes a component from the input. */
const char *take_name(void);

#endif
