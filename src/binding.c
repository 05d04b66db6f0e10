/* The Node-API side: one function for each guest, and its mailbox.
 *
 * A conversion of an argument by Node-API costs more than a store into a typed
 * array. So JS stores a request in the mailbox, which both sides see, calls the
 * function, and reads the answer there. On the way of a call the function
 * converts nothing and throws nothing. Its state is in its data pointer; the
 * only globals are the tables that threads share. */
#include <node_api.h>
#include <stdlib.h>

#include "dispatch.h"
#include "flush.h"
#include "host.h"
#include "run.h"
#include "sharing.h"

typedef struct instance {
  struct instance *next;  /* in the list of the environment */
  struct instance **link; /* the pointer to this one; NULL: in no list */
  wv_host host;
  uint32_t op;     /* the call that waits, for WV_OP_RESUME */
  napi_ref buffer; /* weak: the memory of host.guest.buffer */
  napi_ref memory; /* strong: the memory of a shared table */
} instance;

/* The guests of one environment: a thread, or a context. */
typedef struct environment {
  instance *first;
  uint32_t ends; /* calls at its end that are still to come */
} environment;

/* The argument is a Uint8Array: the guest's memory, a buffer that never moves,
 * or strings. */
static wv_memory view(napi_env env, napi_callback_info info,
                      napi_value *array) {
  wv_memory result = {.base = NULL, .size = 0};
  size_t argc = 1;
  napi_typedarray_type type;
  size_t length;
  void *data;

  if (napi_get_cb_info(env, info, &argc, array, NULL, NULL) != napi_ok ||
      argc < 1)
    return result;
  if (napi_get_typedarray_info(env, *array, &type, &length, &data, NULL,
                               NULL) != napi_ok ||
      type != napi_uint8_array)
    return result;
  result.base = data;
  result.size = length;
  return result;
}

static void forget(napi_env env, napi_ref *ref) {
  if (*ref != NULL) napi_delete_reference(env, *ref);
  *ref = NULL;
}

/* A `count` of 1 keeps the value alive, 0 only observes whether it is. */
static bool refer(napi_env env, napi_value value, uint32_t count,
                  napi_ref *ref) {
  forget(env, ref);
  return napi_create_reference(env, value, count, ref) == napi_ok;
}

/* Also false where Deno has destroyed the environment and no longer answers. */
static bool is_alive(napi_env env, napi_ref ref) {
  napi_value value = NULL;
  napi_handle_scope scope;
  bool result;

  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  result =
      napi_get_reference_value(env, ref, &value) == napi_ok && value != NULL;
  napi_close_handle_scope(env, scope);
  return result;
}

/* OUT is 1 for a memory that threads of the guest share. ARGUMENTS may still
 * hold those of a call, and stay. */
static wv_errno set_memory(napi_env env, instance *self, wv_memory memory,
                           napi_value array) {
  wv_guest *guest = &self->host.guest;

  guest->memory = memory;
  if (self->host.box[WV_BOX_OUT] == 0 || guest->fds->sharing != NULL ||
      guest->closed)
    return WV_SUCCESS;
  if (!refer(env, array, 1, &self->memory)) return WV_ENOMEM;
  return wv_share(guest, memory.base);
}

/* argument 0: WV_BUFFERED_*. JS keeps the memory alive as long as the guest,
 * without a finalizer: a program that never returns to its event loop runs
 * none. A guest of a run is always closed. */
static wv_errno set_buffer(napi_env env, instance *self, wv_memory memory,
                           napi_value array) {
  if (memory.size <= WV_BUFFER_HEADER_SIZE) return WV_EINVAL;
  /* What another thread looks into must not go before it is closed. */
  if (!refer(env, array, self->host.guest.run == NULL ? 0 : 1, &self->buffer))
    return WV_ENOMEM;
  wv_buffer_set(&self->host.guest.buffer, memory,
                (uint8_t)self->host.box[WV_BOX_ARGUMENTS]);
  return WV_SUCCESS;
}

