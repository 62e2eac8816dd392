// SPDX-License-Identifier: Apache-2.0
// Address translators in the words of RFC 4787 and RFC 5382, with those of RFC 3489 for the four usual kinds:
//
//              mapping depends on            lets in
//   full       inner endpoint                everybody
//   restricted inner endpoint                addresses that were sent to
//   port       inner endpoint                addresses and ports that were sent to
//   symmetric  inner endpoint, destination   addresses and ports that were sent to
//
// Ports go over unchanged where they are free, except in symmetric ones, where they are drawn. A mapping lives for two
// minutes after a UDP packet left, two hours for TCP.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator.h"

enum { nats_largest = 64, mappings_largest = 4096, permits_largest = 64 };
static const uint64_t second = 1000000000;

struct mapping {
    uint8_t protocol;
    bool is_asked;  // by NAT-PMP or by the lab: lets everybody in
    uint32_t inner, destination;
    uint16_t inner_port, outer_port, destination_port;  // destination 0 where the mapping does not depend on it
    uint64_t until;
    struct { uint32_t address; uint16_t port; } permits[permits_largest];  // the last that were sent to
    int permit_count;
};

struct nat {
    char name[32], kind;  // f, r, p, s
    uint32_t outer, gateway;
    bool hairpin;
    struct mapping *mappings;
    int count;
};

static struct nat nats[nats_largest];
static int nat_count;

struct nat *nat_new(const char *name, const char *kind, uint32_t outer, uint32_t gateway, bool hairpin) {
    if (nat_count == nats_largest || !strchr("frps", kind[0])) return NULL;
    struct nat *nat = &nats[nat_count++];
    snprintf(nat->name, sizeof nat->name, "%s", name);
    nat->kind = kind[0];
    nat->outer = outer;
    nat->gateway = gateway;
    nat->hairpin = hairpin;
    nat->mappings = calloc(mappings_largest, sizeof *nat->mappings);
    if (!nat->mappings) abort();
    return nat;
}

struct nat *nat_named(const char *name) {
    for (int i = 0; i < nat_count; i++)
        if (!strcmp(nats[i].name, name)) return &nats[i];
    return NULL;
}

struct nat *nat_at(uint32_t outer) {
    for (int i = 0; i < nat_count; i++)
        if (nats[i].outer == outer) return &nats[i];
    return NULL;
}

uint32_t nat_outer(const struct nat *nat) { return nat->outer; }
bool nat_is_gateway(const struct nat *nat, uint32_t address) { return nat->gateway == address; }
bool nat_hairpins(const struct nat *nat) { return nat->hairpin; }
int nat_mappings(const struct nat *nat) { return nat->count; }

static uint64_t life(uint8_t protocol) { return (protocol == IPPROTO_TCP ? 7200 : 120) * second; }

static void expire(struct nat *nat, uint64_t now) {
    for (int i = 0; i < nat->count;)
        if (nat->mappings[i].until <= now) nat->mappings[i] = nat->mappings[--nat->count]; else i++;
}

static struct mapping *by_outer(struct nat *nat, uint8_t protocol, uint16_t port) {
    for (int i = 0; i < nat->count; i++)
        if (nat->mappings[i].protocol == protocol && nat->mappings[i].outer_port == port) return &nat->mappings[i];
    return NULL;
}

static struct mapping *by_inner(struct nat *nat, const struct parsed *parsed) {
    for (int i = 0; i < nat->count; i++) {
        struct mapping *mapping = &nat->mappings[i];
        if (mapping->protocol != parsed->protocol || mapping->inner != parsed->source || mapping->inner_port != parsed->source_port) continue;
        if (!mapping->destination || (mapping->destination == parsed->destination && mapping->destination_port == parsed->destination_port)) return mapping;
    }
    return NULL;
}

static uint16_t free_port(struct nat *nat, uint8_t protocol, uint16_t wish) {
    uint16_t port = nat->kind == 's' || wish == 0 ? (uint16_t)(1024 + chance() * 64000) : wish;
    while (by_outer(nat, protocol, port) || port < 1024) port++;
    return port;
}

static struct mapping *add(struct nat *nat, uint8_t protocol, uint32_t inner, uint16_t inner_port, uint16_t outer_port, uint64_t until) {
    if (nat->count == mappings_largest) return NULL;
    struct mapping *mapping = &nat->mappings[nat->count++];
    memset(mapping, 0, sizeof *mapping);
    mapping->protocol = protocol;
    mapping->inner = inner;
    mapping->inner_port = inner_port;
    mapping->outer_port = outer_port;
    mapping->until = until;
    return mapping;
}

static void permit(struct mapping *mapping, uint32_t address, uint16_t port) {
    for (int i = 0; i < mapping->permit_count && i < permits_largest; i++)
        if (mapping->permits[i].address == address && mapping->permits[i].port == port) return;
    int at = mapping->permit_count++ % permits_largest;
    mapping->permits[at].address = address;
    mapping->permits[at].port = port;
}

