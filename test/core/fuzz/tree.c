/* The tree, with the semantics of Linux. */
#include "tree.h"

#include <errno.h>
#include <string.h>

void tree_clear(struct tree *tree) {
  memset(tree, 0, sizeof(*tree));
  for (int i = 0; i < ENTRIES; i++) tree->entries[i].dir = -1;
  tree->nodes[0].type = DIRECTORY;
  tree->node_count = 1;
}

int tree_entry(const struct tree *tree, int dir, const char *name) {
  for (int i = 0; i < ENTRIES; i++)
    if (tree->entries[i].dir == dir &&
        strcmp(tree->pool + tree->entries[i].name, name) == 0)
      return i;
  return -1;
}

const char *tree_target(const struct tree *tree, int node) {
  return tree->pool + tree->nodes[node].target;
}

bool tree_is_above(const struct tree *tree, int above, int node) {
  while (node != above && node != 0) node = tree->nodes[node].parent;
  return node == above;
}

/* -1: the pool is full. */
static int keep(struct tree *tree, const char *text) {
  const size_t size = strlen(text) + 1;
  const int at = tree->pool_used;

  if (size > POOL_SIZE - (size_t)at) return -1;
  memcpy(tree->pool + at, text, size);
  tree->pool_used = (uint16_t)(at + (int)size);
  return at;
}

static int put(struct tree *tree, int dir, const char *name, int node) {
  int at = keep(tree, name);
  int i = 0;

  while (i < ENTRIES && tree->entries[i].dir >= 0) i++;
  if (at < 0 || i == ENTRIES) return ENOSPC;
  tree->entries[i] = (struct entry){
      .dir = (int16_t)dir, .node = (int16_t)node, .name = (uint16_t)at};
  if (tree->nodes[node].type == DIRECTORY)
    tree->nodes[node].parent = (int16_t)dir;
  return 0;
}

int tree_add(struct tree *tree, int dir, const char *name, node_type type,
             const char *target) {
  const int made = tree->node_count;
  int text = 0;

  if (made == NODES || tree_entry(tree, dir, name) >= 0) return -1;
  if (target != NULL) text = keep(tree, target);
  if (text < 0) return -1;
  tree->nodes[made] = (struct node){.type = (uint8_t)type,
                                    .inside = tree->nodes[dir].inside,
                                    .target = (uint16_t)text};
  if (put(tree, dir, name, made) != 0) return -1;
  tree->node_count++;
  return made;
}

int tree_lookup(const struct tree *tree, int dir, const char *name, int *node) {
  int at;

  *node = -1;
  if (strlen(name) >= NAME_SIZE) return ENAMETOOLONG;
  if (tree->nodes[dir].closed) return EACCES;
  *node = dir;
  if (strcmp(name, ".") == 0) return 0;
  at = tree_entry(tree, dir, name);
  *node = at < 0 ? -1 : tree->entries[at].node;
  return at < 0 ? ENOENT : 0;
}

static int add(struct tree *tree, int dir, const char *name, node_type type,
               const char *target, int *made) {
  *made = tree_add(tree, dir, name, type, target);
  return *made < 0 ? ENOSPC : 0;
}

static int check_open(const struct node *node, bool slash, int flags) {
  const bool directory = node->type == DIRECTORY;

  if (flags & WV_SYS_OPEN_EXCLUSIVE) return EEXIST;
  if (directory && (flags & WV_SYS_OPEN_CREATE)) return EISDIR;
  if (!directory && (slash || (flags & WV_SYS_OPEN_DIRECTORY))) return ENOTDIR;
  if (node->type == SYMLINK) return ELOOP;
  if (flags & WV_SYS_OPEN_HANDLE) return 0;
  if (directory && (flags & (WV_SYS_OPEN_WRITE | WV_SYS_OPEN_TRUNCATE)))
    return EISDIR;
  return node->closed ? EACCES : 0;
}

int tree_open(struct tree *tree, int dir, const char *name, bool slash,
              int flags, int *node) {
  int error = tree_lookup(tree, dir, name, node);

  if (error == ENOENT && (flags & WV_SYS_OPEN_CREATE))
    return add(tree, dir, name, REGULAR, NULL, node);
  return error != 0 ? error : check_open(&tree->nodes[*node], slash, flags);
}

static bool is_dot(const char *name) {
  return strcmp(name, ".") == 0;
}

/* 0: the name can be created. */
static int check_free(const struct tree *tree, int dir, const char *name) {
  int node;
  int error = tree_lookup(tree, dir, name, &node);

  return error == ENOENT ? 0 : error != 0 ? error : EEXIST;
}

int tree_mkdir(struct tree *tree, int dir, const char *name) {
  int node;
  int error = check_free(tree, dir, name);

  return error != 0 ? error : add(tree, dir, name, DIRECTORY, NULL, &node);
}

int tree_symlink(struct tree *tree, const char *target, int dir,
                 const char *name) {
  int node;
  int error = check_free(tree, dir, name);

  if (error == 0 && strlen(target) > TARGET_MAX) error = ENAMETOOLONG;
  return error != 0 ? error : add(tree, dir, name, SYMLINK, target, &node);
}

static bool is_empty(const struct tree *tree, int dir) {
  for (int i = 0; i < ENTRIES; i++)
    if (tree->entries[i].dir == dir) return false;
  return true;
}

static void take_away(struct tree *tree, int dir, const char *name) {
  tree->entries[tree_entry(tree, dir, name)].dir = -1;
}

int tree_rmdir(struct tree *tree, int dir, const char *name) {
  int node;
  int error = tree_lookup(tree, dir, name, &node);

  if (error != 0) return error;
  if (is_dot(name)) return EINVAL;
  if (tree->nodes[node].type != DIRECTORY) return ENOTDIR;
  if (!is_empty(tree, node)) return ENOTEMPTY;
  take_away(tree, dir, name);
  return 0;
}

