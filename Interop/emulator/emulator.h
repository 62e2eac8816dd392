// SPDX-License-Identifier: Apache-2.0
// A network in user space: hosts on Ethernet devices, an access link each, address translators, an observer, a censor.
// One thread; everything that is under way is in one heap by time. Times are nanoseconds of CLOCK_MONOTONIC.
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    frame_largest = 1514 + 18,
    ethernet_bytes = 14,
    ports_largest = 256,
    packets_largest = 200000,  // under way in all links together: 330 MB at most, then packets are dropped
};

struct port;

// An Ethernet frame with an IPv4 packet.
struct packet {
    uint64_t when, order;  // the next step, and its place among those of the same time
    struct port *port;     // whose link it is in
    bool is_up;
    uint16_t size;  // of the frame
    uint8_t bytes[frame_largest];
};

// One direction of an access link. What exceeds the queue is dropped; then comes the delay.
struct link {
    double rate;  // bytes a nanosecond; 0 for no limit
    uint64_t delay, jitter, reorder_by, queue;
    double loss, reorder, duplicate;
    bool is_cut;
    // When the queue will be empty, and when the last packet arrives: jitter alone does not reorder.
    double idle_at;
    uint64_t last_arrival;
    uint64_t packets, bytes, lost, overflowed;
};

struct nat;

// A host: the device that its frames come from and go to.
struct port {
    char name[32];
    int socket;
    uint32_t address;  // of the packets for it, network order
    struct nat *nat;   // the translator that it is behind, if any
    struct link up, down;
    struct capture *capture;
    struct packet *outgoing[64];  // leave together
    int outgoing_count;
    uint64_t refused;  // by the device, full
};

// An IPv4 packet taken apart. `l4` is null in fragments but the first.
struct parsed {
    uint8_t *ip, *l4, *payload;
    int ip_bytes, l4_bytes, payload_bytes;
    uint8_t protocol;
    uint32_t source, destination;                // network order
    uint16_t source_port, destination_port;  // host order; the identifier of an ICMP echo is both
};

// packet.c
bool packet_parse(struct packet *packet, struct parsed *parsed);
void packet_rewrite(struct parsed *parsed, bool is_source, uint32_t address, uint16_t port);
void packet_finish(struct packet *packet, int l4_bytes);
struct packet *packet_new(void);
struct packet *packet_copy(const struct packet *packet);
void packet_free(struct packet *packet);
void schedule(struct packet *packet, uint64_t when);
struct packet *due(uint64_t now);
uint64_t next_due(void);

// link.c
double chance(void);
void seed(uint64_t value);
void link_send(struct link *link, struct packet *packet, struct port *port, bool is_up, uint64_t now);

// nat.c: what leaves and enters a home. Both return false where the packet goes no further.
struct nat *nat_new(const char *name, const char *kind, uint32_t outer, uint32_t gateway, bool hairpin);
struct nat *nat_named(const char *name);
struct nat *nat_at(uint32_t outer);
uint32_t nat_outer(const struct nat *nat);
bool nat_is_gateway(const struct nat *nat, uint32_t address);
bool nat_hairpins(const struct nat *nat);
bool nat_out(struct nat *nat, struct packet *packet, uint64_t now);
bool nat_in(struct nat *nat, struct packet *packet, uint64_t now);
bool nat_map(struct nat *nat, uint8_t protocol, uint32_t inner, uint16_t inner_port, uint16_t *outer_port, uint64_t until);
void nat_request(struct nat *nat, struct packet *packet, uint64_t now);
int nat_mappings(const struct nat *nat);

// censor.c: whether the packet may pass on this host's link. May send resets.
bool censor_admits(struct port *port, struct packet *packet, uint64_t now);
const char *censor_add(char **words, int count);
bool censor_remove(const char *name);
uint64_t censor_hits(const char *name);

// capture.c
struct capture *capture_open(const char *path, int largest);
void capture_write(struct capture *capture, const struct packet *packet);
void capture_flush(struct capture *capture);
void capture_close(struct capture *capture);

// network.c
extern struct port *ports[ports_largest];
extern int port_count;
uint64_t clock_now(void);
const char *port_open(const char *name, const char *device, const char *address, const char *nat);
struct port *port_named(const char *name);
void arrive(struct packet *packet, uint64_t now);  // at a host's link, from the network
void network_step(struct packet *packet, uint64_t now);
void port_receive(struct port *port);
void port_flush(struct port *port);

// control.c: one command a line on standard input, one JSON object a line on standard output.
bool number_in(const char *text, double least, double most, double *number);  // whether it is nothing but a number between these
bool control_read(void);
