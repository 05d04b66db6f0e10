/* The ten calls on paths, over a tree that the input creates.
 *
 * Without races, errno, memory and tree must be those of paths_oracle.c,
 * whichever resolver is used. With races, another thread renames between any
 * two system calls, and some of them fail: then nothing outside the preopens
 * may be reached, which paths_kernel.c checks. In either case all descriptors
 * are closed afterwards, except the result of path_open. */
#include <errno.h>
#include <string.h>

#include "core.h"
#include "paths_oracle.h"

enum { OPEN_MAX_OF_GUEST = 8, CALLS_MAX = 6, PREOPENS_MAX = 3 };

/* The tree: /out is outside; /p, /q and /r are preopens. */

static char *copy_of(const char *text) {
  return strcpy(malloc(strlen(text) + 1), text);
}

static void put_preopen(int node) {
  const char *name = take_guest_name();
  wv_fd entry =
      wv_fd_of_preopen(open_for_host(node, WV_SYS_OPEN_READ), copy_of(name));
  uint32_t fd;

  if (take_u8() == 255) entry.inheriting &= ~WV_RIGHTS_FD_WRITE;
  if (take_u8() == 255) entry.rights &= ~WV_RIGHTS_PATH_FILESTAT_SET_SIZE;
  CHECK(wv_fd_insert(guest.fds, &entry, &fd) == WV_SUCCESS);
}

static void put_node(struct tree *tree, int *dirs, int *count) {
  char target[TARGET_MAX + 1];
  const uint8_t what = take_u8();
  const int dir = dirs[take_u8() % *count];
  const char *name = take_name();
  node_type type = what % 8 < 3 ? DIRECTORY : what % 8 < 5 ? REGULAR : SYMLINK;
  int made;

  if (what % 8 == 7) type = FIFO;
  if (type == SYMLINK && what & 8) {
    strcpy(target, take_guest_name());
    if (target[0] != '/') target[0] = '/';
    strcat(target, "/");
    take_path(target + strlen(target), TARGET_MAX - 20);
  } else if (type == SYMLINK) {
    take_path(target, TARGET_MAX);
    if (target[0] == 0) strcpy(target, ".."); /* links are never empty */
  }
  made = tree_add(tree, dir, name, type, type == SYMLINK ? target : NULL);
  if (made < 0) return;
  tree->nodes[made].closed = what >= 240;
  if (type == DIRECTORY) dirs[(*count)++] = made;
}

static void make_tree(void) {
  static const char *const preopens[] = {"p", "q", "r"};
  const uint8_t options = take_u8();
  const int preopen_count = 1 + options % PREOPENS_MAX;
  struct tree *tree = &paths.tree;
  int dirs[PREOPENS_MAX + 32];
  int count = 0;

  tree_clear(tree);
  tree_add(tree, 0, "out", DIRECTORY, NULL);
  tree_add(tree, 1, "a", REGULAR, NULL);
  tree_add(tree, tree_add(tree, 1, "b", DIRECTORY, NULL), "a", REGULAR, NULL);
  for (; count < preopen_count; count++) {
    dirs[count] = tree_add(tree, 0, preopens[count], DIRECTORY, NULL);
    tree->nodes[dirs[count]].inside = true;
    put_preopen(dirs[count]);
  }
  for (int i = take_u8() % 16; i > 0; i--) put_node(tree, dirs, &count);
  if (options >= 224) {
    int dir = dirs[0];

    for (int i = take_u8() % 120; i > 0 && dir >= 0; i--) {
      const int next = tree_entry(tree, dir, "a");

      dir = next >= 0 ? tree->entries[next].node
                      : tree_add(tree, dir, "a", DIRECTORY, NULL);
      if (dir >= 0 && tree->nodes[dir].type != DIRECTORY) break;
    }
  }
}

/* Calls of the input. */

static uint32_t put_path(uint32_t *at) {
  static char path[8192];
  const uint32_t len = take_path(path, 4400);
  const uint32_t where = take_u8();

  *at = where < 250 ? where * 16 : take_word(guest.memory.size);
  if (in_memory(*at, len)) memcpy(guest.memory.base + *at, path, len);
  return where == 249 ? take_word(guest.memory.size) : len;
}

