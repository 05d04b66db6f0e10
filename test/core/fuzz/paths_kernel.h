/* What the kernel answers about paths, and the guest that races with it. */
#ifndef PATHS_KERNEL_H
#define PATHS_KERNEL_H

#include "kernel.h"
#include "memory.h"
#include "tree.h"

enum { HANDLES = 128, FIRST_HANDLE = 100 };

struct handle {
  bool open;
  int node;
  int flags; /* WV_SYS_OPEN_* that it was opened with */
};

extern struct paths {
  struct tree tree;
  struct handle handles[HANDLES];
  int open;   /* handles */
  int most;   /* that may be open */
  bool races; /* another thread renames, and calls fail */
  bool has_openat2;
  bool hesitant; /* openat2 has no answer at times */
  int looks;     /* until a FIFO has a reader, -1 for never */
} paths;

extern const struct answers path_answers;

/* Opens what the host gives to the guest. */
int open_for_host(int node, int flags);
struct handle *handle_of(int host_fd);

/* What stat(2) says. */
void stat_node(const struct tree *tree, int node, wv_sys_stat *stat);

/* A path of the input: some names with slashes. Its length. */
uint32_t take_path(char *path, uint32_t size);

/* A name of the guest for a preopen, or the beginning of an absolute link. */
const char *take_guest_name(void);
/* One component of the input. */
const char *take_name(void);

#endif
