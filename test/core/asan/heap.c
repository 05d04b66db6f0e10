/* An addon for cycles.js: returns the allocated bytes of this process. */
#include <node_api.h>

/* In the sanitizer's runtime; gcc has no header for it. */
size_t __sanitizer_get_current_allocated_bytes(void);

static napi_value allocated(napi_env env, napi_callback_info info) {
  napi_value bytes;

  (void)info;
  if (napi_create_double(env, (double)__sanitizer_get_current_allocated_bytes(),
                         &bytes) != napi_ok)
    return NULL;
  return bytes;
}

NAPI_MODULE_INIT(/* env, exports */) {
  napi_value function;

  (void)exports;
  if (napi_create_function(env, "allocated", NAPI_AUTO_LENGTH, allocated, NULL,
                           &function) != napi_ok)
    return NULL;
  return function;
}
