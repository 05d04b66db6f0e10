/* One table for the threads of a guest, as a single thread sees it.
 * test/core/threads runs real threads. */
#include "sharing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "check.h"

static uint8_t memory[PAGE];

/* A guest with the write end of one of our pipes at fd 1. */
static wv_guest new_guest(int *reader) {
  wv_guest made = {.memory = {.base = memory, .size = sizeof(memory)},
                   .fds = wv_fd_table_new(16),
                   .wait_timeout = -1,
                   .may_block = true};
  wv_fd entry;
  int ends[2];

  CHECK(pipe(ends) == 0);
  CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  entry = wv_fd_of_host(ends[1]);
  entry.flags |= WV_FD_OWNED;
  EXPECT(WV_SUCCESS, wv_fd_insert_at(made.fds, 1, &entry));
  *reader = ends[0];
  return made;
}

static bool is_at_end(int reader) {
  char byte;

  return read(reader, &byte, 1) == 0;
}

/* Makes a call by the mailbox. */
static wv_errno call(wv_guest *of, enum wv_op op, uint32_t a, uint32_t b) {
  uint64_t words[WV_BOX_WORDS / 2] = {0};
  uint32_t *box = (uint32_t *)words;

  box[WV_BOX_OP] = op;
  box[WV_BOX_ARGUMENTS] = a;
  box[WV_BOX_ARGUMENTS + 1] = b;
  return wv_dispatch(of, box);
}

/* The reader of the stream sees its end, although the other thread goes on. */
static void test_close_of_own_stream(void) {
  int readers[2];
  wv_guest one = new_guest(&readers[0]);
  wv_guest other = new_guest(&readers[1]);

  EXPECT(WV_SUCCESS, wv_share(&one, memory));
  EXPECT(WV_SUCCESS, wv_share(&other, memory));
  CHECK(one.fds == other.fds);
  EXPECT(WV_SUCCESS, call(&one, WV_OP_FD_CLOSE, 1, 0));
  CHECK(is_at_end(readers[0]));
  EXPECT(WV_EBADF, call(&one, WV_OP_FD_CLOSE, 1, 0));
  EXPECT(WV_EBADF, call(&other, WV_OP_FD_SYNC, 1, 0));
  wv_guest_free(&one);
  wv_guest_free(&other);
  CHECK(is_at_end(readers[1]));
  close(readers[0]);
  close(readers[1]);
}

static void test_renumber_over_own_stream(void) {
  wv_fd entry = {.kind = WV_KIND_FILE, .flags = WV_FD_OWNED};
  int reader;
  wv_guest one = new_guest(&reader);

  EXPECT(WV_SUCCESS, wv_share(&one, memory));
  entry.host_fd = open("/dev/null", O_WRONLY);
  EXPECT(WV_SUCCESS, wv_fd_insert_at(one.fds, 5, &entry));
  EXPECT(WV_SUCCESS, call(&one, WV_OP_FD_RENUMBER, 5, 1));
  CHECK(is_at_end(reader));
  wv_guest_free(&one);
  close(reader);
}

static void test_move_of_own_stream(void) {
  int reader;
  wv_guest one = new_guest(&reader);
  wv_fd entry = wv_fd_of_host(reader);

  EXPECT(WV_SUCCESS, wv_share(&one, memory));
  EXPECT(WV_SUCCESS, wv_fd_insert_at(one.fds, 5, &entry));
  EXPECT(WV_SUCCESS, call(&one, WV_OP_FD_RENUMBER, 1, 5));
  CHECK(!is_at_end(reader));
  EXPECT(WV_SUCCESS, call(&one, WV_OP_FD_CLOSE, 5, 0));
  CHECK(is_at_end(reader));
  wv_guest_free(&one);
  close(reader);
}

/* A guest closed by the host has nothing open, not even what other threads
 * share. */
static void test_close_by_host(void) {
  int readers[2];
  wv_guest one = new_guest(&readers[0]);
  wv_guest other = new_guest(&readers[1]);

  EXPECT(WV_SUCCESS, wv_share(&one, memory));
  EXPECT(WV_SUCCESS, wv_share(&other, memory));
  EXPECT(WV_SUCCESS, wv_guest_close(&one));
  CHECK(one.closed && one.fds != other.fds);
  EXPECT(WV_EBADF, call(&one, WV_OP_FD_SYNC, 1, 0));
  CHECK(wv_guest_get(&other, 1) != NULL);
  wv_guest_free(&one);
  wv_guest_free(&other);
  close(readers[0]);
  close(readers[1]);
}

/* A call must use the entry that it has checked: a second lookup may find
 * another one. The number of held entries shows how often it looked. */
static void test_one_look(void) {
  int reader;
  wv_guest one = new_guest(&reader);
  uint32_t fd = UINT32_MAX;
  int ends[2];
  wv_fd entry;

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  entry = wv_fd_of_host(ends[0]);
  EXPECT(WV_SUCCESS, wv_share(&one, memory));
  EXPECT(WV_SUCCESS, wv_fd_insert(one.fds, &entry, &fd));
  wv_sock_recv(&one, fd, PAGE, 1, 0, 0, 0);
  CHECK(one.lookups.count == 1);
  wv_sock_send(&one, fd, PAGE, 1, 0, 0);
  CHECK(one.lookups.count == 2);
  wv_sock_shutdown(&one, fd, WV_SDFLAGS_WR);
  CHECK(one.lookups.count == 3);
  wv_sock_accept(&one, fd, 0, PAGE);
  CHECK(one.lookups.count == 4);
  memset(memory, 0, WV_SUBSCRIPTION_SIZE);
  memory[8] = 2; /* fd_write */
  memory[16] = (uint8_t)fd;
  wv_poll_oneoff(&one, 0, 64, 1, 0);
  CHECK(one.lookups.count == 5);
  wv_guest_release(&one);
  wv_guest_free(&one);
  close(ends[0]);
  close(ends[1]);
  close(reader);
}

void test_sharing(void) {
  test_one_look();
  test_close_of_own_stream();
  test_renumber_over_own_stream();
  test_move_of_own_stream();
  test_close_by_host();
}
