/* A file system of the fuzzer: a tree of directories, files, FIFOs and symbolic
 * links that is copied by an assignment. The functions return an errno of the
 * host, or 0. */
#ifndef TREE_H
#define TREE_H

#include "input.h"
#include "sys.h"

enum {
  NODES = 256,
  ENTRIES = 288,
  POOL_SIZE = 1 << 14,
  NAME_SIZE = 256,
  TARGET_MAX = 100, /* 40 of them and a path fit into what a walk keeps */
  LINKS_MAX = 40,
};

typedef enum node_type {
  NO_NODE,
  DIRECTORY,
  REGULAR,
  SYMLINK,
  FIFO,
} node_type;

struct node {
  uint8_t type;
  bool inside;     /* below a preopen */
  bool closed;     /* to search, read and write: mode 000 */
  int16_t parent;  /* of a directory */
  uint16_t target; /* of a link: in the pool */
  uint32_t touched;
};

struct entry {
  int16_t dir; /* -1: free */
  int16_t node;
  uint16_t name; /* in the pool */
};

struct tree {
  struct node nodes[NODES];
  struct entry entries[ENTRIES];
  uint16_t node_count;
  uint16_t pool_used;
  char pool[POOL_SIZE];
};

void tree_clear(struct tree *tree); /* but for node 0, the root */
/* The node, or -1: the tree is full, or the name is taken. */
int tree_add(struct tree *tree, int dir, const char *name, node_type type,
             const char *target);
/* The entry, or -1. */
int tree_entry(const struct tree *tree, int dir, const char *name);
const char *tree_target(const struct tree *tree, int node);
/* Is the directory `above` the same as `node`, or over it? */
bool tree_is_above(const struct tree *tree, int above, int node);

/* What a name is, "." included: EACCES, ENOENT. */
int tree_lookup(const struct tree *tree, int dir, const char *name, int *node);

/* The last component of open: `flags` are WV_SYS_OPEN_*, and no link is
 * followed. `slash`: one stood behind the name. */
int tree_open(struct tree *tree, int dir, const char *name, bool slash,
              int flags, int *node);
int tree_mkdir(struct tree *tree, int dir, const char *name);
int tree_rmdir(struct tree *tree, int dir, const char *name);
int tree_unlink(struct tree *tree, int dir, const char *name);
int tree_rename(struct tree *tree, int from_dir, const char *from, int to_dir,
                const char *to);
int tree_link(struct tree *tree, int from_dir, const char *from, int to_dir,
              const char *to);
int tree_symlink(struct tree *tree, const char *target, int dir,
                 const char *name);
int tree_touch(struct tree *tree, int dir, const char *name, uint64_t mtim);

/* A path below `root`. */
struct place {
  int dir;
  char name[NAME_SIZE]; /* "." or a name without a slash */
  bool slash;           /* one stood behind it */
};

enum {
  RESOLVE_FOLLOW = 1 << 0, /* a link as the last component */
  RESOLVE_CREATE = 1 << 1, /* EISDIR: a slash stands behind what is created */
  RESOLVE_GUEST = 1 << 2,  /* absolute links are paths of the guest, and what
                              leads outside is EPERM: else EXDEV */
};

/* Where an absolute link leads: the node of a preopen, or -1; `*rest` is the
 * way from there. */
typedef int preopen_of(const char *target, const char **rest);

int tree_resolve(const struct tree *tree, int root, const char *path, int flags,
                 preopen_of *find, struct place *found);

#endif
