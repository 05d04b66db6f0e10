/* A path below a directory, one component after the other. */
#include "walk.h"

#include <errno.h>

#include "errno_map.h"

/* How often a component is tried again after another thread or process
 * exchanged it. */
#define TRIES 64

void wv_walk_begin(wv_walk *walk, wv_guest *guest, const wv_fd *dir,
                   const wv_path *path) {
  walk->guest = guest;
  walk->root = dir->host_fd;
  walk->links = 0;
  walk->depth = 0;
  walk->held = 0;
  walk->trail_len = 0;
  memcpy(walk->pending, path->bytes, path->len);
  walk->pending[path->len] = path->slash ? '/' : 0;
  walk->pending[path->len + 1] = 0;
  walk->rest = walk->pending;
}

static int *handle_of(wv_walk *walk, uint32_t level) {
  return &walk->handles[level % WV_WALK_HANDLES];
}

void wv_walk_end(wv_walk *walk) {
  while (walk->held > 0) {
    wv_sys_close(*handle_of(walk, --walk->depth));
    walk->held--;
  }
}

int wv_walk_directory(const wv_walk *walk) {
  return walk->depth == 0 ? walk->root
                          : walk->handles[(walk->depth - 1) % WV_WALK_HANDLES];
}

int wv_walk_take_directory(wv_walk *walk, bool *owned) {
  int dir = wv_walk_directory(walk);

  *owned = walk->depth > 0;
  if (*owned) {
    walk->depth--;
    walk->held--;
  }
  wv_walk_end(walk);
  return dir;
}

/* Goes down into `handle`, the directory `name`. `name` may be the text at the
 * end of the trail. */
static wv_errno push(wv_walk *walk, int handle, const char *name) {
  size_t size = strlen(name) + 1;

  if (size > sizeof(walk->trail) - walk->trail_len) {
    wv_sys_close(handle);
    return WV_ENAMETOOLONG;
  }
  memmove(walk->trail + walk->trail_len, name, size);
  walk->trail_len += (uint32_t)size;
  if (walk->held == WV_WALK_HANDLES)
    wv_sys_close(*handle_of(walk, walk->depth)); /* the highest open level's */
  else
    walk->held++;
  *handle_of(walk, walk->depth++) = handle;
  return WV_SUCCESS;
}

/* Opens the directories of the trail again, since the handle of its end was
 * closed. */
static wv_errno follow_trail(wv_walk *walk) {
  const uint32_t end = walk->trail_len;
  wv_errno error = WV_SUCCESS;
  const char *name;
  int handle;

  walk->depth = 0;
  walk->trail_len = 0;
  while (error == WV_SUCCESS && walk->trail_len < end) {
    name = walk->trail + walk->trail_len;
    handle = wv_sys_open_at(wv_walk_directory(walk), name,
                            WV_SYS_OPEN_HANDLE | WV_SYS_OPEN_DIRECTORY);
    if (handle < 0) return wv_errno_from_host(errno);
    error = push(walk, handle, name);
  }
  return error;
}

/* `..` goes back up the trail, and ignores what the system has as the parent by
 * now. */
static wv_errno pop(wv_walk *walk) {
  wv_sys_stat stat;

  if (walk->depth == 0) return WV_EPERM;
  /* Like the system, requires search permission on a directory for `..`. */
  if (wv_sys_stat_at(wv_walk_directory(walk), ".", &stat) < 0 &&
      errno == EACCES)
    return WV_EACCES;
  wv_sys_close(*handle_of(walk, --walk->depth));
  walk->held--;
  walk->trail_len--;
  while (walk->trail_len > 0 && walk->trail[walk->trail_len - 1] != 0)
    walk->trail_len--;
  return walk->depth > 0 && walk->held == 0 ? follow_trail(walk) : WV_SUCCESS;
}

/* Skips slashes and `.` components. */
static const char *skip_dots(const char *path) {
  for (;;) {
    path += strspn(path, "/");
    if (path[0] != '.' || (path[1] != '/' && path[1] != 0)) return path;
    path++;
  }
}

/* If the absolute path `target` begins with all components of `name`, returns
 * the rest, else NULL. `name` is absolute or `.`. */
static const char *behind(const char *target, const char *name) {
  size_t len;

  if (name[0] != '/' && strcmp(name, ".") != 0) return NULL;
  for (;;) {
    name = skip_dots(name);
    if (*name == 0) return target;
    target = skip_dots(target);
    len = strcspn(name, "/");
    if (strncmp(target, name, len) != 0 ||
        (target[len] != '/' && target[len] != 0))
      return NULL;
    target += len;
    name += len;
  }
}

/* An absolute link is a path of the guest: goes to the preopen with the longest
 * name that `target` begins with. `*target` becomes the path from there. */
static wv_errno go_to_preopen(wv_walk *walk, const char **target) {
  const wv_fd *found = NULL;
  const char *longest = NULL;
  const char *way;
  wv_fd *entry;
  uint32_t fd = 0;

  for (; (entry = wv_fd_hold_preopen(walk->guest->fds, &fd)) != NULL; fd++) {
    way = behind(*target, entry->preopen);
    wv_fd_release(entry);
    if (way == NULL || (longest != NULL && way <= longest)) continue;
    /* Held for the call, since another thread may close it. */
    found = wv_guest_get(walk->guest, fd);
    if (found == NULL || found->preopen == NULL) return WV_EPERM;
    longest = behind(*target, found->preopen);
    if (longest == NULL) return WV_EPERM;
  }
  if (found == NULL) return WV_EPERM;
  wv_walk_end(walk);
  walk->root = found->host_fd;
  walk->depth = 0;
  walk->trail_len = 0;
  *target = longest;
  return WV_SUCCESS;
}

