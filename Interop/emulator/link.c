// SPDX-License-Identifier: Apache-2.0
// One direction of an access link: a queue that drains at a rate, then a delay, with accidents.
#include <stdlib.h>

#include "emulator.h"

static uint64_t state = 0x9E3779B97F4A7C15;

void seed(uint64_t value) { state = value; }

// SplitMix64 (Steele, Lea, Flood 2014), 0 up to 1.
double chance(void) {
    uint64_t mixed = state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return (double)((mixed ^ mixed >> 31) >> 11) / (double)(1ull << 53);
}

static uint64_t arrival(struct link *link, double departure) {
    uint64_t when = (uint64_t)departure + link->delay + (link->jitter ? (uint64_t)(chance() * (double)link->jitter) : 0);
    if (link->reorder > 0 && chance() < link->reorder) return when + link->reorder_by;
    if (when < link->last_arrival) when = link->last_arrival;
    link->last_arrival = when;
    return when;
}

void link_send(struct link *link, struct packet *packet, struct port *port, bool is_up, uint64_t now) {
    packet->port = port;
    packet->is_up = is_up;
    // What the wire carries: preamble and gaps are not counted, as in tc.
    double departure = (double)now, size = packet->size;
    if (link->is_cut || (link->loss > 0 && chance() < link->loss)) {
        link->lost++;
        packet_free(packet);
        return;
    }
    if (link->rate > 0) {
        double waiting = link->idle_at > departure ? (link->idle_at - departure) * link->rate : 0;
        if (waiting + size > (double)link->queue) {
            link->overflowed++;
            packet_free(packet);
            return;
        }
        if (link->idle_at < departure) link->idle_at = departure;
        departure = link->idle_at += size / link->rate;
    }
    link->packets++;
    link->bytes += packet->size;
    if (link->duplicate > 0 && chance() < link->duplicate) {
        struct packet *copy = packet_copy(packet);
        if (copy) schedule(copy, arrival(link, departure));
    }
    schedule(packet, arrival(link, departure));
}
