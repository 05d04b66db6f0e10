/* The streams of a guest, and the host's ends of them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "whole.h"

#define MANY 256
#define CLIENTS 6

typedef struct numbers {
  int fds[MANY];
  uint32_t count;
} numbers;

static numbers given; /* numbers of the caller's, given to the guest */
static numbers feeds; /* non-blocking, like all below */
static numbers drains;
static numbers clients;
static int listener = -1;
static struct sockaddr_un address;
static socklen_t address_size;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void add(numbers *to, int fd) {
  CHECK(fd >= 0 && to->count < MANY);
  to->fds[to->count++] = fd;
}

static int nonblocking(int fd) {
  CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
  return fd;
}

static uint32_t control(player *self, enum wv_op op, wv_memory bytes,
                        uint32_t a, uint32_t b, uint32_t c) {
  self->box[WV_BOX_OP] = op;
  self->box[WV_BOX_ARGUMENTS] = a;
  self->box[WV_BOX_ARGUMENTS + 1] = b;
  self->box[WV_BOX_ARGUMENTS + 2] = c;
  return wv_host_control(&self->host, bytes);
}

/* Gives a guest a number of the caller's, or of its own, like a FIFO it opened
 * or a connection it accepted. */
static void give(player *self, int host_fd) {
  wv_fd entry;
  uint32_t fd;

  if (!now.shared && !one_in(self, 4)) {
    add(&given, host_fd);
    for (fd = 0; wv_fd_get(self->host.guest.fds, fd) != NULL;) fd++;
    CHECK(control(self, WV_OP_INSERT, (wv_memory){0}, fd, (uint32_t)host_fd,
                  WV_INSERT_HOST) == WV_SUCCESS);
    return;
  }
  entry = wv_fd_of_host(nonblocking(host_fd));
  entry.flags |= WV_FD_OWNED;
  if (wv_fd_insert(self->host.guest.fds, &entry, &fd) != WV_SUCCESS)
    close(host_fd);
}

static int socket_end(int type) {
  int ends[2];

  CHECK(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
  add(&feeds, nonblocking(ends[1]));
  add(&drains, ends[1]);
  return ends[0];
}

void insert_socket(player *self) {
  pthread_mutex_lock(&lock);
  if (feeds.count < MANY / 2) give(self, socket_end(SOCK_STREAM));
  pthread_mutex_unlock(&lock);
}

static int pipe_end(bool write_end) {
  int ends[2];

  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  /* A small pipe is full at times. */
  CHECK(fcntl(ends[0], F_SETPIPE_SZ, 4096) > 0);
  add(write_end ? &drains : &feeds, nonblocking(ends[!write_end]));
  return ends[write_end];
}

static int terminal_end(bool master) {
  int ends[2];
  char name[32];

  ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  CHECK(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
  CHECK(ptsname_r(ends[0], name, sizeof(name)) == 0);
  ends[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  CHECK(ends[1] >= 0);
  add(&feeds, nonblocking(ends[master]));
  add(&drains, ends[master]);
  return ends[!master];
}

static int file_end(int flags) {
  const char text[] = "a file of the caller's\n";
  char path[32];
  int first = memfd_create("caller", MFD_CLOEXEC);
  int fd;

  CHECK(first >= 0 && write(first, text, sizeof(text)) == sizeof(text));
  snprintf(path, sizeof(path), "/proc/self/fd/%d", first);
  fd = open(path, flags | O_CLOEXEC);
  CHECK(fd >= 0);
  close(first);
  return fd;
}

static void open_listener(player *self) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address = (struct sockaddr_un){.sun_family = AF_UNIX};
  address_size = sizeof(address);
  /* The system chooses a name. */
  CHECK(fd >= 0 &&
        bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)) == 0);
  CHECK(listen(fd, 4) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)&address, &address_size) == 0);
  listener = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  give(self, fd);
}

static void insert_number(player *self, uint32_t fd, int host_fd) {
  add(&given, host_fd);
  CHECK(control(self, WV_OP_INSERT, (wv_memory){0}, fd, (uint32_t)host_fd,
                WV_INSERT_HOST) == WV_SUCCESS);
}

static void open_input(player *self) {
  static uint8_t bytes[] = "bytes to read\nand more\n";
  const wv_memory text = {.base = bytes, .size = sizeof(bytes)};

  switch (below(self, 6)) {
    case 0:
      CHECK(control(self, WV_OP_INSERT_BYTES, text, 0, 0, 0) == WV_SUCCESS);
      break;
    case 1:
      CHECK(control(self, WV_OP_INSERT, text, 0, 0, WV_INSERT_NULL) ==
            WV_SUCCESS);
      break;
    case 2:
      insert_number(self, 0, terminal_end(false));
      break;
    case 3:
      insert_number(self, 0, file_end(O_RDONLY));
      break;
    case 4:
      insert_number(self, 0, socket_end(SOCK_STREAM));
      break;
    default:
      insert_number(self, 0, pipe_end(false));
  }
}

