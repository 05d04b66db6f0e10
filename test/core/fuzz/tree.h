/* A file system of the fuzzer: a tree of directories, files, FIFOs and symbolic
 * links that an assignment copies. Functions return a host errno, or 0. */
#ifndef TREE_H
#define TREE_H

#include "input.h"
#include "sys.h"

enum {
  NODES = 256,
  ENTRIES = 288,
  POOL_SIZE = 1 << 14,
  NAME_SIZE = 256,
  TARGET_MAX = 100, /* a walk has room for 40 of them and a path */
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
  bool closed;     /* mode 000: no search, read or write */
  int16_t parent;  /* for a directory */
  uint16_t target; /* for a link: in the pool */
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

void tree_clear(struct tree *tree); /* leaves node 0, the root */
/* Returns the node. -1: the tree is full, or the name exists. */
int tree_add(struct tree *tree, int dir, const char *name, node_type type,
             const char *target);
/* Returns the entry, or -1. */
int tree_entry(const struct tree *tree, int dir, const char *name);
const char *tree_target(const struct tree *tree, int node);
/* Is the directory `above` equal to `node`, or above it? */
bool tree_is_above(const struct tree *tree, int above, int node);

/* Finds the node of a name, which may be ".". EACCES, ENOENT. */
int tree_lookup(const struct tree *tree, int dir, const char *name, int *node);

/* Opens the last component. `flags` are WV_SYS_OPEN_*; links are not followed.
 * `slash`: one follows the name. */
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

/* The place of a path below `root`. */
struct place {
  int dir;
  char name[NAME_SIZE]; /* "." or a name without a slash */
  bool slash;           /* a slash follows the name */
};

enum {
  RESOLVE_FOLLOW = 1 << 0, /* follow a link as the last component */
  RESOLVE_CREATE = 1 << 1, /* fail with EISDIR if a slash follows the name */
  RESOLVE_GUEST = 1 << 2,  /* absolute links are the guest's paths; EPERM, not
                              EXDEV, for paths that lead outside */
};

/* The node of the preopen that an absolute link leads to, or -1. `*rest`
 * becomes the path from there. */
typedef int preopen_of(const char *target, const char **rest);

int tree_resolve(const struct tree *tree, int root, const char *path, int flags,
                 preopen_of *find, struct place *found);

#endif
