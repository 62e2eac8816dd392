// SPDX-License-Identifier: Apache-2.0
// Hosts, and the way of a packet: device, link up, censor, translator, route, translator, censor, link down, device.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "emulator.h"

struct port *ports[ports_largest];
int port_count;

uint64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct port *port_named(const char *name) {
    for (int i = 0; i < port_count; i++)
        if (!strcmp(ports[i]->name, name)) return ports[i];
    return NULL;
}

// A raw socket on a device that has no other use.
static int raw_socket(const char *device) {
    int opened = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (opened < 0) return -1;
    int yes = 1, size = 16 << 20;
    // Without root the kernel's limit stands.
    if (setsockopt(opened, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)) setsockopt(opened, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(opened, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size)) setsockopt(opened, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(opened, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
    setsockopt(opened, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex(device)};
    if (!address.sll_ifindex || bind(opened, (struct sockaddr *)&address, sizeof address)) {
        close(opened);
        return -1;
    }
    return opened;
}

const char *port_open(const char *name, const char *device, const char *address, const char *nat) {
    if (port_count == ports_largest) return "256 hosts are the most";
    if (port_named(name)) return "a host has this name already";
    if (strlen(name) >= sizeof ports[0]->name) return "the name is too long";
    struct port *port = calloc(1, sizeof *port);
    if (!port || inet_pton(AF_INET, address, &port->address) != 1) return "no address";
    if (nat && !(port->nat = nat_named(nat))) return "no translator has this name";
    if ((port->socket = raw_socket(device)) < 0) return strerror(errno);
    snprintf(port->name, sizeof port->name, "%s", name);
    port->up.queue = port->down.queue = 1 << 20;
    ports[port_count++] = port;
    return NULL;
}

void port_receive(struct port *port) {
    static struct packet *batch[64];
    struct mmsghdr messages[64];
    struct iovec parts[64];
    for (int round = 0; round < 8; round++) {
        int count = 0;
        for (; count < 64 && (batch[count] || (batch[count] = packet_new())); count++) {
            parts[count] = (struct iovec){batch[count]->bytes, frame_largest};
            messages[count] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[count], .msg_iovlen = 1}};
        }
        int got = recvmmsg(port->socket, messages, (unsigned)count, MSG_DONTWAIT | MSG_TRUNC, NULL);
        if (got <= 0) return;
        uint64_t now = clock_now();
        for (int i = 0; i < got; i++) {
            struct packet *packet = batch[i];
            batch[i] = NULL;
            packet->size = (uint16_t)messages[i].msg_len;
            if (messages[i].msg_len > frame_largest) {
                fprintf(stderr, "emulator: %s sent a frame of %u bytes: its device must not segment\n", port->name, messages[i].msg_len);
                packet_free(packet);
                continue;
            }
            capture_write(port->capture, packet);
            link_send(&port->up, packet, port, true, now);
        }
        if (got < count) return;
    }
}

void port_flush(struct port *port) {
    capture_flush(port->capture);
    if (!port->outgoing_count) return;
    struct mmsghdr messages[64];
    struct iovec parts[64];
    for (int i = 0; i < port->outgoing_count; i++) {
        parts[i] = (struct iovec){port->outgoing[i]->bytes, port->outgoing[i]->size};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    int sent = sendmmsg(port->socket, messages, (unsigned)port->outgoing_count, MSG_DONTWAIT);
    if (sent < port->outgoing_count) port->refused += (uint64_t)(port->outgoing_count - (sent < 0 ? 0 : sent));
    for (int i = 0; i < port->outgoing_count; i++) packet_free(port->outgoing[i]);
    port->outgoing_count = 0;
}

static void deliver(struct port *port, struct packet *packet) {
    capture_write(port->capture, packet);
    port->outgoing[port->outgoing_count++] = packet;
    if (port->outgoing_count == 64) port_flush(port);
}

// The host with an address, of those behind a translator, or of those in the open.
static struct port *reach(const struct nat *home, uint32_t address) {
    for (int i = 0; i < port_count; i++)
        if (ports[i]->nat == home && ports[i]->address == address) return ports[i];
    return NULL;
}

static uint32_t destination(const struct packet *packet) {
    uint32_t address;
    memcpy(&address, packet->bytes + ethernet_bytes + 16, 4);
    return address;
}

static void lead(struct packet *packet, const struct nat *home, uint64_t now) {
    struct port *port = reach(home, destination(packet));
    if (!port) return packet_free(packet);
    link_send(&port->down, packet, port, false, now);
}

void arrive(struct packet *packet, uint64_t now) { lead(packet, packet->port->nat, now); }

// From the open network: to a host, or into a home.
static void route(struct packet *packet, uint64_t now) {
    struct nat *nat = nat_at(destination(packet));
    if (nat && !nat_in(nat, packet, now)) return packet_free(packet);
    lead(packet, nat, now);
}

static void leave(struct packet *packet, uint64_t now) {
    struct nat *nat = packet->port->nat;
    if (!nat) return route(packet, now);
    uint32_t to = destination(packet);
    if (nat_is_gateway(nat, to)) {
        struct parsed parsed;
        bool asks = packet_parse(packet, &parsed) && parsed.protocol == IPPROTO_UDP && parsed.destination_port == 5351;
        return asks ? nat_request(nat, packet, now) : packet_free(packet);
    }
    if (reach(nat, to)) return lead(packet, nat, now);
    if (to == nat_outer(nat) && !nat_hairpins(nat)) return packet_free(packet);
    if (!nat_out(nat, packet, now)) return packet_free(packet);
    route(packet, now);
}

void network_step(struct packet *packet, uint64_t now) {
    if (!censor_admits(packet->port, packet, now)) return packet_free(packet);
    if (packet->is_up) return leave(packet, now);
    deliver(packet->port, packet);
}
