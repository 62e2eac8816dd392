// SPDX-License-Identifier: Apache-2.0
// The signals that ask the program to end.
#ifndef ROOST_SIGNALS_H
#define ROOST_SIGNALS_H

// From now on the first SIGINT or SIGTERM makes the returned descriptor readable, and stays so; the second ends the process at
// once with 128 and its number. There is one descriptor, whoever asks, and it is never closed. Returns -1 with errno.
int roost_ending_signals(void);

#endif
