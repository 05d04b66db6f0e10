/* Buffered writes against a model. Files, pipes and captures must hold the
 * bytes whose writes succeeded, in order. Whatever fails, a guest keeps one
 * buffer and one descriptor at most.
 *
 * A failure prints the number of its round. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "buffered.h"
#include "capture.h"

#define WRITE_MAX 8000u
#define FILES 3
#define FILE_MAX 16384u
#define SLOTS 8u /* guest fds from 2 on */
#define FIRST 2u
#define OBJECTS 80
#define STREAM_MAX 131072u
#define CAPTURE_MAX 700u

#define ROUNDS 400
#define OPERATIONS 120

/* Does what combiner.wat does in WebAssembly. False: not a plain case. */
static bool write_plainly(uint32_t fd, uint32_t count, uint32_t total,
                          bool positioned, uint64_t offset) {
  const int of = positioned ? WV_BUFFER_PWRITE_FD : WV_BUFFER_WRITE_FD;
  uint32_t used = buffer_word(WV_BUFFER_USED);
  uint32_t i;

  if (wv_load_u64(buffer_memory + of) != fd) return false;
  if (used > buffer_word(WV_BUFFER_CAPACITY)) return false;
  if (total > buffer_word(WV_BUFFER_CAPACITY) - used) return false;
  if (positioned && wv_load_u64(buffer_memory + WV_BUFFER_END) != offset)
    return false;
  for (i = 0; i < count; i++) {
    uint32_t len = wv_load_u32(M(LIST + 8 * i + 4));

    memcpy(buffer_memory + WV_BUFFER_HEADER_SIZE + used,
           M(wv_load_u32(M(LIST + 8 * i))), len);
    used += len;
  }
  wv_store_u32(buffer_memory + WV_BUFFER_USED, used);
  wv_store_u32(buffer_memory + WV_BUFFER_CALLS,
               buffer_word(WV_BUFFER_CALLS) + 1);
  if (positioned) wv_store_u64(buffer_memory + WV_BUFFER_END, offset + total);
  wv_store_u32(M(RESULT), total);
  return true;
}

/* The model. */

typedef enum kind { REGULAR, APPEND, FULL, PIPE, CAPTURE, KINDS } kind;

static struct file {
  char path[64];
  int host_fd; /* the test's own descriptor */
  uint32_t size;
  uint8_t bytes[FILE_MAX];
} files[FILES];

/* The file or stream of a guest fd. `bytes` holds all that a stream accepted.
 */
typedef struct object {
  kind kind;
  bool open;
  const wv_fd *entry; /* NULL once it is closed */
  struct file *file;
  uint32_t pos;
  int reader; /* for a pipe */
  wv_capture *capture;
  uint32_t accepted;
  uint32_t seen; /* accepted bytes that have come out */
  uint8_t *bytes;
} object;

static object objects[OBJECTS];
static int object_count;
static object *slots[SLOTS];
static uint64_t seed;
static bool has_noappend;

static uint32_t random_below(uint32_t limit) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (uint32_t)(seed >> 32) % limit;
}

static object *find(const wv_fd *entry) {
  int i;

  for (i = 0; i < object_count; i++)
    if (objects[i].entry == entry) return &objects[i];
  return NULL;
}

/* Is the file as in the model, except for the bytes from `from` to `from +
 * len`? */
static bool is_as_modelled(const struct file *file, uint32_t from,
                           uint32_t len) {
  static uint8_t there[FILE_MAX];
  uint32_t i;

  memset(there, 0, sizeof(there));
  CHECK(pread(file->host_fd, there, sizeof(there), 0) >= 0);
  for (i = 0; i < FILE_MAX; i++)
    if ((i < from || i >= from + len) && there[i] != file->bytes[i])
      return false;
  return true;
}

static void empty_files(void) {
  int i;

  for (i = 0; i < FILES; i++) {
    CHECK(ftruncate(files[i].host_fd, 0) == 0);
    memset(files[i].bytes, 0, FILE_MAX);
    files[i].size = 0;
  }
}

