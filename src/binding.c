/* The Node-API side: one function for each guest, and its mailbox.
 *
 * Node-API converts arguments one call at a time, and each conversion costs
 * more than a store into a typed array that both sides see. So JS leaves a
 * request in the mailbox, calls the function, and finds the answer there. The
 * function converts nothing on the way of a write, throws nothing, and keeps
 * all state in its data pointer: there are no globals, and each context and
 * each worker has its own. */
#include <node_api.h>
#include <stdlib.h>

#include "adopt.h"
#include "sys.h"
#include "write.h"

/* The mailbox, word by word. lib/native.js has the same list. */
enum {
  BOX_OP = 0,     /* in: what to do */
  BOX_RESULT = 1, /* out */
  BOX_FD = 2,     /* in: guest fd */
  BOX_A = 3,      /* in: see `enum op` */
  BOX_B = 4,
  BOX_C = 5,
  BOX_OFFSET = 6, /* in: 64 bits, of fd_pwrite */
  BOX_CALLS = 8,  /* out: 64 bits, of OP_STATS */
  BOX_BYTES = 10, /* out: 64 bits, of OP_STATS */
  BOX_WORDS = 12,
};

enum op {
  OP_FD_WRITE = 0, /* A: iovs, B: iovs_len, C: nwritten. RESULT: errno */
  OP_FD_PWRITE,    /* the same, and OFFSET */
  OP_MAP,          /* A: host fd, B: WV_FD_* flags. RESULT: errno */
  OP_UNMAP,        /* */
  OP_MOVE,         /* A: guest fd to move to. RESULT: errno */
  OP_SET_FLAGS,    /* B: WV_FD_* flags the guest can change. RESULT: errno */
  OP_INSPECT,      /* RESULT: INSPECT_* of the host descriptor */
  OP_LOWEST_FREE,  /* RESULT: host fd, or -1 */
  OP_SEARCH_BEGIN, /* A: hint or -1. RESULT: candidates */
  OP_SEARCH_SETTLE_MOVED,  /* OFFSET: distance. RESULT: whether one is left */
  OP_SEARCH_KEEP_NONBLOCK, /* B: NONBLOCK. RESULT: candidates */
  OP_SEARCH_COPY,          /* RESULT: candidates */
  OP_SEARCH_ADOPT,         /* A: 1 for what has an offset, B: WV_FD_* flags.
                              RESULT: errno */
  OP_SEARCH_END,           /* */
  OP_SET_MEMORY,  /* the argument: a Uint8Array over the guest's memory */
  OP_KIND,        /* RESULT: wv_kind | WV_FD_* flags << 8, 0 if not mapped */
  OP_SET_STAGING, /* the argument: a Uint8Array that never moves */
  OP_DRAIN,       /* A: start in staging, B: length. RESULT: errno, A: done */
  OP_PDRAIN,      /* the same, and OFFSET */
  OP_STATS,       /* CALLS, BYTES: what was written */
  OP_RELEASE,     /* closes the copies, unmaps every fd */
};

enum {
  INSPECT_NONBLOCK = 1 << 1,
  INSPECT_APPEND = 1 << 2,
};

typedef struct instance {
  wv_guest guest;
  wv_search search;
  wv_memory staging; /* what lib/combiner.js holds back */
  uint32_t *box;
} instance;

static uint32_t kind(const wv_fd_table *table, uint32_t fd) {
  const wv_fd *entry = wv_fd_get(table, fd);

  return entry == NULL ? 0u
                       : (uint32_t)entry->kind | (uint32_t)entry->flags << 8;
}

static int64_t box_offset(const uint32_t *box) {
  int64_t offset;

  memcpy(&offset, &box[BOX_OFFSET], sizeof(offset));
  return offset;
}

static wv_errno drain(instance *self, bool at_offset) {
  uint32_t *box = self->box;
  uint64_t done = 0;
  wv_errno error;

  if (!wv_in_bounds(&self->staging, box[BOX_A], box[BOX_B])) return WV_EFAULT;
  error = wv_drain(&self->guest, box[BOX_FD], self->staging.base + box[BOX_A],
                   box[BOX_B], at_offset ? box_offset(box) : -1, &done);
  box[BOX_A] = (uint32_t)done;
  return error;
}

/* The bytes of the Uint8Array that the function was called with. */
static void take_view(napi_env env, napi_callback_info info, wv_memory *to) {
  size_t argc = 1;
  napi_value view;
  napi_typedarray_type type;
  size_t length;
  void *data;

  to->base = NULL;
  to->size = 0;
  if (napi_get_cb_info(env, info, &argc, &view, NULL, NULL) != napi_ok ||
      argc < 1)
    return;
  if (napi_get_typedarray_info(env, view, &type, &length, &data, NULL, NULL) !=
          napi_ok ||
      type != napi_uint8_array)
    return;
  to->base = data;
  to->size = length;
}

