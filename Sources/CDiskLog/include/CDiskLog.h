// SPDX-License-Identifier: Apache-2.0
#ifndef ROOST_CDISKLOG_H
#define ROOST_CDISKLOG_H

#include <stddef.h>
#include <stdint.h>

// Linked into a program, this stands in front of the C library's calls that change files, records those below one folder,
// and lets some of them fail for want of room. All of the program's own code and its libraries are seen (SQLite too); calls
// that the C library makes inside itself are not.
//
// A record: kind (1 byte), file number (8), offset or length (8), byte counts of two fields (4 each), the fields. Numbers
// are little-endian.
enum roost_disk_record {
    ROOST_DISK_CREATE = 1,   // file, path
    ROOST_DISK_WRITE,        // file, offset, bytes
    ROOST_DISK_TRUNCATE,     // file, length
    ROOST_DISK_SYNC,         // file
    ROOST_DISK_SYNC_ALL,     //
    ROOST_DISK_SYNC_FOLDER,  // path
    ROOST_DISK_RENAME,       // path, path
    ROOST_DISK_LINK,         // path, path
    ROOST_DISK_UNLINK,       // path
    ROOST_DISK_MKDIR,        // path
    ROOST_DISK_RMDIR,        // path
    ROOST_DISK_MARK,         // text
};

// Begins a record of what changes below `root` (absolute, no slash at its end). Ends the one before.
void roost_disk_begin(const char *root);
// Puts a remark of the program into the record.
void roost_disk_mark(const char *text);
// Puts into the record that all of it is on the device.
void roost_disk_sync_all(void);
// From change number `first` on (counted from 1 at the beginning) writes fail with ENOSPC, the first of them after half of
// its bytes; 0 lets all succeed.
void roost_disk_fill(uint64_t first);
// How many changes there were since the beginning.
uint64_t roost_disk_changes(void);
// Ends the record; the bytes are the caller's to free.
uint8_t *roost_disk_end(size_t *count);

#endif
