/* Fuzzing of the C core: a guest makes calls over a kernel that the input
 * scripts. The first byte selects the subject. */
#include "core.h"

#include <errno.h>
#include <string.h>

#include "errno_map.h"
#include "input.h"

static const struct {
  const char *name;
  void (*run)(void);
} subjects[] = {
    {"writes", fuzz_writes},
    {"reads", fuzz_reads},
    {"polls", fuzz_polls},
    {"paths", fuzz_paths},
};

static void check_errnos(void) {
  static bool checked;
  int host;

  for (host = 1; !checked && host < 256; host++)
    CHECK(wv_errno_from_host(host) == namesake(host));
  checked = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -1: do not keep the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *only = getenv("FUZZ_SUBJECT");
  uint8_t subject;

  check_errnos();
  input = data;
  input_left = size;
  subject = take_u8() % 4;
  if (only != NULL && strcmp(only, subjects[subject].name) != 0) return -1;
  subjects[subject].run();
  return 0;
}
