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

struct wv_sys_directory {
  DIR *stream;
};

wv_sys_directory *wv_sys_directory_open(int fd) {
  wv_sys_directory *directory = malloc(sizeof(*directory));
  int own;

  if (directory == NULL) return NULL;
  own = open_again(fd);
  directory->stream = own < 0 ? NULL : fdopendir(own);
  if (directory->stream != NULL) return directory;
  if (own >= 0) close(own);
  free(directory);
  return NULL;
}

/* A cookie is telldir's value plus one, since 0 is the beginning. */
int wv_sys_directory_next(wv_sys_directory *directory, wv_sys_dirent *entry) {
  const struct dirent *found;

  errno = 0;
  found = readdir(directory->stream);
  if (found == NULL) return errno == 0 ? 0 : -1;
  *entry = (wv_sys_dirent){.ino = (uint64_t)found->d_ino,
                           .next = (uint64_t)telldir(directory->stream) + 1,
                           .filetype = filetype_of(found->d_type),
                           .name_len = (uint32_t)strlen(found->d_name),
                           .name = found->d_name};
  return 1;
}

int wv_sys_directory_seek(wv_sys_directory *directory, uint64_t cookie) {
  if (cookie == 0)
    rewinddir(directory->stream);
  else
    seekdir(directory->stream, (long)(cookie - 1));
  return 0;
}

void wv_sys_directory_close(wv_sys_directory *directory) {
  closedir(directory->stream);
  free(directory);
}

#endif
