// SPDX-License-Identifier: Apache-2.0
// Commands of the lab. Words are separated by blanks; rates are bytes a second, times microseconds.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator.h"

enum { words_largest = 32 };

bool number_in(const char *text, double least, double most, double *number) {
    char *end;
    *number = strtod(text, &end);
    return end != text && !*end && *number >= least && *number <= most;
}

static const char *set(struct link *link, const char *word) {
    const char *value = strchr(word, '=');
    double number;
    if (!value || !number_in(value + 1, 0, 1e18, &number)) return "a setting is NAME=NUMBER, none below zero";
    if (!strncmp(word, "rate=", 5)) link->rate = number / 1e9;
    else if (!strncmp(word, "delay=", 6)) link->delay = (uint64_t)(number * 1000);
    else if (!strncmp(word, "jitter=", 7)) link->jitter = (uint64_t)(number * 1000);
    else if (!strncmp(word, "loss=", 5)) link->loss = number;
    else if (!strncmp(word, "reorder=", 8)) link->reorder = number;
    else if (!strncmp(word, "reorderby=", 10)) link->reorder_by = (uint64_t)(number * 1000);
    else if (!strncmp(word, "duplicate=", 10)) link->duplicate = number;
    else if (!strncmp(word, "queue=", 6)) link->queue = (uint64_t)number;
    else if (!strncmp(word, "cut=", 4)) link->is_cut = number != 0;
    else return "settings are rate, delay, jitter, loss, reorder, reorderby, duplicate, queue and cut";
    return NULL;
}

// link HOST up|down|both SETTING…
static const char *link_command(char **words, int count) {
    struct port *port = count > 2 ? port_named(words[1]) : NULL;
    if (!port) return "link HOST up|down|both SETTING…";
    for (int i = 3; i < count; i++) {
        const char *fault = NULL;
        if (strcmp(words[2], "down") != 0) fault = set(&port->up, words[i]);
        if (!fault && strcmp(words[2], "up") != 0) fault = set(&port->down, words[i]);
        if (fault) return fault;
    }
    return NULL;
}

// nat NAME full|restricted|port|symmetric OUTER GATEWAY [hairpin]
static const char *nat_command(char **words, int count) {
    uint32_t outer, gateway;
    if (count > 4 && nat_named(words[1])) return "a translator has this name already";
    if (count < 5 || inet_pton(AF_INET, words[3], &outer) != 1 || inet_pton(AF_INET, words[4], &gateway) != 1) return "nat NAME KIND OUTER GATEWAY [hairpin]";
    return nat_new(words[1], words[2], outer, gateway, count > 5) ? NULL : "kinds are full, restricted, port and symmetric; 64 translators are the most";
}

// map NAT tcp|udp INNER PORT OUTER-PORT
static const char *map_command(char **words, int count) {
    struct nat *nat = count == 6 ? nat_named(words[1]) : NULL;
    uint32_t inner;
    if (!nat || inet_pton(AF_INET, words[3], &inner) != 1) return "map NAT tcp|udp INNER PORT OUTER-PORT";
    uint16_t port = (uint16_t)atoi(words[5]);
    bool done = nat_map(nat, !strcmp(words[2], "tcp") ? IPPROTO_TCP : IPPROTO_UDP, inner, (uint16_t)atoi(words[4]), &port, UINT64_MAX);
    return done ? NULL : "the translator is full";
}

// capture HOST FILE|off [BYTES-OF-A-PACKET]
static const char *capture_command(char **words, int count) {
    struct port *port = count > 2 ? port_named(words[1]) : NULL;
    if (!port) return "capture HOST FILE|off [BYTES]";
    double largest = 65535;
    if (count > 4 || (count > 3 && !number_in(words[3], 1, 65535, &largest))) return "capture HOST FILE|off [BYTES], of which there are 1 to 65535";
    capture_close(port->capture);
    port->capture = NULL;
    if (!strcmp(words[2], "off")) return NULL;
    port->capture = capture_open(words[2], (int)largest);
    return port->capture ? NULL : "the file cannot be written";
}

static void print_link(const char *name, const struct link *link) {
    printf("\"%s\":{\"packets\":%llu,\"bytes\":%llu,\"lost\":%llu,\"overflowed\":%llu}", name, (unsigned long long)link->packets,
           (unsigned long long)link->bytes, (unsigned long long)link->lost, (unsigned long long)link->overflowed);
}

static void print_statistics(void) {
    printf("{\"ok\":true,\"hosts\":{");
    for (int i = 0; i < port_count; i++) {
        printf("%s\"%s\":{", i ? "," : "", ports[i]->name);
        print_link("up", &ports[i]->up);
        printf(",");
        print_link("down", &ports[i]->down);
        printf(",\"refused\":%llu}", (unsigned long long)ports[i]->refused);
    }
    printf("}}\n");
}

static const char *perform(char **words, int count) {
    if (!strcmp(words[0], "port")) return count < 4 ? "port NAME DEVICE ADDRESS [NAT]" : port_open(words[1], words[2], words[3], count > 4 ? words[4] : NULL);
    if (!strcmp(words[0], "nat")) return nat_command(words, count);
    if (!strcmp(words[0], "map")) return map_command(words, count);
    if (!strcmp(words[0], "link")) return link_command(words, count);
    if (!strcmp(words[0], "capture")) return capture_command(words, count);
    if (!strcmp(words[0], "censor")) return censor_add(words + 1, count - 1);
    if (!strcmp(words[0], "uncensor")) return count == 2 && censor_remove(words[1]) ? NULL : "no rule has this name";
    if (!strcmp(words[0], "seed") && count == 2) return seed(strtoull(words[1], NULL, 10)), NULL;
    return "commands are port, nat, map, link, capture, censor, uncensor, hits, statistics and seed";
}

static void answer(char *line) {
    char *words[words_largest];
    int count = 0;
    for (char *word = strtok(line, " "); word && count < words_largest; word = strtok(NULL, " ")) words[count++] = word;
    if (!count) return;
    if (!strcmp(words[0], "statistics")) return print_statistics();
    if (!strcmp(words[0], "hits") && count == 2) {
        printf("{\"ok\":true,\"hits\":%llu}\n", (unsigned long long)censor_hits(words[1]));
        return;
    }
    const char *fault = perform(words, count);
    if (fault) printf("{\"ok\":false,\"error\":\"%s\"}\n", fault);
    else printf("{\"ok\":true}\n");
}

bool control_read(void) {
    static char buffer[8192];
    static size_t filled;
    ssize_t got = read(STDIN_FILENO, buffer + filled, sizeof buffer - 1 - filled);
    if (got <= 0) return false;
    filled += (size_t)got;
    buffer[filled] = 0;
    char *line = buffer, *end;
    while ((end = strchr(line, '\n'))) {
        *end = 0;
        answer(line);
        line = end + 1;
    }
    fflush(stdout);
    filled -= (size_t)(line - buffer);
    memmove(buffer, line, filled);
    return filled < sizeof buffer - 1;
}
