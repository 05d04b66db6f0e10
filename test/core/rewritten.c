/* Arguments that change during a call, by another thread or by the call itself,
 * which may read data over its own list. */
#include <sys/socket.h>

#include "check.h"

#define RESULT 0u
#define FLAGS 8u
#define LIST 64u
#define BUF 4096u

/* Makes the list invalid: out of bounds, or empty. */
static void spoil_list(bool empty) {
  put_iovec(LIST, empty ? BUF : PAGE, empty ? 0 : 1);
}

static void expect_done(wv_errno error, uint32_t done) {
  guest.resumed = false;
  EXPECT(WV_SUCCESS, error);
  CHECK(wv_load_u32(M(RESULT)) == done);
}

/* The call has received bytes and waits for more: those bytes count. */
static void test_received(void) {
  uint32_t fd;
  int ends[2];
  wv_errno error;

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  fd = insert_host(ends[0]);
  /* The data overwrites its own list, and leaves no valid pointer there. */
  put_iovec(LIST, LIST, 100);
  CHECK(write(ends[1], "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 8);
  EXPECT(WV_RESUME,
         wv_sock_recv(&guest, fd, LIST, 1, WV_RIFLAGS_WAITALL, RESULT, FLAGS));
  guest.resumed = true;
  error = wv_sock_recv(&guest, fd, LIST, 1, WV_RIFLAGS_WAITALL, RESULT, FLAGS);
  expect_done(error, 8);
  /* The next call has received nothing yet. */
  EXPECT(WV_EFAULT,
         wv_sock_recv(&guest, fd, LIST, 1, WV_RIFLAGS_WAITALL, RESULT, FLAGS));
  EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(ends[1]);
}

typedef wv_errno (*writer)(uint32_t fd);

static wv_errno write_it(uint32_t fd) {
  return wv_fd_write(&guest, fd, LIST, 1, RESULT);
}

static wv_errno send_it(uint32_t fd) {
  return wv_sock_send(&guest, fd, LIST, 1, 0, RESULT);
}

static void test_written(writer write_list, bool empty, bool closes) {
  const int room = 1;
  uint32_t fd;
  int ends[2];
  uint32_t out;
  wv_errno error;

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0);
  fd = insert(wv_fd_of_host(ends[0]));
  put_iovec(LIST, BUF, PAGE - BUF);
  EXPECT(WV_RESUME, write_list(fd));
  out = (uint32_t)guest.wait.done;
  CHECK(out > 0 && out < PAGE - BUF);
  spoil_list(empty);
  if (closes) EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  guest.resumed = true;
  error = write_list(fd);
  expect_done(error, out);
  if (!closes) EXPECT(WV_SUCCESS, wv_fd_remove(guest.fds, fd));
  close(ends[0]);
  close(ends[1]);
}

void test_rewritten(void) {
  test_received();
  test_written(write_it, false, false);
  test_written(write_it, true, false);
  test_written(write_it, false, true);
  test_written(send_it, false, false);
  test_written(send_it, true, false);
  test_written(send_it, false, true);
}