static wv_errno map(instance *self, int host_fd, uint8_t flags) {
  wv_fd entry = {.host_fd = host_fd, .kind = WV_KIND_STREAM, .flags = flags};
  wv_sys_kind kind = WV_SYS_OTHER;
  int host_flags = wv_sys_flags(host_fd);

  /* A descriptor that is closed is mapped all the same: a write to it is EBADF,
   * as it is when the host closes it later. */
  if (wv_sys_stat_kind(host_fd, &kind) == 0 && kind != WV_SYS_OTHER)
    entry.kind = kind == WV_SYS_FILE ? WV_KIND_FILE : WV_KIND_SOCKET;
  if (host_flags >= 0 && host_flags & WV_SYS_APPEND)
    entry.flags |= WV_FD_APPEND;
  if (host_flags < 0 || !(host_flags & WV_SYS_WRITABLE))
    entry.flags |= WV_FD_READ_ONLY;
  return wv_fd_set(&self->guest.table, self->box[BOX_FD], entry);
}

/* A file that has an offset is written as a regular file is, and what the guest
 * opened it with is known: there the system need not be asked. */
static wv_errno adopt(instance *self, bool has_offset, uint8_t flags) {
  int copy = wv_search_take(&self->search);
  wv_fd file = {
      .host_fd = copy, .kind = WV_KIND_FILE, .flags = flags | WV_FD_OWNED};
  wv_errno error;

  if (copy < 0) return WV_EBADF;
  error = has_offset ? wv_fd_set(&self->guest.table, self->box[BOX_FD], file)
                     : map(self, copy, file.flags);
  if (error != WV_SUCCESS) wv_sys_close(copy);
  return error;
}

static wv_errno move(wv_fd_table *table, uint32_t from, uint32_t to) {
  wv_fd *entry = wv_fd_get(table, from);
  wv_fd moved;
  wv_errno error;

  if (from == to) return WV_SUCCESS;
  if (entry == NULL) {
    wv_fd_clear(table, to);
    return WV_SUCCESS;
  }
  moved = *entry;
  error = wv_fd_set(table, to, moved);
  if (error == WV_SUCCESS) {
    entry = wv_fd_get(table, from);
    entry->flags &= (uint8_t)~WV_FD_OWNED;
    wv_fd_clear(table, from);
  }
  return error;
}

static wv_errno set_flags(wv_fd_table *table, uint32_t fd, uint8_t flags) {
  const uint8_t kept = WV_FD_OWNED | WV_FD_READ_ONLY;
  wv_fd *entry = wv_fd_get(table, fd);

  if (entry == NULL) return WV_EBADF;
  entry->flags = (entry->flags & kept) | (flags & (uint8_t)~kept);
  return WV_SUCCESS;
}

static uint32_t inspect(const wv_fd_table *table, uint32_t fd) {
  const wv_fd *entry = wv_fd_get(table, fd);
  int flags = entry == NULL ? -1 : wv_sys_flags(entry->host_fd);

  if (flags < 0) return 0;
  return (flags & WV_SYS_NONBLOCK ? INSPECT_NONBLOCK : 0) |
         (flags & WV_SYS_APPEND ? INSPECT_APPEND : 0);
}

static void release(instance *self) {
  wv_search_end(&self->search);
  wv_guest_free(&self->guest);
}