static void check_files(void) {
  struct stat st;
  int i;

  for (i = 0; i < FILES; i++) {
    CHECK(fstat(files[i].host_fd, &st) == 0 && st.st_size == files[i].size);
    CHECK(is_as_modelled(&files[i], 0, 0));
  }
}

/* Reads up to `most` bytes of a pipe. */
static void drain(object *of, uint32_t most) {
  static uint8_t bytes[STREAM_MAX];
  ssize_t n = read(of->reader, bytes, most);

  if (n <= 0) return;
  CHECK(of->seen + (uint32_t)n <= of->accepted);
  CHECK(memcmp(bytes, of->bytes + of->seen, (size_t)n) == 0);
  of->seen += (uint32_t)n;
}

/* The operations. */

static void open_slot(uint32_t slot) {
  object *of = &objects[object_count];
  wv_fd entry;
  int ends[2];

  if (slots[slot] != NULL || object_count == OBJECTS) return;
  *of = (object){.kind = (kind)random_below(KINDS), .open = true, .reader = -1};
  if (slot == 0) of->kind = REGULAR; /* fd 2 */
  switch (of->kind) {
    case REGULAR:
    case APPEND:
      of->file = &files[random_below(FILES)];
      entry = wv_fd_of_host(
          open(of->file->path,
               O_RDWR | O_CLOEXEC | (of->kind == APPEND ? O_APPEND : 0)));
      break;
    case FULL:
      entry = wv_fd_of_host(open("/dev/full", O_RDWR | O_CLOEXEC));
      break;
    case PIPE:
      CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
      fcntl(ends[0], F_SETPIPE_SZ, 4096);
      of->reader = ends[0];
      entry = wv_fd_of_host(ends[1]);
      break;
    default:
      of->capture = wv_capture_new(CAPTURE_MAX);
      entry = (wv_fd){.kind = WV_KIND_TARGET,
                      .flags = WV_FD_WRITABLE,
                      .rights = WV_RIGHTS_ALL,
                      .capture = of->capture};
  }
  if (of->kind != CAPTURE) entry.flags |= WV_FD_OWNED;
  if (of->file == NULL) of->bytes = malloc(STREAM_MAX);
  EXPECT(WV_SUCCESS, wv_fd_insert_at(guest.fds, FIRST + slot, &entry));
  of->entry = wv_fd_get(guest.fds, FIRST + slot);
  object_count++;
  slots[slot] = of;
}

static uint32_t put_list(uint32_t *count) {
  const uint32_t most = buffer->size + buffer->size / 3;
  uint32_t total = 0;
  uint32_t i;

  *count = random_below(5);
  for (i = 0; i < *count; i++) {
    uint32_t len = random_below(4) == 0 ? random_below(most) : random_below(20);
    uint32_t at = BUF + WRITE_MAX * i;

    if (total + len > WRITE_MAX) len = 0;
    for (uint32_t n = 0; n < len; n++) M(at)[n] = (uint8_t)random_below(256);
    put_iovec(LIST + 8 * i, at, len);
    total += len;
  }
  return total;
}

/* Copies the first `len` bytes of the list. */
static void copy_list(uint8_t *to, uint32_t len) {
  uint32_t i;

  for (i = 0; len > 0; i++) {
    uint32_t part = wv_load_u32(M(LIST + 8 * i + 4));

    if (part > len) part = len;
    memcpy(to, M(wv_load_u32(M(LIST + 8 * i))), part);
    to += part;
    len -= part;
  }
}

static void put_in_file(struct file *file, uint32_t offset, uint32_t len) {
  if (len == 0) return;
  copy_list(file->bytes + offset, len);
  if (offset + len > file->size) file->size = offset + len;
}

