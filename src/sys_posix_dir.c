/* The entries of a directory, for Linux, macOS and the BSDs. */
#define _GNU_SOURCE /* O_DIRECTORY, O_CLOEXEC, DT_* */
#define _DARWIN_C_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys_posix.h"

static wv_filetype filetype_of(unsigned char type) {
  switch (type) {
    case DT_BLK:
      return WV_FILETYPE_BLOCK_DEVICE;
    case DT_CHR:
      return WV_FILETYPE_CHARACTER_DEVICE;
    case DT_DIR:
      return WV_FILETYPE_DIRECTORY;
    case DT_REG:
      return WV_FILETYPE_REGULAR_FILE;
    case DT_LNK:
      return WV_FILETYPE_SYMBOLIC_LINK;
    case DT_FIFO:
    case DT_SOCK:
      return WV_FILETYPE_SOCKET_STREAM;
    default:
      return WV_FILETYPE_UNKNOWN;
  }
}

static int open_again(int fd) {
  return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

#ifdef __linux__

/* The layout of getdents64(2). */
struct linux_dirent {
  uint64_t ino;
  int64_t next;
  uint16_t size;
  uint8_t type;
  char name[];
};

struct wv_sys_directory {
  int fd;
  size_t at; /* the next entry in `bytes` */
  size_t used;
  _Alignas(struct linux_dirent) uint8_t bytes[32768];
};

wv_sys_directory *wv_sys_directory_open(int fd) {
  wv_sys_directory *directory = malloc(sizeof(*directory));

  if (directory == NULL) return NULL;
  directory->fd = open_again(fd);
  directory->at = 0;
  directory->used = 0;
  if (directory->fd >= 0) return directory;
  free(directory);
  return NULL;
}

static int refill(wv_sys_directory *directory) {
  long n;

  directory->at = 0;
  directory->used = 0;
  do
    n = syscall(SYS_getdents64, directory->fd, directory->bytes,
                sizeof(directory->bytes));
  while (n < 0 && errno == EINTR);
  if (n > 0) directory->used = (size_t)n;
  return n > 0 ? 1 : (int)n;
}

int wv_sys_directory_next(wv_sys_directory *directory, wv_sys_dirent *entry) {
  const struct linux_dirent *found;
  int result = 1;

  if (directory->at == directory->used) result = refill(directory);
  if (result <= 0) return result;
  found = (const void *)(directory->bytes + directory->at);
  directory->at += found->size;
  *entry = (wv_sys_dirent){.ino = found->ino,
                           .next = (uint64_t)found->next,
                           .filetype = filetype_of(found->type),
                           .name_len = (uint32_t)strlen(found->name),
                           .name = found->name};
  return 1;
}

int wv_sys_directory_seek(wv_sys_directory *directory, uint64_t cookie) {
  directory->at = 0;
  directory->used = 0;
  return lseek(directory->fd, (off_t)cookie, SEEK_SET) < 0 ? -1 : 0;
}

void wv_sys_directory_close(wv_sys_directory *directory) {
  close(directory->fd);
  free(directory);
}

#else

/* A cookie is the number of entries before it. macOS looks for each value of
 * telldir in a list of all that it has given, so there is one for each MARK
 * entries: from there, the others are counted. A guest that goes back after it
 * has removed entries may miss some; one that reads on never goes back. */
#define MARK 64

struct wv_sys_directory {
  DIR *stream;
  uint64_t at;    /* the entries before the position */
  uint64_t known; /* how many marks there are */
  uint64_t room;
  long *marks;
};

wv_sys_directory *wv_sys_directory_open(int fd) {
  wv_sys_directory *directory = calloc(1, sizeof(*directory));
  int own;

  if (directory == NULL) return NULL;
  own = open_again(fd);
  directory->stream = own < 0 ? NULL : fdopendir(own);
  if (directory->stream != NULL) return directory;
  if (own >= 0) close(own);
  free(directory);
  return NULL;
}

/* Marks the position, if it is the first time that it is reached. */
static int mark(wv_sys_directory *directory) {
  uint64_t room = directory->room * 2 + 16;
  long *marks;
  long place;

  if (directory->at != directory->known * MARK) return 0;
  if (directory->known == directory->room) {
    marks = realloc(directory->marks, (size_t)room * sizeof(*marks));
    if (marks == NULL) return -1;
    directory->marks = marks;
    directory->room = room;
  }
  errno = 0;
  place = telldir(directory->stream);
  if (place == -1 && errno != 0) return -1;
  directory->marks[directory->known++] = place;
  return 0;
}

/* NULL at the end, with errno 0, and on failure. */
static const struct dirent *next_entry(wv_sys_directory *directory) {
  const struct dirent *found;

  if (mark(directory) < 0) return NULL;
  errno = 0;
  found = readdir(directory->stream);
  if (found != NULL) directory->at++;
  return found;
}

int wv_sys_directory_next(wv_sys_directory *directory, wv_sys_dirent *entry) {
  const struct dirent *found = next_entry(directory);

  if (found == NULL) return errno == 0 ? 0 : -1;
  *entry = (wv_sys_dirent){.ino = (uint64_t)found->d_ino,
                           .next = directory->at,
                           .filetype = filetype_of(found->d_type),
                           .name_len = (uint32_t)strlen(found->d_name),
                           .name = found->d_name};
  return 1;
}

static void go_to_mark(wv_sys_directory *directory, uint64_t number) {
  if (number == 0) {
    rewinddir(directory->stream); /* the values of telldir end here */
    directory->known = 0;
  } else {
    seekdir(directory->stream, directory->marks[number]);
  }
  directory->at = number * MARK;
}

/* A cookie behind the end is the end. */
int wv_sys_directory_seek(wv_sys_directory *directory, uint64_t cookie) {
  uint64_t number = cookie / MARK;

  if (number >= directory->known)
    number = directory->known > 0 ? directory->known - 1 : 0;
  if (cookie == 0 || cookie < directory->at || number * MARK > directory->at)
    go_to_mark(directory, number);
  while (directory->at < cookie)
    if (next_entry(directory) == NULL) return errno == 0 ? 0 : -1;
  return 0;
}

void wv_sys_directory_close(wv_sys_directory *directory) {
  closedir(directory->stream);
  free(directory->marks);
  free(directory);
}

#endif
