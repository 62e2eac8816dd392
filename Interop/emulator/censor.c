// SPDX-License-Identifier: Apache-2.0
// A censor on the access link of some hosts, or of all: drops packets or resets their connections.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator.h"

enum { rules_largest = 256, pattern_largest = 256 };

// All conditions that are given must hold.
struct rule {
    char name[32], host[32];  // host "*": all
    bool resets;
    uint32_t address, mask;  // of either end, network order; mask 0: any
    uint16_t port;           // of either end; 0: any
    uint8_t protocol;        // 0: any
    uint8_t pattern[pattern_largest];
    int pattern_bytes;  // anywhere in one packet's payload
    double share;       // of the packets that match
    uint64_t hits;
};

static struct rule rules[rules_largest];
static int rule_count;

static bool matches(const struct rule *rule, const struct port *port, const struct parsed *parsed) {
    if (strcmp(rule->host, "*") != 0 && strcmp(rule->host, port->name) != 0) return false;
    if (rule->mask && (parsed->source & rule->mask) != rule->address && (parsed->destination & rule->mask) != rule->address) return false;
    if (rule->protocol && rule->protocol != parsed->protocol) return false;
    if (rule->port && (!parsed->l4 || parsed->protocol == IPPROTO_ICMP || (rule->port != parsed->source_port && rule->port != parsed->destination_port))) return false;
    if (rule->pattern_bytes && (parsed->payload_bytes <= 0 || !memmem(parsed->payload, (size_t)parsed->payload_bytes, rule->pattern, (size_t)rule->pattern_bytes))) return false;
    return rule->share >= 1 || chance() < rule->share;
}

// A reset as if from one end: sequence numbers as the other expects them (RFC 9293 §3.10.7).
static struct packet *reset(const struct parsed *parsed, bool to_sender, const uint8_t *ethernet) {
    struct packet *packet = packet_new();
    if (!packet) return NULL;
    memset(packet->bytes, 0, ethernet_bytes + 40);
    memcpy(packet->bytes, ethernet, ethernet_bytes);
    uint8_t *ip = packet->bytes + ethernet_bytes, *tcp = ip + 20;
    ip[0] = 0x45;
    ip[8] = 64;
    ip[9] = IPPROTO_TCP;
    memcpy(ip + 12, parsed->ip + (to_sender ? 16 : 12), 4);
    memcpy(ip + 16, parsed->ip + (to_sender ? 12 : 16), 4);
    memcpy(tcp, parsed->l4 + (to_sender ? 2 : 0), 2);
    memcpy(tcp + 2, parsed->l4 + (to_sender ? 0 : 2), 2);
    memcpy(tcp + 4, parsed->l4 + (to_sender ? 8 : 4), 4);
    if (to_sender) {
        uint32_t sequence;
        memcpy(&sequence, parsed->l4 + 4, 4);
        sequence = htonl(ntohl(sequence) + (uint32_t)parsed->payload_bytes);
        memcpy(tcp + 8, &sequence, 4);
    } else {
        memcpy(tcp + 8, parsed->l4 + 8, 4);
    }
    tcp[12] = 5 << 4;
    tcp[13] = 0x14;  // RST, ACK
    packet_finish(packet, 20);
    return packet;
}

static void inject(struct port *port, struct packet *packet, const struct parsed *parsed, uint64_t now) {
    // On the way up the sender is on this side of the censor, on the way down the receiver is.
    struct packet *near = reset(parsed, packet->is_up, packet->bytes), *far = reset(parsed, !packet->is_up, packet->bytes);
    if (near) link_send(&port->down, near, port, false, now);
    if (far) {
        far->port = port;
        far->is_up = true;
        network_step(far, now);
    }
}

bool censor_admits(struct port *port, struct packet *packet, uint64_t now) {
    struct parsed parsed;
    if (!rule_count || !packet_parse(packet, &parsed)) return true;
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        if (!matches(rule, port, &parsed)) continue;
        rule->hits++;
        // Resets are not reset: they would go round in circles.
        if (rule->resets && parsed.protocol == IPPROTO_TCP && parsed.l4) {
            if (parsed.l4[13] & 4) return true;
            inject(port, packet, &parsed, now);
        }
        return false;
    }
    return true;
}

static const char *condition(struct rule *rule, const char *word) {
    const char *value = strchr(word, '=');
    if (!value) return "a condition is NAME=VALUE";
    value++;
    if (!strncmp(word, "address=", 8)) {
        char text[32];
        snprintf(text, sizeof text, "%s", value);
        char *slash = strchr(text, '/');
        double bits_given = 32;
        bool is_prefix = !slash || number_in(slash + 1, 1, 32, &bits_given);
        int bits = (int)bits_given;
        if (slash) *slash = 0;
        if (!is_prefix || inet_pton(AF_INET, text, &rule->address) != 1) return "an address is A.B.C.D or A.B.C.D/N";
        rule->mask = htonl(bits == 32 ? UINT32_MAX : ~(UINT32_MAX >> bits));
        rule->address &= rule->mask;
    } else if (!strncmp(word, "port=", 5)) {
        double port;
        if (!number_in(value, 1, 65535, &port)) return "a port is a number from 1 to 65535";
        rule->port = (uint16_t)port;
    } else if (!strncmp(word, "protocol=", 9)) {
        rule->protocol = !strcmp(value, "tcp") ? IPPROTO_TCP : !strcmp(value, "udp") ? IPPROTO_UDP : !strcmp(value, "icmp") ? IPPROTO_ICMP : 0;
        if (!rule->protocol) return "protocols are tcp, udp and icmp";
    } else if (!strncmp(word, "share=", 6)) {
        if (!number_in(value, 0, 1, &rule->share)) return "a share is a number from 0 to 1";
    } else if (!strncmp(word, "bytes=", 6)) {
        size_t digits = strspn(value, "0123456789abcdef");
        if (value[digits] || digits % 2 || !digits || digits > 2 * pattern_largest) return "text or bytes are 1 to 256 bytes, which are given as hex";
        for (; *value; value += 2) {
            unsigned byte = 0;
            sscanf(value, "%2x", &byte);
            rule->pattern[rule->pattern_bytes++] = (uint8_t)byte;
        }
    } else {
        return "conditions are address, port, protocol, text or bytes, and share";
    }
    return NULL;
}

// NAME HOST drop|reset CONDITION…
const char *censor_add(char **words, int count) {
    if (count < 3 || rule_count == rules_largest) return "censor NAME HOST drop|reset CONDITION…, at most 256";
    struct rule rule = {.share = 1};
    snprintf(rule.name, sizeof rule.name, "%s", words[0]);
    snprintf(rule.host, sizeof rule.host, "%s", words[1]);
    rule.resets = !strcmp(words[2], "reset");
    if (!rule.resets && strcmp(words[2], "drop") != 0) return "a censor drops or resets: drop or reset";
    if (strcmp(words[1], "*") != 0 && !port_named(words[1])) return "no host has this name";
    for (int i = 3; i < count; i++) {
        const char *fault = condition(&rule, words[i]);
        if (fault) return fault;
    }
    rules[rule_count++] = rule;
    return NULL;
}

bool censor_remove(const char *name) {
    int kept = 0;
    for (int i = 0; i < rule_count; i++)
        if (strcmp(rules[i].name, name) != 0) rules[kept++] = rules[i];
    bool found = kept < rule_count;
    rule_count = kept;
    return found;
}

uint64_t censor_hits(const char *name) {
    uint64_t hits = 0;
    for (int i = 0; i < rule_count; i++)
        if (!strcmp(rules[i].name, name)) hits += rules[i].hits;
    return hits;
}
