// SPDX-License-Identifier: Apache-2.0
// Packets: taken apart, rewritten with their checksums, kept, and ordered by time.
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "emulator.h"

static uint16_t read16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static void write16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

bool packet_parse(struct packet *packet, struct parsed *parsed) {
    memset(parsed, 0, sizeof *parsed);
    int left = packet->size - ethernet_bytes;
    uint8_t *ip = packet->bytes + ethernet_bytes;
    if (left < 20 || read16(packet->bytes + 12) != 0x0800 || ip[0] >> 4 != 4) return false;
    int header = (ip[0] & 15) * 4, total = read16(ip + 2);
    if (header < 20 || total < header || total > left) return false;
    parsed->ip = ip;
    parsed->ip_bytes = header;
    parsed->protocol = ip[9];
    memcpy(&parsed->source, ip + 12, 4);
    memcpy(&parsed->destination, ip + 16, 4);
    int rest = total - header;
    uint8_t *l4 = ip + header;
    if ((read16(ip + 6) & 0x1FFF) != 0) return true;
    int l4_header = parsed->protocol == IPPROTO_TCP && rest >= 20 ? (l4[12] >> 4) * 4 : 8;
    if (rest < l4_header || l4_header < 8) return true;
    parsed->l4 = l4;
    parsed->l4_bytes = l4_header;
    parsed->payload = l4 + l4_header;
    parsed->payload_bytes = rest - l4_header;
    if (parsed->protocol == IPPROTO_TCP || parsed->protocol == IPPROTO_UDP) {
        parsed->source_port = read16(l4);
        parsed->destination_port = read16(l4 + 2);
    } else if (parsed->protocol == IPPROTO_ICMP) {
        parsed->source_port = parsed->destination_port = read16(l4 + 4);
    }
    return true;
}

// RFC 1624: a checksum after 16 bits of what it covers have changed.
static void amend(uint8_t *checksum, uint16_t before, uint16_t after) {
    uint32_t sum = (uint16_t)~read16(checksum) + (uint32_t)(uint16_t)~before + after;
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    write16(checksum, (uint16_t)~sum);
}

static uint8_t *checksum_of(struct parsed *parsed) {
    if (!parsed->l4) return NULL;
    if (parsed->protocol == IPPROTO_TCP) return parsed->l4 + 16;
    // Zero is no checksum (RFC 768).
    if (parsed->protocol == IPPROTO_UDP) return read16(parsed->l4 + 6) ? parsed->l4 + 6 : NULL;
    return parsed->protocol == IPPROTO_ICMP ? parsed->l4 + 2 : NULL;
}

void packet_rewrite(struct parsed *parsed, bool is_source, uint32_t address, uint16_t port) {
    uint8_t *at = parsed->ip + (is_source ? 12 : 16), *checksum = checksum_of(parsed), fresh[4];
    memcpy(fresh, &address, 4);
    for (int half = 0; half < 4; half += 2) {
        uint16_t before = read16(at + half), after = read16(fresh + half);
        amend(parsed->ip + 10, before, after);
        // ICMP's checksum covers no addresses (RFC 792).
        if (checksum && parsed->protocol != IPPROTO_ICMP) amend(checksum, before, after);
    }
    memcpy(at, fresh, 4);
    if (!parsed->l4) return;
    uint8_t *number = parsed->l4 + (parsed->protocol == IPPROTO_ICMP ? 4 : is_source ? 0 : 2);
    if (checksum) amend(checksum, read16(number), port);
    write16(number, port);
}

static uint32_t sum(const uint8_t *bytes, int count, uint32_t total) {
    for (int i = 0; i + 1 < count; i += 2) total += read16(bytes + i);
    return count & 1 ? total + (uint32_t)(bytes[count - 1] << 8) : total;
}

static uint16_t folded(uint32_t total) {
    while (total >> 16) total = (total & 0xFFFF) + (total >> 16);
    return (uint16_t)~total;
}

// Lengths and checksums of a packet of ours: 20 bytes of IPv4, then TCP or UDP of so many bytes in all.
void packet_finish(struct packet *packet, int l4_bytes) {
    uint8_t *ip = packet->bytes + ethernet_bytes, *l4 = ip + 20;
    packet->size = (uint16_t)(ethernet_bytes + 20 + l4_bytes);
    write16(ip + 2, (uint16_t)(20 + l4_bytes));
    write16(ip + 10, 0);
    write16(ip + 10, folded(sum(ip, 20, 0)));
    uint8_t *checksum = l4 + (ip[9] == IPPROTO_TCP ? 16 : 6);
    if (ip[9] == IPPROTO_UDP) write16(l4 + 4, (uint16_t)l4_bytes);
    write16(checksum, 0);
    write16(checksum, folded(sum(l4, l4_bytes, sum(ip + 12, 8, (uint32_t)(ip[9] + l4_bytes)))));
}

// Packets that are not in use, and the heap of those that are.
static struct packet *heap[packets_largest], *spare[packets_largest];
static int heap_count, spare_count, in_use;
static uint64_t orders;

struct packet *packet_new(void) {
    if (in_use >= packets_largest) return NULL;
    struct packet *packet = spare_count ? spare[--spare_count] : malloc(sizeof *packet);
    if (packet) in_use++;
    return packet;
}

struct packet *packet_copy(const struct packet *packet) {
    struct packet *copy = packet_new();
    if (copy) *copy = *packet;
    return copy;
}

void packet_free(struct packet *packet) {
    in_use--;
    spare[spare_count++] = packet;
}

static bool before(const struct packet *left, const struct packet *right) {
    return left->when != right->when ? left->when < right->when : left->order < right->order;
}

void schedule(struct packet *packet, uint64_t when) {
    packet->when = when;
    packet->order = orders++;
    int at = heap_count++;
    while (at > 0 && before(packet, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = packet;
}

uint64_t next_due(void) { return heap_count ? heap[0]->when : UINT64_MAX; }

struct packet *due(uint64_t now) {
    if (!heap_count || heap[0]->when > now) return NULL;
    struct packet *first = heap[0], *last = heap[--heap_count];
    int at = 0;
    for (;;) {
        int child = 2 * at + 1;
        if (child >= heap_count) break;
        if (child + 1 < heap_count && before(heap[child + 1], heap[child])) child++;
        if (!before(heap[child], last)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return first;
}
