/* The subjects of the fuzzer. Each reads the input from its second byte on. */
#ifndef CORE_H
#define CORE_H

void fuzz_writes(void);
void fuzz_reads(void);
void fuzz_polls(void);
void fuzz_paths(void);

#endif