/* Checks the result of a write, and adds its bytes to the model. */
static void check_written(object *of, wv_errno error, uint32_t total) {
  uint32_t room = CAPTURE_MAX - of->accepted;
  uint32_t n = result();

  switch (of->kind) {
    case REGULAR:
    case APPEND:
      CHECK(error == WV_SUCCESS && n == total);
      if (of->kind == APPEND && total > 0) of->pos = of->file->size;
      put_in_file(of->file, of->pos, total);
      of->pos += total;
      return;
    case FULL:
      CHECK(error == WV_SUCCESS || error == WV_ENOSPC);
      if (error == WV_SUCCESS && total > 0)
        CHECK(n == total && buffer->entry == of->entry);
      return;
    case PIPE:
      CHECK(error == WV_SUCCESS || error == WV_EAGAIN);
      CHECK(error == WV_EAGAIN || n == total || total >= buffer->size ||
            buffer->entry != of->entry);
      break;
    default:
      CHECK(error == (room > 0 || total == 0 ? WV_SUCCESS : WV_ENOSPC));
      if (error == WV_SUCCESS) CHECK(n == (total < room ? total : room));
  }
  if (error != WV_SUCCESS) return;
  CHECK(of->accepted + n <= STREAM_MAX);
  copy_list(of->bytes + of->accepted, n);
  of->accepted += n;
}

static void write_to(uint32_t slot) {
  object *of = slots[slot];
  uint32_t count;
  uint32_t total = put_list(&count);
  wv_errno error = WV_SUCCESS;

  if (of == NULL || of->accepted + total > STREAM_MAX) return;
  if (of->file != NULL &&
      (of->kind == APPEND ? of->file->size : of->pos) + total > FILE_MAX)
    return;
  if (random_below(3) == 0 ||
      !write_plainly(FIRST + slot, count, total, false, 0))
    error = call_write(FIRST + slot, count,
                       random_below(30) == 0   ? WV_WRITE_NOT_BUFFERED
                       : random_below(20) == 0 ? WV_WRITE_TRACED
                                               : 0);
  check_written(of, error, total);
  /* Bytes for fd 2 are never buffered, unless for a capture. */
  if (slot == 0 && of->kind != CAPTURE) CHECK(buffer->entry != of->entry);
}

static void pwrite_to(uint32_t slot) {
  static uint32_t last_end;
  object *of = slots[slot];
  uint32_t count;
  uint32_t total = put_list(&count);
  uint32_t offset = random_below(3) ? last_end : random_below(FILE_MAX);
  wv_errno error = WV_SUCCESS;

  if (of == NULL || (of->kind == APPEND && !has_noappend)) return;
  if (random_below(10) == 0) offset = 0;
  if (offset + total > FILE_MAX) return;
  if (random_below(3) == 0 ||
      !write_plainly(FIRST + slot, count, total, true, offset))
    error = call_pwrite(FIRST + slot, count, offset);
  if (of->file == NULL) {
    CHECK(of->kind == FULL
              ? error == WV_ENOSPC || (error == WV_SUCCESS && total == 0)
              : error == WV_ESPIPE || error == WV_EAGAIN);
    return;
  }
  CHECK(error == WV_SUCCESS && result() == total);
  put_in_file(of->file, offset, total);
  last_end = offset + total;
}

/* Calls that see what was written. */
static void look_at(uint32_t slot) {
  object *of = slots[slot];
  const uint32_t fd = FIRST + slot;
  uint32_t offset = random_below(FILE_MAX);
  uint32_t len;

  if (of == NULL || of->file == NULL) return;
  put_iovec(LIST, BUF, 100);
  len = offset >= of->file->size        ? 0
        : of->file->size - offset < 100 ? of->file->size - offset
                                        : 100;
  switch (random_below(3)) {
    case 0:
      EXPECT(WV_SUCCESS,
             dispatch(WV_OP_FD_PREAD, fd, LIST, 1, RESULT, 0, offset));
      CHECK(result() == len);
      CHECK(memcmp(M(BUF), of->file->bytes + offset, len) == 0);
      break;
    case 1:
      EXPECT(WV_SUCCESS, dispatch(WV_OP_FD_TELL, fd, RESULT, 0, 0, 0, 0));
      CHECK(wv_load_u64(M(RESULT)) == of->pos);
      break;
    default:
      EXPECT(WV_SUCCESS, dispatch(WV_OP_FD_FILESTAT_GET, fd, BUF, 0, 0, 0, 0));
      CHECK(wv_load_u64(M(BUF + 32)) == of->file->size);
  }
}

