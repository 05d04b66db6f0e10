/* Runs core.c on the named files, without libFuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int count, char **names) {
  static uint8_t data[1 << 16];

  for (int i = 1; i < count; i++) {
    FILE *file = fopen(names[i], "rb");
    size_t size;

    if (file == NULL) {
      perror(names[i]);
      return 1;
    }
    size = fread(data, 1, sizeof(data), file);
    fclose(file);
    fprintf(stderr, "%s\n", names[i]); /* the last name is the failing one */
    LLVMFuzzerTestOneInput(data, size);
  }
  printf("%d inputs\n", count - 1);
  return 0;
}