/* Does not wait for the collector to free the memories. */
static wv_errno close_guest(napi_env env, instance *self) {
  wv_errno error = wv_guest_close(&self->host.guest);

  if (error != WV_SUCCESS) return error;
  wv_buffer_unset(&self->host.guest.buffer);
  forget(env, &self->buffer);
  forget(env, &self->memory);
  return WV_SUCCESS;
}

static uint32_t control(napi_env env, napi_callback_info info, instance *self) {
  napi_value array = NULL;
  const wv_memory bytes = view(env, info, &array);

  switch ((enum wv_op)self->host.box[WV_BOX_OP]) {
    case WV_OP_SET_MEMORY:
      return set_memory(env, self, bytes, array);
    case WV_OP_SET_BUFFER:
      return set_buffer(env, self, bytes, array);
    case WV_OP_CLOSE:
      return close_guest(env, self);
    default:
      return wv_host_control(&self->host, bytes);
  }
}

/* Asks V8 between two slices of a wait whether the guest goes on: V8 ends a
 * thread only where it runs JS. If the script throws an object, the stack is
 * full: the guest goes on, and meets that itself. */
static bool goes_on(napi_env env) {
  napi_valuetype type = napi_undefined;
  napi_handle_scope scope;
  napi_value script;
  napi_value value;
  bool result;

  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  result = napi_create_string_utf8(env, "0", 1, &script) == napi_ok &&
           napi_run_script(env, script, &value) == napi_ok;
  if (!result && napi_get_and_clear_last_exception(env, &value) == napi_ok &&
      napi_typeof(env, value, &type) == napi_ok)
    result = type == napi_object;
  napi_close_handle_scope(env, scope);
  return result;
}

static void finish(napi_env env, instance *self, wv_errno error) {
  if (error == WV_RESUME) {
    self->op = self->host.box[WV_BOX_OP];
    if (!goes_on(env)) error = WV_EINTR;
  }
  if (error == WV_DELIVER || error == WV_ASK)
    self->host.box[WV_BOX_OUT] = self->host.guest.target;
  self->host.box[WV_BOX_RESULT] = error;
}

/* The arguments of the waiting call are still in the mailbox. */
static void resume(napi_env env, instance *self) {
  wv_errno error;

  self->host.box[WV_BOX_OP] = self->op;
  self->host.guest.resumed = true;
  error = wv_dispatch(&self->host.guest, self->host.box);
  self->host.guest.resumed = false;
  finish(env, self, error);
}

static napi_value call(napi_env env, napi_callback_info info) {
  instance *self;
  wv_errno error;
  void *data;

  if (napi_get_cb_info(env, info, NULL, NULL, NULL, &data) != napi_ok)
    return NULL;
  self = data;
  if (self->host.box[WV_BOX_OP] > WV_OP_RESUME) {
    wv_guest_release(&self->host.guest);
    self->host.box[WV_BOX_RESULT] = control(env, info, self);
    wv_guest_release(&self->host.guest);
    return NULL;
  }
  if (self->host.box[WV_BOX_OP] == WV_OP_RESUME) {
    resume(env, self);
    return NULL;
  }
  error = wv_dispatch(&self->host.guest, self->host.box);
  if (error >= WV_ASK)
    finish(env, self, error);
  else
    self->host.box[WV_BOX_RESULT] = error;
  return NULL;
}

/* Closes what the guest has open, but keeps the state: a second call is
 * harmless. */
static void end(napi_env env, instance *self) {
  if (self->buffer != NULL && !is_alive(env, self->buffer))
    wv_buffer_unset(&self->host.guest.buffer);
  wv_host_free(&self->host);
  self->host = (wv_host){0};
  forget(env, &self->buffer);
  forget(env, &self->memory);
  if (self->link == NULL) return;
  *self->link = self->next;
  if (self->next != NULL) self->next->link = self->link;
  self->link = NULL;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  end(env, data);
  free(data);
}