static uint32_t take_flags(uint32_t usual) {
  const uint8_t flags = take_u8();

  return flags < 252 ? flags % (usual + 1) : take_u32();
}

static uint32_t take_fd(void) {
  const uint8_t fd = take_u8();

  return fd < 200 ? fd % PREOPENS_MAX : fd % OPEN_MAX_OF_GUEST;
}

static void take_call(path_call *call) {
  static const uint64_t rights[] = {WV_RIGHTS_FD_READ, WV_RIGHTS_FD_WRITE,
                                    WV_RIGHTS_FD_READ | WV_RIGHTS_FD_WRITE,
                                    WV_RIGHTS_ALL, 0};

  memset(call, 0, sizeof(*call));
  call->op = WV_OP_PATH_CREATE_DIRECTORY + take_u8() % 10;
  call->fd = take_fd();
  call->len = put_path(&call->at);
  /* Around the address where a filestat just fits; smaller results fit too. */
  call->result = take_word(guest.memory.size - 60);
  switch (call->op) {
    case WV_OP_PATH_RENAME:
    case WV_OP_PATH_SYMLINK:
    case WV_OP_PATH_LINK:
      call->to_fd = take_fd();
      call->to_len = put_path(&call->to);
      if (call->op == WV_OP_PATH_LINK && take_u8() >= 240)
        call->flags = take_u32();
      break;
    case WV_OP_PATH_OPEN:
      call->flags = take_flags(1);
      call->oflags = take_flags(WV_OFLAGS_ALL);
      call->fdflags = take_u8() < 128 ? 0 : take_flags(WV_FDFLAGS_ALL);
      call->rights = rights[take_u8() % 5];
      call->inheriting = rights[take_u8() % 5];
      break;
    case WV_OP_PATH_FILESTAT_SET_TIMES:
      call->flags = take_flags(1);
      call->fstflags = take_flags(WV_FSTFLAGS_ALL);
      call->rights = take_u64();
      call->inheriting = take_u64();
      break;
    case WV_OP_PATH_FILESTAT_GET:
      call->flags = take_flags(1);
      break;
    default:
      call->buf = take_word(guest.memory.size);
      call->buf_len = take_word(guest.memory.size - call->buf);
  }
}

static wv_errno make_call(const path_call *c) {
  switch (c->op) {
    case WV_OP_PATH_CREATE_DIRECTORY:
      return wv_path_create_directory(&guest, c->fd, c->at, c->len);
    case WV_OP_PATH_REMOVE_DIRECTORY:
      return wv_path_remove_directory(&guest, c->fd, c->at, c->len);
    case WV_OP_PATH_UNLINK_FILE:
      return wv_path_unlink_file(&guest, c->fd, c->at, c->len);
    case WV_OP_PATH_FILESTAT_GET:
      return wv_path_filestat_get(&guest, c->fd, c->flags, c->at, c->len,
                                  c->result);
    case WV_OP_PATH_FILESTAT_SET_TIMES:
      return wv_path_filestat_set_times(&guest, c->fd, c->flags, c->at, c->len,
                                        c->rights, c->inheriting, c->fstflags);
    case WV_OP_PATH_LINK:
      return wv_path_link(&guest, c->fd, c->flags, c->at, c->len, c->to_fd,
                          c->to, c->to_len);
    case WV_OP_PATH_RENAME:
      return wv_path_rename(&guest, c->fd, c->at, c->len, c->to_fd, c->to,
                            c->to_len);
    case WV_OP_PATH_SYMLINK:
      return wv_path_symlink(&guest, c->to, c->to_len, c->fd, c->at, c->len);
    case WV_OP_PATH_READLINK:
      return wv_path_readlink(&guest, c->fd, c->at, c->len, c->buf, c->buf_len,
                              c->result);
    default:
      return wv_path_open(&guest, c->fd, c->flags, c->at, c->len, c->oflags,
                          c->rights, c->inheriting, c->fdflags, c->result);
  }
}

/* Makes all slices of a call. WV_RESUME: V8 has ended the guest between two. */
static wv_errno run(const path_call *call) {
  wv_errno error;

  for (;;) {
    kernel.slice_start = -1;
    error = make_call(call);
    if (error != WV_RESUME) break;
    CHECK(slice_is_over());
    if (input_left == 0 || take_u8() % 16 == 15) break;
    guest.resumed = true;
  }
  guest.resumed = false;
  return error;
}