static void seek_in(uint32_t slot) {
  object *of = slots[slot];

  if (of == NULL || of->file == NULL) return;
  of->pos = random_below(of->file->size + 10);
  EXPECT(WV_SUCCESS, dispatch(WV_OP_FD_SEEK, FIRST + slot, WV_WHENCE_SET,
                              RESULT, 0, 0, of->pos));
}

static bool can_fail(const object *of) {
  return of->kind == FULL || of->kind == PIPE;
}

static void close_slot(uint32_t slot) {
  object *of = slots[slot];
  wv_errno error;

  if (of == NULL) return;
  error = call_close(FIRST + slot);
  CHECK(error == WV_SUCCESS || can_fail(of));
  /* The fd is closed all the same, and its bytes stay in the buffer. */
  if (error != WV_SUCCESS) CHECK(buffer->entry == of->entry && kept() > 0);
  CHECK(wv_fd_get(guest.fds, FIRST + slot) == NULL);
  EXPECT(WV_EBADF, call_close(FIRST + slot));
  of->open = false;
  slots[slot] = NULL;
}

static void renumber(uint32_t from, uint32_t to) {
  object *moved = slots[from];
  object *there = slots[to];
  wv_errno error =
      dispatch(WV_OP_FD_RENUMBER, FIRST + from, FIRST + to, 0, 0, 0, 0);

  if (moved == NULL || there == NULL) {
    CHECK(error == WV_EBADF || error == WV_EAGAIN || error == WV_ENOSPC);
    return;
  }
  if (error != WV_SUCCESS) {
    CHECK(can_fail(moved) || can_fail(there));
    CHECK(wv_fd_get(guest.fds, FIRST + from) == moved->entry);
    CHECK(wv_fd_get(guest.fds, FIRST + to) == there->entry);
    return;
  }
  if (from == to) return;
  there->open = false;
  slots[to] = moved;
  slots[from] = NULL;
}

static void flush(void) {
  const wv_errno error = call_flush(random_below(2) ? 0 : WV_NO_LIMIT);

  if (error == WV_SUCCESS) {
    CHECK(buffer->entry == NULL && kept() == 0);
  } else {
    CHECK(error == WV_EAGAIN || error == WV_ENOSPC);
    CHECK(buffer->error == error && kept() > 0);
  }
}

/* Drops the kept bytes, which are the last ones that their object accepted. */
static void discard(void) {
  object *of = buffer->entry == NULL ? NULL : find(buffer->entry);
  const uint32_t left = kept();
  const bool positioned =
      wv_load_u64(buffer_memory + WV_BUFFER_PWRITE_FD) < WV_NO_FD;
  const uint64_t end = wv_load_u64(buffer_memory + WV_BUFFER_END);
  uint32_t from;

  CHECK(buffer->entry == NULL || of != NULL);
  CHECK(wv_buffer_discard(&guest) == left);
  CHECK(kept() == 0 && buffer->entry == NULL);
  if (of == NULL) return;
  if (of->file == NULL) {
    of->accepted -= can_fail(of) && of->kind == FULL ? 0 : left;
    return;
  }
  from = (uint32_t)(positioned           ? end
                    : of->kind == APPEND ? of->file->size
                                         : of->pos) -
         left;
  if (!positioned) of->pos = from;
  CHECK(is_as_modelled(of->file, from, left));
  memset(of->file->bytes, 0, FILE_MAX);
  of->file->size =
      (uint32_t)pread(of->file->host_fd, of->file->bytes, FILE_MAX, 0);
  /* Without the dropped bytes, append mode has another position. */
  if (!positioned && of->kind == APPEND)
    of->pos = (uint32_t)lseek(of->entry->host_fd, 0, SEEK_CUR);
}

static void operate(void) {
  uint32_t slot = random_below(SLOTS);

  switch (random_below(16)) {
    case 0:
    case 1:
      open_slot(slot);
      break;
    case 2:
      close_slot(slot);
      break;
    case 3:
      renumber(slot, random_below(SLOTS));
      break;
    case 4:
      flush();
      break;
    case 5:
      if (random_below(4) == 0) discard();
      break;
    case 6:
    case 7:
      if (slots[slot] != NULL && slots[slot]->kind == PIPE)
        drain(slots[slot], random_below(6000));
      break;
    case 8:
      look_at(slot);
      break;
    case 9:
      seek_in(slot);
      break;
    case 10:
    case 11:
      pwrite_to(slot);
      break;
    default:
      write_to(slot);
  }
}