/* Follows the link `name`: puts its target before the rest of the path.
 * EINVAL: not a link. */
static wv_errno follow_link(wv_walk *walk) {
  char text[WV_PATH_SIZE];
  const char *target = text;
  size_t rest_len = strlen(walk->rest);
  size_t len;
  wv_errno error;
  ssize_t n = wv_sys_readlink_at(wv_walk_directory(walk), walk->name, text,
                                 sizeof(text));

  if (n < 0) return wv_errno_from_host(errno);
  if ((size_t)n == sizeof(text)) return WV_ENAMETOOLONG;
  if (walk->links++ == WV_WALK_LINKS) return WV_ELOOP;
  text[n] = 0;
  if (text[0] == 0) return WV_ENOENT;
  if (text[0] == '/') {
    error = go_to_preopen(walk, &target);
    if (error != WV_SUCCESS) return error;
  }
  len = strlen(target);
  if (len + rest_len + 2 > sizeof(walk->pending)) return WV_ENAMETOOLONG;
  memmove(walk->pending + len + walk->slash, walk->rest, rest_len + 1);
  memcpy(walk->pending, target, len);
  if (walk->slash) walk->pending[len] = '/';
  walk->rest = walk->pending;
  return WV_SUCCESS;
}

/* Opening `name` failed as for a link or a non-directory, but it was no link
 * afterwards. Was it exchanged in between? */
static bool is_exchanged(const wv_walk *walk, wv_errno error) {
  wv_sys_stat stat;

  if (error == WV_ELOOP) return true;
  return wv_sys_stat_at(wv_walk_directory(walk), walk->name, &stat) < 0 ||
         stat.filetype == WV_FILETYPE_DIRECTORY ||
         stat.filetype == WV_FILETYPE_SYMBOLIC_LINK;
}

/* Opens `name`. With FOLLOW, a link is followed instead, and `*host_fd` is -1.
 */
static wv_errno open_or_follow(wv_walk *walk, int flags, int *host_fd) {
  wv_errno error;
  wv_errno no_link;
  int tries;

  for (tries = 0; tries < TRIES; tries++) {
    *host_fd = wv_sys_open_at(wv_walk_directory(walk), walk->name, flags);
    if (*host_fd >= 0) return WV_SUCCESS;
    error = wv_errno_from_host(errno);
    if (!(flags & WV_SYS_OPEN_FOLLOW) ||
        (error != WV_ELOOP && error != WV_ENOTDIR))
      return error;
    no_link = follow_link(walk);
    if (no_link != WV_EINVAL) return no_link;
    if (!is_exchanged(walk, error)) return error;
  }
  return WV_EAGAIN;
}

/* Moves the next component of the rest to `name`. */
static wv_errno next_name(wv_walk *walk, bool *last) {
  size_t len;

  walk->rest += strspn(walk->rest, "/");
  len = strcspn(walk->rest, "/");
  if (len >= sizeof(walk->name)) return WV_ENAMETOOLONG;
  memcpy(walk->name, walk->rest, len);
  walk->name[len] = 0;
  walk->rest += len;
  walk->slash = *walk->rest == '/';
  walk->rest += strspn(walk->rest, "/");
  *last = *walk->rest == 0;
  /* The rest is empty after an absolute link to a preopen itself. */
  if (len == 0) strcpy(walk->name, ".");
  return WV_SUCCESS;
}

wv_errno wv_walk_to_last(wv_walk *walk) {
  wv_errno error;
  int handle;
  bool last;

  for (;;) {
    error = next_name(walk, &last);
    if (error == WV_SUCCESS && strcmp(walk->name, "..") == 0) {
      error = pop(walk);
      strcpy(walk->name, ".");
    }
    if (error != WV_SUCCESS || last) return error;
    if (strcmp(walk->name, ".") == 0) continue;
    error = open_or_follow(
        walk, WV_SYS_OPEN_HANDLE | WV_SYS_OPEN_DIRECTORY | WV_SYS_OPEN_FOLLOW,
        &handle);
    if (error == WV_SUCCESS && handle >= 0)
      error = push(walk, handle, walk->name);
    if (error != WV_SUCCESS) return error;
  }
}

wv_errno wv_walk_to_end(wv_walk *walk) {
  wv_errno error;

  do {
    error = follow_link(walk);
    if (error == WV_EINVAL || error == WV_ENOENT) return WV_SUCCESS;
    if (error == WV_SUCCESS) error = wv_walk_to_last(walk);
  } while (error == WV_SUCCESS);
  return error;
}

wv_errno wv_walk_open(wv_walk *walk, int flags, int *host_fd) {
  wv_errno error = wv_walk_to_last(walk);
  int now;

  while (error == WV_SUCCESS) {
    now = flags;
    if (walk->slash) {
      if (flags & WV_SYS_OPEN_CREATE) return WV_EISDIR;
      now |= WV_SYS_OPEN_DIRECTORY | WV_SYS_OPEN_FOLLOW;
    }
    error = open_or_follow(walk, now, host_fd);
    if (error != WV_SUCCESS || *host_fd >= 0) return error;
    error = wv_walk_to_last(walk);
  }
  return error;
}