static void open_output(player *self, uint32_t fd) {
  uint64_t *wide = (uint64_t *)(void *)self->box + WV_BOX_WIDE;
  const wv_memory none = {0};

  switch (below(self, 8)) {
    case 0:
    case 1:
      *wide = one_in(self, 2) ? below(self, 5000) : UINT64_C(1) << 20;
      CHECK(control(self, WV_OP_INSERT, none, fd, 0, WV_INSERT_CAPTURE) ==
            WV_SUCCESS);
      break;
    case 2:
    case 3:
      CHECK(control(self, WV_OP_INSERT, none, fd, fd, WV_INSERT_TARGET) ==
            WV_SUCCESS);
      break;
    case 4:
      insert_number(self, fd, terminal_end(false));
      break;
    case 5:
      insert_number(self, fd, file_end(O_RDWR | O_APPEND));
      break;
    case 6:
      insert_number(self, fd, socket_end(SOCK_STREAM));
      break;
    default:
      insert_number(self, fd, pipe_end(true));
  }
}

static void preopen(player *self, uint32_t directory, const char *name) {
  uint8_t names[160];
  const wv_memory bytes = {.base = names, .size = sizeof(names)};
  size_t len = strlen(inside[directory]) + 1;
  wv_errno error;

  memcpy(names, inside[directory], len);
  strcpy((char *)names + len, name);
  error = control(self, WV_OP_PREOPEN, bytes, 0, 0, 0);
  CHECK(error == WV_SUCCESS || error == WV_EMFILE);
}

static bool has_preopen(player *self, const char *name) {
  bool found = false;
  uint32_t fd = 0;
  wv_fd *entry;

  while (!found &&
         (entry = wv_fd_hold_preopen(self->host.guest.fds, &fd)) != NULL) {
    found = strcmp(entry->preopen, name) == 0;
    wv_fd_release(entry);
    fd++;
  }
  return found;
}

static const char *const preopens[] = {"/", "/w"};

void restore_preopens(player *self) {
  uint32_t i;

  for (i = 0; i < 2; i++)
    if (!has_preopen(self, preopens[i])) preopen(self, i, preopens[i]);
}

void open_streams(player *self) {
  static uint8_t strings[] = "tool\0--option\0\0last";
  const wv_memory bytes = {.base = strings, .size = sizeof(strings)};
  int i;

  CHECK(control(self, WV_OP_SET_ARGS, bytes, 4, 0, 0) == WV_SUCCESS);
  CHECK(control(self, WV_OP_SET_ENVIRON, bytes, 4, 0, 0) == WV_SUCCESS);
  open_input(self);
  open_output(self, 1);
  open_output(self, 2);
  restore_preopens(self);
  if (self != &players[0]) return;
  for (i = 0; i < 3; i++) give(self, socket_end(SOCK_STREAM));
  give(self, socket_end(SOCK_DGRAM));
  open_listener(self);
  give(self, pipe_end(false));
  give(self, pipe_end(true));
  give(self, file_end(O_RDWR));
  give(self, eventfd(1, EFD_CLOEXEC));
  /* Nobody reads what a guest writes there. */
  if (!now.may_block) give(self, terminal_end(true));
  /* A number that the host has closed. */
  if (!now.shared)
    control(self, WV_OP_INSERT, (wv_memory){0}, 20, 1000, WV_INSERT_HOST);
}

static void connect_client(void) {
  int fd;

  if (clients.count == CLIENTS) {
    close(clients.fds[0]);
    clients.count--;
    memmove(clients.fds, clients.fds + 1, clients.count * sizeof(int));
  }
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(fd, (struct sockaddr *)&address, address_size) == 0)
    add(&clients, fd);
  else
    close(fd);
}

static void feed(const numbers *of) {
  uint32_t i;

  for (i = 0; i < of->count; i++)
    if (write(of->fds[i], "fed with a line\n", 16) < 0) continue;
}

static void drain(const numbers *of) {
  static uint8_t bytes[65536];
  uint32_t i;
  int n;

  for (i = 0; i < of->count; i++)
    for (n = 0; n < 8; n++)
      if (read(of->fds[i], bytes, sizeof(bytes)) <= 0) break;
}

void run_host(void) {
  pthread_mutex_lock(&lock);
  feed(&feeds);
  feed(&clients);
  drain(&drains);
  drain(&clients);
  if (listener >= 0) connect_client();
  pthread_mutex_unlock(&lock);
}

static void close_all(numbers *of) {
  while (of->count > 0) close(of->fds[--of->count]);
}

/* Closes a number only once, even if both lists have it. */
void close_streams(void) {
  uint32_t i;
  uint32_t j;

  for (i = 0; i < drains.count; i++)
    for (j = 0; j < feeds.count; j++)
      if (drains.fds[i] == feeds.fds[j]) drains.fds[i] = -1;
  /* The guest has forgotten the numbers, but closed none. */
  for (i = 0; i < given.count; i++)
    if (fcntl(given.fds[i], F_GETFD) < 0)
      fail(__FILE__, __LINE__, "number %d of the caller is closed",
           given.fds[i]);
  close_all(&given);
  close_all(&feeds);
  close_all(&drains);
  close_all(&clients);
  if (listener >= 0) close(listener);
  listener = -1;
}
