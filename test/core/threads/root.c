/* The directories of the tests, and their guests. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"
#include "threads.h"

#define PATH 8192u
#define RESULT 0u

char root[64];
int fifo;

static void in_root(char *path, size_t size, const char *name) {
  snprintf(path, size, "%s/%s", root, name);
}

void make_root(void) {
  char path[128];
  char name[32];
  uint32_t i;

  snprintf(root, sizeof(root), "/tmp/wv-threads-XXXXXX");
  CHECK(mkdtemp(root) != NULL);
  in_root(path, sizeof(path), "d");
  CHECK(mkdir(path, 0700) == 0);
  in_root(path, sizeof(path), "abs");
  CHECK(symlink("/d", path) == 0); /* a path of the guest */
  in_root(path, sizeof(path), "fifo");
  CHECK(mkfifo(path, 0600) == 0);
  fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  CHECK(fifo >= 0);
  in_root(path, sizeof(path), "many");
  CHECK(mkdir(path, 0700) == 0);
  for (i = 0; i < MANY; i++) {
    snprintf(name, sizeof(name), "many/%u", i);
    in_root(path, sizeof(path), name);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  }
}

void remove_root(void) {
  char command[128];

  close(fifo);
  snprintf(command, sizeof(command), "rm -rf %s", root);
  CHECK(system(command) == 0);
}

static void preopen(wv_guest *guest, const char *path, const char *name) {
  wv_fd entry = wv_fd_of_preopen(wv_sys_open_directory(path), strdup(name));
  uint32_t fd;

  CHECK(entry.host_fd >= 0);
  CHECK(wv_fd_insert(guest->fds, &entry, &fd) == WV_SUCCESS);
}

static void insert_stream(thread_guest *of, uint32_t stream) {
  static _Atomic uint32_t number;
  char path[128];
  wv_fd entry;

  snprintf(path, sizeof(path), "%s/s%u", root, number++);
  entry =
      wv_fd_of_host(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  entry.flags |= WV_FD_OWNED;
  CHECK(wv_fd_insert_at(of->guest.fds, stream, &entry) == WV_SUCCESS);
}

void new_guest(thread_guest *of, uint32_t thread, enum preopens preopens) {
  char many[128];
  uint32_t i;

  memset(of, 0, sizeof(*of));
  of->thread = thread;
  of->base = thread * REGION;
  of->guest.wait_timeout = -1;
  of->guest.fds = wv_fd_table_new(1000);
  for (i = 0; i < WV_OWN_STREAMS; i++) insert_stream(of, i);
  in_root(many, sizeof(many), "many");
  preopen(&of->guest, root, "/");
  if (preopens == BOTH) preopen(&of->guest, many, "/many");
  wv_buffer_set(&of->guest.buffer,
                (wv_memory){.base = of->buffer, .size = sizeof(of->buffer)},
                WV_BUFFERED_AUTO);
}

void share_guest(thread_guest *of, uint8_t *memory) {
  of->guest.memory =
      (wv_memory){.base = memory, .size = (uint64_t)THREADS * REGION};
  CHECK(wv_share(&of->guest, memory) == WV_SUCCESS);
}

wv_errno dispatch(thread_guest *of, enum wv_op op, const uint32_t *arguments,
                  uint64_t wide) {
  of->box[WV_BOX_OP] = op;
  memcpy(of->box + WV_BOX_ARGUMENTS, arguments, 8 * sizeof(*arguments));
  memcpy(of->box + 2 * WV_BOX_WIDE, &wide, sizeof(wide));
  return wv_dispatch(&of->guest, of->box);
}

uint8_t *at(const thread_guest *of, uint32_t offset) {
  return of->guest.memory.base + of->base + offset;
}

wv_errno open_file(thread_guest *of, const char *path, uint32_t oflags,
                   uint32_t fdflags, uint32_t *fd) {
  const uint32_t len = (uint32_t)strlen(path);
  wv_errno error;

  memcpy(at(of, PATH), path, len);
  error = wv_path_open(
      &of->guest, ROOT_FD, 0, of->base + PATH, len, oflags,
      WV_RIGHTS_ALL &
          ~(oflags & WV_OFLAGS_DIRECTORY
                ? WV_RIGHTS_FD_WRITE | WV_RIGHTS_FD_DATASYNC |
                      WV_RIGHTS_FD_ALLOCATE | WV_RIGHTS_FD_FILESTAT_SET_SIZE
                : 0),
      WV_RIGHTS_ALL, fdflags, of->base + RESULT);
  wv_guest_release(&of->guest);
  if (error == WV_SUCCESS) *fd = wv_load_u32(at(of, RESULT));
  return error;
}

uint64_t inode_of(thread_guest *of, uint32_t fd) {
  if (CALL(of, WV_OP_FD_FILESTAT_GET, 0, fd, of->base + RESULT) != WV_SUCCESS)
    return 0;
  return wv_load_u64(at(of, RESULT + 8));
}

int count_open_fds(void) {
  DIR *stream = opendir("/proc/self/fd");
  int count = 0;

  if (stream == NULL) return -1;
  while (readdir(stream) != NULL) count++;
  closedir(stream);
  return count;
}