/* One buffer and one descriptor at most. */
static void check_bounds(int base) {
  int held = 0;
  int i;

  CHECK(kept() <= buffer->size);
  for (i = 0; i < object_count; i++) {
    object *of = &objects[i];

    if (!of->open && of->entry != NULL && of->entry != buffer->entry)
      of->entry = NULL; /* gone */
    if (of->kind == PIPE) held++;
    if (of->entry != NULL && of->kind != CAPTURE) held++;
    if (!of->open && of->entry != NULL) CHECK(can_fail(of));
  }
  if (base >= 0 && random_below(8) == 0) CHECK(count_open_fds() == base + held);
}

static void end_object(object *of) {
  static uint8_t bytes[CAPTURE_MAX];
  char byte;

  if (of->kind == PIPE) {
    while (of->seen < of->accepted) {
      uint32_t before = of->seen;

      drain(of, STREAM_MAX);
      CHECK(of->seen > before);
      if (of->seen == before) break;
    }
    CHECK(read(of->reader, &byte, 1) == 0); /* end of file */
    close(of->reader);
  }
  if (of->kind == CAPTURE) {
    CHECK(wv_capture_size(of->capture) == of->accepted);
    CHECK(wv_capture_room(of->capture) == CAPTURE_MAX - of->accepted);
    wv_capture_read(of->capture, bytes, of->accepted);
    CHECK(memcmp(bytes, of->bytes, of->accepted) == 0);
    wv_capture_release(of->capture);
  }
  free(of->bytes);
}

static void end_round(void) {
  object *of = buffer->entry == NULL ? NULL : find(buffer->entry);
  uint32_t before;
  uint32_t slot;
  wv_errno error;
  int i;

  if (of != NULL && of->kind == FULL) discard();
  do {
    /* The pipe has no room for all of it at once. */
    if (of != NULL && of->kind == PIPE) drain(of, STREAM_MAX);
    before = kept();
    error = call_flush(WV_NO_LIMIT);
  } while (error == WV_EAGAIN && kept() < before);
  EXPECT(WV_SUCCESS, error);
  check_files();
  for (slot = 0; slot < SLOTS; slot++) close_slot(slot);
  for (i = 0; i < object_count; i++) end_object(&objects[i]);
  object_count = 0;
}

void test_model(void) {
  static const uint32_t sizes[] = {1, 16, 64, 100, 512, BUFFER_MAX};
  char directory[] = "/tmp/wv-core-XXXXXX";
  uint32_t size;
  int base;
  int round;
  int i;

  CHECK(mkdtemp(directory) != NULL);
  for (i = 0; i < FILES; i++) {
    snprintf(files[i].path, sizeof(files[i].path), "%s/%d", directory, i);
    files[i].host_fd = open(files[i].path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(files[i].host_fd >= 0);
  }
#if defined(RWF_NOAPPEND) && defined(__linux__)
  struct iovec none = {.iov_base = "x", .iov_len = 1};

  has_noappend = pwritev2(files[0].host_fd, &none, 1, 0, RWF_NOAPPEND) == 1;
  CHECK(ftruncate(files[0].host_fd, 0) == 0);
#endif
  guest.wait_timeout = 0;
  base = count_open_fds();
  for (round = 1; round <= ROUNDS && failures == 0; round++) {
    seed = (uint64_t)round * 0x9e3779b97f4a7c15u;
    size = sizes[random_below(6)];
    use_buffer(size, (uint8_t)random_below(3));
    empty_files();
    for (i = 0; i < OPERATIONS; i++) {
      operate();
      check_bounds(base);
      if (failures == 0) continue;
      fprintf(stderr, "round %d, operation %d\n", round, i);
      break;
    }
    end_round();
  }
  CHECK(count_open_fds() == base);
  guest.wait_timeout = -1;
  for (i = 0; i < FILES; i++) {
    close(files[i].host_fd);
    unlink(files[i].path);
  }
  rmdir(directory);
}
