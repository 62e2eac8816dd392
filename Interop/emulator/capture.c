// SPDX-License-Identifier: Apache-2.0
// What an observer of one link sees, as pcap (draft-ietf-opsawg-pcap): IPv4 packets, times in nanoseconds. In the file before those
// for whom they are can have them.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "emulator.h"

struct capture {
    FILE *file;
    int largest;
    bool is_behind;  // something was written that is not in the file yet
};

struct capture *capture_open(const char *path, int largest) {
    FILE *file = fopen(path, "wb");
    if (!file) return NULL;
    struct capture *capture = malloc(sizeof *capture);
    if (!capture) abort();
    *capture = (struct capture){file, largest, true};
    setvbuf(file, NULL, _IOFBF, 1 << 16);
    // Link type 101: the packet begins with its IP header.
    uint32_t header[6] = {0xA1B23C4D, 2 | 4 << 16, 0, 0, (uint32_t)largest, 101};
    fwrite(header, sizeof header, 1, file);
    return capture;
}

void capture_write(struct capture *capture, const struct packet *packet) {
    if (!capture) return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint32_t size = packet->size - ethernet_bytes;
    uint32_t kept = size < (uint32_t)capture->largest ? size : (uint32_t)capture->largest;
    uint32_t record[4] = {(uint32_t)now.tv_sec, (uint32_t)now.tv_nsec, kept, size};
    fwrite(record, sizeof record, 1, capture->file);
    fwrite(packet->bytes + ethernet_bytes, kept, 1, capture->file);
    capture->is_behind = true;
}

void capture_flush(struct capture *capture) {
    if (!capture || !capture->is_behind) return;
    fflush(capture->file);
    capture->is_behind = false;
}

void capture_close(struct capture *capture) {
    if (!capture) return;
    fclose(capture->file);
    free(capture);
}
