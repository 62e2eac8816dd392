// SPDX-License-Identifier: Apache-2.0
// The files of Samples/site, built into the program. A file that is added there is added in CSampleSite.c.
#ifndef ROOST_C_SAMPLE_SITE_H
#define ROOST_C_SAMPLE_SITE_H

#include <stddef.h>

struct roost_sample_file {
    const char *path; // relative, '/' between components
    const unsigned char *bytes;
    size_t length;
};

size_t roost_sample_count(void);

// `index` is below roost_sample_count().
struct roost_sample_file roost_sample_file_at(size_t index);

#endif
