// SPDX-License-Identifier: Apache-2.0
// The entry point of libFuzzer as a library (LLVM, "libFuzzer: using libFuzzer as a library").
#ifndef ROOST_LIBFUZZER_H
#define ROOST_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test_one_input)(const uint8_t *data, size_t size));

#endif