static bool admits(const struct nat *nat, const struct mapping *mapping, uint32_t address, uint16_t port) {
    if (nat->kind == 'f' || mapping->is_asked) return true;
    int count = mapping->permit_count < permits_largest ? mapping->permit_count : permits_largest;
    for (int i = 0; i < count; i++)
        if (mapping->permits[i].address == address && (nat->kind == 'r' || mapping->permits[i].port == port)) return true;
    return false;
}

bool nat_out(struct nat *nat, struct packet *packet, uint64_t now) {
    struct parsed parsed;
    if (!packet_parse(packet, &parsed) || !parsed.l4) return false;
    if (parsed.protocol != IPPROTO_TCP && parsed.protocol != IPPROTO_UDP && parsed.protocol != IPPROTO_ICMP) return false;
    expire(nat, now);
    struct mapping *mapping = by_inner(nat, &parsed);
    if (!mapping) {
        uint16_t outer = free_port(nat, parsed.protocol, parsed.source_port);
        mapping = add(nat, parsed.protocol, parsed.source, parsed.source_port, outer, 0);
        if (!mapping) return false;
        if (nat->kind == 's') {
            mapping->destination = parsed.destination;
            mapping->destination_port = parsed.destination_port;
        }
    }
    uint64_t until = now + life(parsed.protocol);
    if (mapping->until < until) mapping->until = until;
    permit(mapping, parsed.destination, parsed.protocol == IPPROTO_ICMP ? mapping->outer_port : parsed.destination_port);
    packet_rewrite(&parsed, true, nat->outer, mapping->outer_port);
    return true;
}

bool nat_in(struct nat *nat, struct packet *packet, uint64_t now) {
    struct parsed parsed;
    if (!packet_parse(packet, &parsed) || !parsed.l4) return false;
    expire(nat, now);
    struct mapping *mapping = by_outer(nat, parsed.protocol, parsed.destination_port);
    if (!mapping || !admits(nat, mapping, parsed.source, parsed.source_port)) return false;
    packet_rewrite(&parsed, false, mapping->inner, mapping->inner_port);
    return true;
}

// Lets everybody in at a port; the one that was wished for where it is free.
bool nat_map(struct nat *nat, uint8_t protocol, uint32_t inner, uint16_t inner_port, uint16_t *outer_port, uint64_t until) {
    struct mapping *mapping = NULL;
    for (int i = 0; i < nat->count && !mapping; i++) {
        struct mapping *known = &nat->mappings[i];
        if (known->protocol == protocol && known->inner == inner && known->inner_port == inner_port && !known->destination) mapping = known;
    }
    if (!mapping) {
        uint16_t port = by_outer(nat, protocol, *outer_port) || *outer_port < 1024 ? free_port(nat, protocol, 0) : *outer_port;
        mapping = add(nat, protocol, inner, inner_port, port, until);
    }
    if (!mapping) return false;
    mapping->is_asked = true;
    mapping->until = until;
    *outer_port = mapping->outer_port;
    return true;
}

static void write16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// NAT-PMP (RFC 6886): the address outside (0), UDP (1) and TCP (2) mappings. The request becomes the answer.
void nat_request(struct nat *nat, struct packet *packet, uint64_t now) {
    struct parsed parsed;
    if (!packet_parse(packet, &parsed) || parsed.payload_bytes < 2 || parsed.payload[1] > 2) return packet_free(packet);
    uint8_t *body = parsed.payload, operation = body[1];
    // RFC 6886 §3.5, RFC 6887 §9: who asks in PCP learns that this is NAT-PMP.
    bool is_strange = body[0] != 0;
    if (!is_strange && operation && parsed.payload_bytes < 12) return packet_free(packet);
    uint32_t inner = parsed.source, lifetime = 0;
    uint16_t inner_port = 0, outer_port = 0, result = 0;
    if (!is_strange && operation) {
        inner_port = (uint16_t)(body[4] << 8 | body[5]);
        outer_port = (uint16_t)(body[6] << 8 | body[7]);
    }
    if (is_strange) {
        result = 1;
    } else if (operation) {
        memcpy(&lifetime, body + 8, 4);
        uint64_t until = now + ntohl(lifetime) * second;
        result = nat_map(nat, operation == 1 ? IPPROTO_UDP : IPPROTO_TCP, inner, inner_port, &outer_port, until) ? 0 : 4;
    }
    memset(body, 0, parsed.payload_bytes < 16 ? (size_t)parsed.payload_bytes : 16);
    body[1] = (uint8_t)(128 + operation);
    write16(body + 2, result);
    uint32_t epoch = htonl((uint32_t)(now / second));
    memcpy(body + 4, &epoch, 4);
    if (is_strange) {
        // The answer has no more.
    } else if (operation) {
        write16(body + 8, inner_port);
        write16(body + 10, outer_port);
        memcpy(body + 12, &lifetime, 4);
    } else {
        memcpy(body + 8, &nat->outer, 4);
    }
    uint16_t port = parsed.source_port;
    memcpy(parsed.ip + 12, &nat->gateway, 4);
    memcpy(parsed.ip + 16, &inner, 4);
    write16(parsed.l4, 5351);
    write16(parsed.l4 + 2, port);
    packet_finish(packet, 8 + (is_strange ? 8 : operation ? 16 : 12));
    arrive(packet, now);
}
