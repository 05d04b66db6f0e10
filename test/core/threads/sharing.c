/* Which guests share a table, and what they share. */
#include "sharing.h"

#include <stdlib.h>

#include "threads.h"

#define LIST 64u
#define DATA 1024u
#define RESULT 0u

static thread_guest a;
static thread_guest b;

static wv_errno write_text(thread_guest *of, uint32_t fd, const char *text) {
  memcpy(at(of, DATA), text, strlen(text));
  wv_store_u32(at(of, LIST), of->base + DATA);
  wv_store_u32(at(of, LIST + 4), (uint32_t)strlen(text));
  return CALL(of, WV_OP_FD_WRITE, 0, fd, of->base + LIST, 1, of->base + RESULT);
}

static void two_guests(uint8_t *memory, enum preopens of_b) {
  new_guest(&a, 0, BOTH);
  new_guest(&b, 1, of_b);
  share_guest(&a, memory);
  share_guest(&b, memory);
}

static void free_both(void) {
  wv_guest_free(&a.guest);
  wv_guest_free(&b.guest);
}

static void test_apart(uint8_t *memory) {
  const int fds = count_open_fds();

  two_guests(memory, ROOT_ALONE);
  CHECK(a.guest.fds != b.guest.fds);
  free_both();

  /* Another memory belongs to another guest. */
  new_guest(&a, 0, BOTH);
  new_guest(&b, 1, BOTH);
  share_guest(&a, memory);
  share_guest(&b, memory + 64);
  CHECK(a.guest.fds != b.guest.fds);
  free_both();
  CHECK(count_open_fds() == fds);
}

static void test_files(uint8_t *memory) {
  const int fds = count_open_fds();
  uint64_t inode;
  uint32_t fd;

  two_guests(memory, BOTH);
  CHECK(a.guest.fds == b.guest.fds);
  CHECK(wv_share(&a.guest, memory) ==
        WV_SUCCESS); /* a second time changes nothing */
  CHECK(open_file(&a, "d/shared", WV_OFLAGS_CREAT, 0, &fd) == WV_SUCCESS);
  CHECK(fd == FREE_FD);
  inode = inode_of(&a, fd);
  CHECK(inode != 0 && inode_of(&b, fd) == inode);
  CHECK(write_text(&b, fd, "0123456789abcdef") == WV_SUCCESS);
  CHECK(CALL(&a, WV_OP_FD_TELL, 0, fd, a.base + RESULT) == WV_SUCCESS);
  CHECK(wv_load_u64(at(&a, RESULT)) == 16);

  /* The last guest closes the files. */
  wv_guest_free(&a.guest);
  CHECK(inode_of(&b, fd) == inode);
  new_guest(&a, 0, BOTH);
  share_guest(&a, memory);
  CHECK(inode_of(&a, fd) == inode);
  CHECK(CALL(&a, WV_OP_FD_CLOSE, 0, fd) == WV_SUCCESS);
  CHECK(inode_of(&b, fd) == 0);
  CHECK(open_file(&b, "d/shared", WV_OFLAGS_TRUNC, 0, &fd) == WV_SUCCESS);
  free_both();
  CHECK(count_open_fds() == fds);

  /* The address of a memory that no guest uses any more. */
  new_guest(&a, 0, BOTH);
  share_guest(&a, memory);
  CHECK(a.guest.fds->count == FREE_FD && inode_of(&a, fd) == 0);
  wv_guest_free(&a.guest);
  CHECK(count_open_fds() == fds);
}

/* Each thread has its own streams until one of them closes or replaces one. */
static void test_streams(uint8_t *memory) {
  const int fds = count_open_fds();
  uint64_t own[2];
  uint64_t inode;
  uint32_t fd;

  two_guests(memory, BOTH);
  own[0] = inode_of(&a, 1);
  own[1] = inode_of(&b, 1);
  CHECK(own[0] != 0 && own[1] != 0 && own[0] != own[1]);

  CHECK(CALL(&a, WV_OP_FD_CLOSE, 0, 0) == WV_SUCCESS);
  CHECK(inode_of(&a, 0) == 0 && inode_of(&b, 0) == 0);
  CHECK(open_file(&b, "d/new", WV_OFLAGS_CREAT, 0, &fd) == WV_SUCCESS);
  CHECK(fd == 0 && inode_of(&a, 0) == inode_of(&b, 0));

  CHECK(open_file(&b, "d/other", WV_OFLAGS_CREAT, 0, &fd) == WV_SUCCESS);
  inode = inode_of(&b, fd);
  CHECK(CALL(&b, WV_OP_FD_RENUMBER, 0, 1, fd) == WV_SUCCESS);
  CHECK(inode_of(&a, 1) == 0 && inode_of(&b, 1) == 0);
  /* At its new number it still is each thread's own stream. */
  CHECK(inode_of(&a, fd) == own[0] && inode_of(&b, fd) == own[1]);
  CHECK(inode != 0 && inode != own[1]);

  CHECK(open_file(&a, "d/third", WV_OFLAGS_CREAT, 0, &fd) == WV_SUCCESS);
  CHECK(fd == 1);
  CHECK(CALL(&a, WV_OP_FD_RENUMBER, 0, 1, 2) == WV_SUCCESS);
  CHECK(inode_of(&a, 2) != 0 && inode_of(&a, 2) == inode_of(&b, 2));
  free_both();

  /* A guest without a stream there. */
  new_guest(&a, 0, BOTH);
  new_guest(&b, 1, BOTH);
  CHECK(wv_fd_remove(b.guest.fds, 0) == WV_SUCCESS);
  share_guest(&a, memory);
  share_guest(&b, memory);
  CHECK(inode_of(&a, 0) != 0 && inode_of(&b, 0) == 0);
  free_both();
  CHECK(count_open_fds() == fds);
}

void test_sharing(uint8_t *memory) {
  test_apart(memory);
  test_files(memory);
  test_streams(memory);
  check_records(); /* finds no records, but removes the files */
}