static void forget_environment(environment *all) {
  if (--all->ends == 0) free(all);
}

/* Runs at the end of the environment, after Node has closed its streams: before
 * that, and when the collector frees a run, a stream may have the number. */
static void abandon_ends(void *data) {
  environment *all = data;
  instance *each;

  for (each = all->first; each != NULL; each = each->next)
    if (each->host.run != NULL) wv_run_abandon(each->host.run);
  forget_environment(all);
}

/* Runs at the end of the environment, also if a worker is terminated during a
 * call. Deno then finalizes no function, and Bun not all. A function that is
 * finalized later still finds its state. */
static void finalize_environment(napi_env env, void *data, void *hint) {
  environment *all = data;

  (void)hint;
  while (all->first != NULL) end(env, all->first);
  forget_environment(all);
}

static void add(environment *all, instance *self) {
  self->next = all->first;
  self->link = &all->first;
  if (self->next != NULL) self->next->link = &self->next;
  all->first = self;
}

/* create(waitTimeout, maxOpenFiles, mayBlock) returns the function of one
 * guest. Its `box` property is the mailbox, which lives as long as the
 * function. maxOpenFiles is -1 for the default. */
static napi_value create(napi_env env, napi_callback_info info) {
  size_t argc = 3;
  napi_value arguments[3], box, function;
  instance *self = calloc(1, sizeof(*self));
  environment *all;
  int64_t max_open_files;
  void *memory;
  napi_property_descriptor property = {.utf8name = "box"};

  if (self == NULL) {
    napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED",
                     "Not enough memory for the state of a guest");
    return NULL;
  }
  if (napi_get_cb_info(env, info, &argc, arguments, NULL, (void **)&all) !=
          napi_ok ||
      napi_get_value_int64(env, arguments[0], &self->host.guest.wait_timeout) !=
          napi_ok ||
      napi_get_value_int64(env, arguments[1], &max_open_files) != napi_ok ||
      napi_get_value_bool(env, arguments[2], &self->host.guest.may_block) !=
          napi_ok ||
      napi_create_arraybuffer(env, WV_BOX_WORDS * sizeof(uint32_t), &memory,
                              &box) != napi_ok ||
      napi_create_function(env, "wasi", NAPI_AUTO_LENGTH, call, self,
                           &function) != napi_ok)
    goto fail;
  property.value = box;
  self->host.guest.fds = wv_fd_table_new(
      max_open_files < 0 ? wv_sys_half_of_limit() : (uint32_t)max_open_files);
  if (self->host.guest.fds == NULL ||
      napi_define_properties(env, function, 1, &property) != napi_ok ||
      napi_add_finalizer(env, function, self, finalize, NULL, NULL) != napi_ok)
    goto fail;
  self->host.box = memory;
  add(all, self);
  return function;

fail:
  wv_host_free(&self->host);
  free(self);
  napi_throw_error(env, NULL, "The state of a guest could not be created");
  return NULL;
}

NAPI_MODULE_INIT(/* env, exports */) {
  environment *all = calloc(1, sizeof(*all));
  napi_property_descriptor properties[] = {
      {.utf8name = "create", .method = create, .data = all},
      {.utf8name = "abi", .attributes = napi_enumerable},
  };

  wv_sys_ignore_write_signals();
  if (all == NULL) return NULL;
  if (napi_set_instance_data(env, all, finalize_environment, NULL) != napi_ok) {
    free(all);
    return NULL;
  }
  all->ends = 1;
  if (napi_add_env_cleanup_hook(env, abandon_ends, all) == napi_ok) all->ends++;
  if (napi_create_string_utf8(env, WV_ABI_HASH, NAPI_AUTO_LENGTH,
                              &properties[1].value) != napi_ok ||
      napi_define_properties(env, exports, 2, properties) != napi_ok)
    return NULL;
  return exports;
}