/* What is not a write. */
static uint32_t control(napi_env env, napi_callback_info info, instance *self) {
  const uint32_t *box = self->box;
  wv_fd_table *table = &self->guest.table;
  wv_search *search = &self->search;
  uint8_t flags = (uint8_t)box[BOX_B];

  switch ((enum op)box[BOX_OP]) {
    case OP_MAP:
      return map(self, (int)box[BOX_A], flags);
    case OP_UNMAP:
      wv_fd_clear(table, box[BOX_FD]);
      return 0;
    case OP_MOVE:
      return move(table, box[BOX_FD], box[BOX_A]);
    case OP_SET_FLAGS:
      return set_flags(table, box[BOX_FD], flags);
    case OP_INSPECT:
      return inspect(table, box[BOX_FD]);
    case OP_LOWEST_FREE:
      return (uint32_t)wv_lowest_free_fd();
    case OP_SEARCH_BEGIN:
      wv_search_begin(search, (int)box[BOX_A]);
      return (uint32_t)search->count;
    case OP_SEARCH_SETTLE_MOVED:
      return wv_search_settle_moved(search, box_offset(box));
    case OP_SEARCH_KEEP_NONBLOCK:
      wv_search_keep_nonblock(search, box[BOX_B] != 0);
      return (uint32_t)search->count;
    case OP_SEARCH_COPY:
      wv_search_copy(search);
      return (uint32_t)search->count;
    case OP_SEARCH_ADOPT:
      return adopt(self, box[BOX_A] != 0, flags);
    case OP_SEARCH_END:
      wv_search_end(search);
      return 0;
    case OP_SET_MEMORY:
      take_view(env, info, &self->guest.memory);
      return 0;
    case OP_KIND:
      return kind(table, box[BOX_FD]);
    case OP_SET_STAGING:
      take_view(env, info, &self->staging);
      return 0;
    case OP_DRAIN:
      return drain(self, false);
    case OP_PDRAIN:
      return drain(self, true);
    case OP_STATS:
      memcpy(&self->box[BOX_CALLS], &self->guest.calls, sizeof(uint64_t));
      memcpy(&self->box[BOX_BYTES], &self->guest.bytes, sizeof(uint64_t));
      return 0;
    case OP_RELEASE:
      release(self);
      return 0;
    default:
      return WV_EINVAL;
  }
}

static napi_value call(napi_env env, napi_callback_info info) {
  instance *self;
  uint32_t *box;
  wv_call request;
  void *data;

  if (napi_get_cb_info(env, info, NULL, NULL, NULL, &data) != napi_ok)
    return NULL;
  self = data;
  box = self->box;
  request = (wv_call){.fd = box[BOX_FD],
                      .iovs = box[BOX_A],
                      .iovs_len = box[BOX_B],
                      .nwritten = box[BOX_C]};
  if (box[BOX_OP] == OP_FD_WRITE) {
    box[BOX_RESULT] = wv_fd_write(&self->guest, &request);
  } else if (box[BOX_OP] == OP_FD_PWRITE) {
    box[BOX_RESULT] =
        wv_fd_pwrite(&self->guest, &request, (uint64_t)box_offset(box));
  } else {
    box[BOX_RESULT] = control(env, info, self);
  }
  return NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  instance *self = data;

  (void)env;
  (void)hint;
  release(self);
  free(self->search.list);
  free(self);
}

/* create(waitTimeout): the function of one guest. Its `box` property is the
 * mailbox, and keeps that alive for as long as the function is. */
static napi_value create(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value timeout, box, function;
  instance *self = calloc(1, sizeof(*self));
  void *memory;
  napi_property_descriptor property = {.utf8name = "box"};

  if (self == NULL) {
    napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED",
                     "Not enough memory for the state of a guest");
    return NULL;
  }
  if (napi_get_cb_info(env, info, &argc, &timeout, NULL, NULL) != napi_ok ||
      napi_get_value_int64(env, timeout, &self->guest.wait_timeout) !=
          napi_ok ||
      napi_create_arraybuffer(env, BOX_WORDS * sizeof(uint32_t), &memory,
                              &box) != napi_ok ||
      napi_create_function(env, "fd_write", NAPI_AUTO_LENGTH, call, self,
                           &function) != napi_ok)
    goto fail;
  property.value = box;
  if (napi_define_properties(env, function, 1, &property) != napi_ok ||
      napi_add_finalizer(env, function, self, finalize, NULL, NULL) != napi_ok)
    goto fail;
  self->box = memory;
  return function;

fail:
  free(self);
  napi_throw_error(env, NULL, "The state of a guest could not be created");
  return NULL;
}

/* dup(hostFd), close(hostFd): what node:fs does, but for the list that a worker
 * of Node's keeps of its descriptors, to close them when it ends. */
static napi_value dup_host_fd(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument, result;
  int32_t fd = -1;

  if (napi_get_cb_info(env, info, &argc, &argument, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, argument, &fd) != napi_ok ||
      napi_create_int32(env, wv_sys_dup(fd), &result) != napi_ok)
    return NULL;
  return result;
}

static napi_value close_host_fd(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  int32_t fd;

  if (napi_get_cb_info(env, info, &argc, &argument, NULL, NULL) == napi_ok &&
      napi_get_value_int32(env, argument, &fd) == napi_ok)
    wv_sys_close(fd);
  return NULL;
}

NAPI_MODULE_INIT(/* env, exports */) {
  napi_property_descriptor properties[] = {
      {.utf8name = "create", .method = create},
      {.utf8name = "dup", .method = dup_host_fd},
      {.utf8name = "close", .method = close_host_fd},
  };

  if (napi_define_properties(env, exports, 3, properties) != napi_ok)
    return NULL;
  return exports;
}