int tree_unlink(struct tree *tree, int dir, const char *name) {
  int node;
  int error = tree_lookup(tree, dir, name, &node);

  if (error != 0) return error;
  if (tree->nodes[node].type == DIRECTORY) return EISDIR;
  take_away(tree, dir, name);
  return 0;
}

int tree_link(struct tree *tree, int from_dir, const char *from, int to_dir,
              const char *to) {
  int node;
  int error = tree_lookup(tree, from_dir, from, &node);

  if (error == 0) error = check_free(tree, to_dir, to);
  if (error != 0) return error;
  if (tree->nodes[node].type == DIRECTORY) return EPERM;
  return put(tree, to_dir, to, node);
}

static int check_rename(const struct tree *tree, int source, int target,
                        int to_dir) {
  const bool directory = tree->nodes[source].type == DIRECTORY;
  bool over;

  if (directory && tree_is_above(tree, source, to_dir)) return EINVAL;
  if (target < 0) return 0;
  over = tree->nodes[target].type == DIRECTORY;
  if (directory && !over) return ENOTDIR;
  if (!directory && over) return EISDIR;
  return over && !is_empty(tree, target) ? ENOTEMPTY : 0;
}

int tree_rename(struct tree *tree, int from_dir, const char *from, int to_dir,
                const char *to) {
  int source, target, error;

  if (is_dot(from) || is_dot(to)) return EBUSY;
  error = tree_lookup(tree, from_dir, from, &source);
  if (error != 0) return error;
  error = tree_lookup(tree, to_dir, to, &target);
  if (error != 0 && error != ENOENT) return error;
  if (source == target) return 0;
  /* A directory must not move below itself. */
  if (target >= 0 && tree->nodes[target].type == DIRECTORY &&
      tree_is_above(tree, target, from_dir))
    return tree->nodes[source].type == DIRECTORY &&
                   tree_is_above(tree, source, to_dir)
               ? EINVAL
               : ENOTEMPTY;
  error = check_rename(tree, source, target, to_dir);
  if (error != 0) return error;
  if (target >= 0) take_away(tree, to_dir, to);
  take_away(tree, from_dir, from);
  return put(tree, to_dir, to, source);
}

int tree_touch(struct tree *tree, int dir, const char *name, uint64_t mtim) {
  int node;
  int error = tree_lookup(tree, dir, name, &node);

  if (error == 0) tree->nodes[node].touched += 1 + (uint32_t)mtim % 7;
  return error;
}

/* The rest of a path, and the place reached. */
struct way {
  const struct tree *tree;
  int root;
  int dir;
  int links;
  int flags;
  preopen_of *find;
  char rest[LINKS_MAX * (TARGET_MAX + 1) + 2 * 4096];
};

static int go_up(struct way *way) {
  if (way->tree->nodes[way->dir].closed) return EACCES;
  if (way->dir == way->root) return way->flags & RESOLVE_GUEST ? EPERM : EXDEV;
  way->dir = way->tree->nodes[way->dir].parent;
  return 0;
}

static int go_along(struct way *way, int link, bool slash, const char *rest) {
  const char *target = tree_target(way->tree, link);
  char text[sizeof(way->rest)];

  if (++way->links > LINKS_MAX) return ELOOP;
  if (target[0] == '/') {
    if (!(way->flags & RESOLVE_GUEST)) return EXDEV;
    way->root = way->dir = way->find(target, &target);
    if (way->dir < 0) return EPERM;
  }
  snprintf(text, sizeof(text), "%s%s%s", target, slash ? "/" : "", rest);
  strcpy(way->rest, text);
  return 0;
}

/* Takes one component. `*done`: it was the last one. */
static int step(struct way *way, struct place *found, bool *done) {
  const char *at = way->rest + strspn(way->rest, "/");
  const size_t len = strcspn(at, "/");
  const char *rest = at + len + strspn(at + len, "/");
  const bool last = *rest == 0;
  int error;
  int node;

  *done = last;
  if (len >= NAME_SIZE) return ENAMETOOLONG;
  memcpy(found->name, at, len);
  found->name[len] = 0;
  found->slash = at[len] == '/';
  if (len == 0) strcpy(found->name, ".");
  memmove(way->rest, rest, strlen(rest) + 1);
  if (strcmp(found->name, "..") == 0) {
    strcpy(found->name, ".");
    return go_up(way);
  }
  if (last && found->slash && (way->flags & RESOLVE_CREATE)) return EISDIR;
  if (!last && is_dot(found->name)) return 0;
  error = tree_lookup(way->tree, way->dir, found->name, &node);
  if (error == 0 && way->tree->nodes[node].type == SYMLINK &&
      (!last || found->slash || (way->flags & RESOLVE_FOLLOW))) {
    char behind[sizeof(way->rest)];

    *done = false;
    strcpy(behind, way->rest);
    return go_along(way, node, found->slash, behind);
  }
  if (last) return 0; /* the caller finds what is there */
  if (error != 0) return error;
  if (way->tree->nodes[node].type != DIRECTORY) return ENOTDIR;
  way->dir = node;
  return 0;
}

int tree_resolve(const struct tree *tree, int root, const char *path, int flags,
                 preopen_of *find, struct place *found) {
  static struct way way;
  bool done = false;
  int error = 0;

  way.tree = tree;
  way.root = way.dir = root;
  way.links = 0;
  way.flags = flags;
  way.find = find;
  strcpy(way.rest, path);
  while (error == 0 && !done) error = step(&way, found, &done);
  found->dir = way.dir;
  return error;
}
