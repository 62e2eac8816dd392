// SPDX-License-Identifier: Apache-2.0
// Counts what the calling thread allocates. Linked into a program, it stands before the C library's malloc, for that whole
// program: only `roost-bench` does that.
#ifndef ROOST_CALLOCATIONS_H
#define ROOST_CALLOCATIONS_H

#include <stdint.h>

// How many times this thread has called malloc, calloc, realloc or an aligned variant.
uint64_t roost_allocation_count(void);

#endif