/* The guest must have what was opened, and it must be inside. */
static void check_opened(const path_call *call, const struct opened *wanted) {
  const uint32_t fd = load_u32(guest.memory.base + call->result);
  const wv_fd *entry = wv_fd_get(guest.fds, fd);
  const struct handle *handle;

  CHECK(entry != NULL && entry->flags & WV_FD_OWNED);
  handle = handle_of(entry->host_fd);
  CHECK(paths.tree.nodes[handle->node].inside);
  CHECK(!(handle->flags & WV_SYS_OPEN_HANDLE));
  CHECK(entry->rights == call->rights);
  if (paths.races) return;
  CHECK(fd == wanted->fd && handle->node == wanted->node);
  CHECK((handle->flags & (WV_SYS_OPEN_READ | WV_SYS_OPEN_WRITE)) ==
        wanted->access);
}

static void check_outcome(const path_call *call, wv_errno wanted,
                          const struct tree *tree, const struct opened *opened,
                          wv_errno error) {
  const bool nonblock = call->fdflags & WV_FDFLAGS_NONBLOCK;

  if (error != wanted) {
    if (!opened->pauses) fprintf(stderr, "errno %d, not %d\n", error, wanted);
    /* A FIFO without a reader. */
    CHECK(wanted == WV_SUCCESS && opened->pauses);
    CHECK(error == (nonblock ? WV_ENXIO : WV_EAGAIN));
    CHECK(nonblock || guest.wait_timeout >= 0);
  }
  CHECK(memcmp(tree, &paths.tree, sizeof(*tree)) == 0);
}

static void path_call_of_input(void) {
  const uint8_t options = take_u8();
  const int open = paths.open;
  static struct tree tree;
  path_call call;
  struct opened opened;
  wv_errno wanted, error;

  paths.has_openat2 = (options & 1) != 0;
  paths.hesitant = (options & 2) != 0;
  paths.races = (options & 4) != 0;
  paths.looks = (options >> 4) - 1;
  kernel.now = MS;
  take_call(&call);
  tree = paths.tree;
  begin_shadow();
  wanted = expect_path_call(&call, &tree, &opened);
  if (paths.races) begin_shadow(); /* drops the expected changes */
  /* The handles of a walk; a rename or a link holds one more. */
  paths.most =
      open + 64 + (call.op == WV_OP_PATH_RENAME || call.op == WV_OP_PATH_LINK);
  error = run(&call);
  if (call.op == WV_OP_PATH_OPEN && error == WV_SUCCESS) {
    check_opened(&call, &opened);
    CHECK(paths.open == open + 1);
    memcpy(shadow + call.result, guest.memory.base + call.result, 4);
  } else {
    CHECK(paths.open == open);
  }
  if (error == WV_RESUME) CHECK(call.op == WV_OP_PATH_OPEN);
  if (error != WV_RESUME && !paths.races)
    check_outcome(&call, wanted, &tree, &opened, error);
  if (paths.races && error == WV_SUCCESS) {
    /* In a race, stat and readlink may return another object's data. */
    if (call.op == WV_OP_PATH_FILESTAT_GET)
      memcpy(shadow + call.result, guest.memory.base + call.result, 64);
    if (call.op == WV_OP_PATH_READLINK) {
      memcpy(shadow + call.buf, guest.memory.base + call.buf, call.buf_len);
      memcpy(shadow + call.result, guest.memory.base + call.result, 4);
    }
  }
  end_shadow();
}

void fuzz_paths(void) {
  uint8_t options;

  begin_kernel(&path_answers);
  memset(&paths, 0, sizeof(paths));
  begin_guest(OPEN_MAX_OF_GUEST);
  options = take_u8();
  guest.wait_timeout = options < 128 ? -1 : options % 64;
  if (options & 64) guest.fds->limit = PREOPENS_MAX + 1;
  make_tree();
  for (int i = 0; i < CALLS_MAX && input_left > 0; i++) {
    path_call_of_input();
    if (take_u8() >= 240) wv_fd_remove(guest.fds, take_u8() % 8);
  }
  check_table();
  end_guest();
  CHECK(paths.open == 0);
}
